import re
import shutil
import subprocess
from dataclasses import replace

import pandas as pd
import pytest

from runs import write_run
from uaabench.reporting.build import build_table
from uaabench.reporting.files import texts, write
from uaabench.reporting.latex import LatexStyle, latex
from uaabench.reporting.latex_text import definition, escape
from uaabench.reporting.numbers import Numbers
from uaabench.reporting.table import DatasetHead, MethodRow, Row

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


HOSTILE = [
    "方法一", "方法二", "μ-Net", "µ-Net", "Ours†", r"$\frac$", r"\i", "50%", "a_b^c", "#1 & {x", "}", "~", "--x",
    "[1] *", "a\nb", "a b", "a  b", "ę «x»", "🔥", "`'\"", "\u202eabc", "Čapek–Ő", "x\\\\",
]  # fmt: skip
HOSTILE_PAPER = r"""\documentclass{article}
\usepackage{booktabs,graphicx}
\begin{document}
\listoftables
%s
\input{results}
\input{supplement}
\end{document}
"""


@pytest.fixture
def hostile(records_of, metrics):
    """A table on two data sets whose every name tries to be LaTeX, with a note that does so too."""
    values = {name: {"SD": [n, n + 1, n + 2, n + 4]} for n, name in enumerate(HOSTILE)}
    values[HOSTILE[0]] = {"SD": [1, 2, 3, r"\undefined{ % $ 方"]}
    heads = [DatasetHead(name=name, title=name, split="te_st", planned=4) for name in ("夜间 50%", "夜间-50%")]
    records = pd.concat([records_of(values, dataset=head.name).assign(split=head.split) for head in heads])
    return build_table(
        Numbers(records, "cddfuse", 1),
        methods=[MethodRow(label=name, title=name, kind="learned") for name in HOSTILE],
        datasets=heads,
        metrics=metrics[:1],
        reference=HOSTILE[1],
    )


@pytest.mark.parametrize("engine", ["pdflatex", "lualatex"])
def test_any_name_compiles_with_every_engine_and_no_two_become_one(hostile, tmp_path, engine):
    if shutil.which(engine) is None:
        pytest.skip(f"needs {engine}")
    pypdf = pytest.importorskip("pypdf")
    write(texts(hostile, ["latex"]), tmp_path)
    labels = re.findall(r"\\label\{(.*?)\}", (tmp_path / "supplement.tex").read_text(encoding="utf-8"))
    assert len(set(labels)) == 2  # differences on two data sets
    assert all(re.fullmatch(r"tab:fusion-[A-Za-z0-9-]+", label) for label in labels)
    references = " ".join(rf"\ref{{{label}}}" for label in labels)
    (tmp_path / "paper.tex").write_text(HOSTILE_PAPER % references, encoding="utf-8")
    command = (engine, "-interaction=nonstopmode", "-halt-on-error", "paper.tex")
    run_in(tmp_path, *command)
    log = run_in(tmp_path, *command)
    assert "undefined" not in log
    assert "Missing character" not in (tmp_path / "paper.log").read_text(encoding="utf-8", errors="replace")
    printed = "".join(page.extract_text() for page in pypdf.PdfReader(tmp_path / "paper.pdf").pages)
    for text in ("U+65B9U+6CD5U+4E00", "U+65B9U+6CD5U+4E8C", "aU+000Ab", "50%", "U+1F525"):
        assert text in printed


def test_a_font_or_package_that_has_a_character_prints_it(tmp_path):
    if shutil.which("lualatex") is None:
        pytest.skip("needs lualatex")
    pypdf = pytest.importorskip("pypdf")
    body = escape("ę Ⅳ")
    document = rf"\documentclass{{article}}\begin{{document}}{definition(body)}{body}\end{{document}}"
    (tmp_path / "paper.tex").write_text(document, encoding="utf-8")
    run_in(tmp_path, "lualatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex")
    assert pypdf.PdfReader(tmp_path / "paper.pdf").pages[0].extract_text().startswith("ę U+2163")


def test_every_name_has_latex_of_its_own():
    assert len({escape(name) for name in HOSTILE}) == len(HOSTILE)


def test_a_label_of_the_users_that_latex_cannot_find_is_refused(uaabench, tmp_path):
    result = uaabench("report", write_run(tmp_path / "run", {"uaa": {"EN": [1, 2, 3]}}), "--label", "tab:50%")
    assert result.code == 2
    assert "'tab:50%' is no label" in result.err


def test_the_reasons_of_many_pairs_are_a_short_note(records_of, table_of):
    reasons = [f"no file {n:04}.png in a folder with a long name; " + "check " * 100 for n in range(400)]
    table = table_of(
        records_of({"uaa": {"SD": reasons}}), [DatasetHead(name="msrs", title="", split="test", planned=400)]
    )
    (note,) = [text for text in table.notes.values() if "no file 0000" in text]
    assert len(note) < 1200
    assert "397 for 397 other reasons" in note
    assert max(map(len, latex(table).splitlines())) < 1500
