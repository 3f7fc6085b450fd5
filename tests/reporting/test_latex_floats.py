"""Tables that are longer than a page go on in floats of the same number."""

import re
import shutil
import subprocess

import pytest

from uaabench.reporting.latex_floats import LINES, Part, Tabular, floats

PAPER = r"""\documentclass{article}
\usepackage{booktabs,graphicx}
\begin{document}
Table~\ref{tab:long} and Table~\ref{tab:next}.
%s
\end{document}
"""


def tabular(rows, name="row", lines=2, parts=1):
    groups = [[rf"{name} {n} & 1 \\", *[r" & [0, 2] \\"] * (lines - 1)] for n in range(rows)]
    size = -(-rows // parts)
    openings = [[r"\midrule", rf"\multicolumn{{2}}{{l}}{{{name}, part {part}}} \\"] for part in range(parts)]
    cut = [groups[part * size : (part + 1) * size] for part in range(parts)]
    return Tabular(r"Method & SD \\", 1, [Part(*both) for both in zip(openings, cut, strict=True)])


def split(text):
    return [part.split(r"\end{table*}")[0] for part in text.split(r"\begin{table*}")[1:]]


def test_what_fits_a_page_is_one_float():
    text = floats([tabular(9), tabular(9, "other")], caption="Ours.", label="tab:x", notes=["a", "b"])
    (one,) = split(text)
    assert one.count(r"\begin{tabular}") == 2
    assert "continued" not in text
    assert one.index(r"\begin{minipage}") > one.rindex(r"\end{tabular}")


@pytest.mark.parametrize(("rows", "lines", "parts"), [(32, 2, 1), (60, 1, 3), (200, 3, 2), (47, 1, 1)])
def test_all_rows_stand_once_and_no_float_is_longer_than_a_page(rows, lines, parts):
    tabulars = [tabular(rows, "first", lines, parts), tabular(rows, "second", lines, parts)]
    text = floats(tabulars, caption="Ours.", label="tab:x", notes=["a note"])
    rows_of = re.findall(r"^(first|second) (\d+) &", text, flags=re.M)
    assert rows_of == [(name, str(n)) for name in ("first", "second") for n in range(rows)]
    made = split(text)
    assert len(made) > 1
    for one in made:
        assert len(re.findall(r"\\\\$", one, flags=re.M)) <= LINES
        # What goes on says again of which part it is; each tabular has its head.
        assert all(
            re.match(r"Method & SD \\\\\n\\midrule\n\\multicolumn", body) for body in one.split("\\toprule\n")[1:]
        )
        assert one.count(r"\begin{tabular}") == one.count(r"\toprule") == one.count(r"\end{tabular}")
    assert text.count(r"\label{tab:x}") == text.count(r"\caption{Ours.}") == 1
    assert text.count(r"\caption{(continued)}") == len(made) - 1
    assert text.count("a note") == made[-1].count("a note") == 1


def test_notes_that_do_not_fit_have_a_float_of_their_own():
    made = split(floats([tabular(15)], caption="Ours.", label="tab:x", notes=[f"remark {n}" for n in range(20)]))
    assert len(made) == 2
    assert "remark" not in made[0]
    assert "tabular" not in made[1]


def test_no_tabular_begins_with_a_few_rows_at_the_end_of_a_page():
    made = split(floats([tabular(18), tabular(18, "other")], caption="Ours.", label="tab:x"))
    assert [one.count(r"\toprule") for one in made] == [1, 1]


def test_long_tables_compile_and_keep_their_number(tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("needs pdflatex")
    long = floats([tabular(70)], caption="Long.", label="tab:long", notes=[f"note {n}" for n in range(30)])
    text = long + floats([tabular(3)], caption="Next.", label="tab:next")
    (tmp_path / "paper.tex").write_text(PAPER % text)
    for _ in range(2):
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    assert "too large" not in done.stdout
    assert "Overfull" not in done.stdout
    labels = (tmp_path / "paper.aux").read_text()
    assert re.search(r"newlabel\{tab:long\}\{\{1\}", labels)
    assert re.search(r"newlabel\{tab:next\}\{\{2\}", labels)
