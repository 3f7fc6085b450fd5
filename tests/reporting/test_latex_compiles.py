import shutil
import subprocess
from dataclasses import replace

import pytest

from uaabench.reporting.files import texts, write
from uaabench.reporting.latex import LatexStyle, latex
from uaabench.reporting.table import Row

DOCUMENT = r"""\documentclass[%s]{article}
\usepackage{booktabs,graphicx}
\begin{document}
Table~\ref{tab:fusion}.
%s
\end{document}
"""


@pytest.mark.parametrize("options", ["", "twocolumn"])
def test_latex_compiles_without_overfull_lines(incomplete, tmp_path, options):
    if shutil.which("pdflatex") is None:
        pytest.skip("needs pdflatex")
    (tmp_path / "paper.tex").write_text(DOCUMENT % (options, latex(incomplete)), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "Overfull" not in done.stdout


PAPER = r"""\documentclass{article}
\usepackage{booktabs,graphicx}
\begin{document}
Tables~\ref{tab:fusion} and~\ref{tab:fusion-versus-msrs-test}.
\input{results}
\input{supplement}
\bibliographystyle{plain}
\bibliography{references}
\end{document}
"""
ENTRY = "@article{bai2024, author = {Bai, Haowen}, title = {Deep unfolding}, journal = {TCSVT}, year = {2024}}"


def run_in(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("intervals", ["below", "pm", "none"])
def test_a_paper_with_supplement_and_citations_compiles(records_of, table_of, tmp_path, intervals):
    if shutil.which("pdflatex") is None or shutil.which("bibtex") is None:
        pytest.skip("needs pdflatex and bibtex")
    table = table_of(records_of(), reference="tardal")
    methods = [replace(method, bibtex=ENTRY) if method.label == "uaa" else method for method in table.methods]
    rows = [Row(next(m for m in methods if m.label == row.method.label), row.cells) for row in table.sections[0].rows]
    cited = replace(table, methods=methods, sections=[replace(table.sections[0], rows=rows)])
    write(texts(cited, ["latex"], LatexStyle(intervals=intervals)), tmp_path)
    (tmp_path / "paper.tex").write_text(PAPER, encoding="utf-8")
    latexing = ("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex")
    run_in(tmp_path, *latexing)
    run_in(tmp_path, "bibtex", "paper")
    run_in(tmp_path, *latexing)
    log = run_in(tmp_path, *latexing)
    assert "undefined" not in log
    assert "Overfull" not in log
    assert "Deep unfolding" in (tmp_path / "paper.bbl").read_text()


def test_intervals_stand_where_they_are_wanted(complete):
    assert "[5.0000, 5.0000]" in latex(complete)
    assert "[5.0000, 5.0000]" not in latex(complete, LatexStyle(intervals="none"))
    # uaa has 1, 2, 3, 4: the longer half of its interval around 2.5.
    cell = complete.sections[0].rows[0].cells["SD"]
    half = max(cell.mean - cell.low, cell.high - cell.mean)
    assert rf"2.5000 {{\scriptsize $\pm$ {half:.4f}}}" in latex(complete, LatexStyle(intervals="pm"))


def test_caption_label_and_resizing_are_the_users(complete):
    text = latex(complete, LatexStyle(caption="Ours wins.", label="tab:ours", resize=False))
    assert r"\caption{Ours wins. Profile cddfuse" in text
    assert r"\label{tab:ours}" in text
    assert r"\resizebox" not in text


def test_methods_without_a_publication_are_not_cited(complete):
    assert r"\cite" not in latex(complete)
    assert texts(complete, ["latex"])["references.bib"] == ""
