r"""The comparison table as LaTeX, to be `\input` into a paper that uses the packages booktabs and graphicx."""

from __future__ import annotations

import re
from collections.abc import Iterator

from uaabench.reporting.controls import LEGEND, findings
from uaabench.reporting.table import Cell, Row, Section, Table

MARKUP = {"best": r"\textbf{%s}", "second": r"\underline{%s}", None: "%s"}
SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "--": "-{}-", "–": "--", "—": "---", "“": "``", "”": "''", "’": "'",
    "…": r"\ldots{}", "[": "{[}", "]": "{]}", "*": "{*}", "×": r"$\times$", "±": r"$\pm$", "°": r"$^{\circ}$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}  # fmt: skip
# Shrinks a table that is wider than the page, and leaves others as they are.
FIT = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
SPECIAL_PATTERN = re.compile("|".join(re.escape(text) for text in sorted(SPECIAL, key=len, reverse=True)))


def latex(table: Table, *, label: str = "tab:fusion") -> str:
    r"""A `table*` grouped by data set: best bold, second underlined, intervals below the means.

    Args:
        table: What to show.
        label: What `\ref` finds it by.
    """
    columns = len(table.metrics) + 1
    head = " & ".join(["Method", *(f"{escape(m.name)} ${_arrow(m.higher_is_better)}$" for m in table.metrics)])
    lines = [
        r"% Needs \usepackage{booktabs,graphicx}.",
        r"\begin{table*}",
        r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
        rf"\caption{{{_caption(table)}}}",
        rf"\label{{{label}}}",
        r"\smallskip",
        FIT,
        rf"\begin{{tabular}}{{l{'r' * len(table.metrics)}}}",
        r"\toprule",
        rf"{head} \\",
        *(line for section in table.sections for line in _section(table, section, columns)),
        r"\bottomrule",
        r"\end{tabular}}",
        *_notes(table),
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    r"""Text that LaTeX prints as it is; characters that plain pdfLaTeX cannot print become `?`.

    Example:
        >>> print(escape("a_b & 95 % in C:\\x"))
        a\_b \& 95 \% in C:\textbackslash{}x
    """
    printable = "".join(c if ord(c) < 0x100 or c in SPECIAL else "?" for c in text)
    return SPECIAL_PATTERN.sub(lambda match: SPECIAL[match.group()], printable)


def _arrow(higher_is_better: bool) -> str:
    return r"\uparrow" if higher_is_better else r"\downarrow"


def _caption(table: Table) -> str:
    marks = r"Best \textbf{bold}, second \underline{underlined}; trivial rules, in \textit{italics}, are not marked."
    return f"Infrared-visible image fusion. {escape(table.legend)} {marks}"


def _section(table: Table, section: Section, columns: int) -> Iterator[str]:
    yield r"\midrule"
    yield rf"\multicolumn{{{columns}}}{{l}}{{{escape(section.dataset.heading)}}} \\"
    for rows in (section.compared, section.floor):
        if rows:
            yield r"\addlinespace"
        for row in rows:
            yield from _lines(table, row)


def _lines(table: Table, row: Row) -> Iterator[str]:
    """A line of means and, where there are any, a line of intervals."""
    title = escape(table.row_titles[row.method.label])
    cells = [row.cells[metric.name] for metric in table.metrics]
    name = rf"\textit{{{title}}}" if row.method.is_floor else title
    yield " & ".join([name, *map(_mean, cells)]) + r" \\"
    if any(cell.interval for cell in cells):
        yield " & ".join(["", *(rf"\scriptsize {cell.interval}" if cell.interval else "" for cell in cells)]) + r" \\"


def _mean(cell: Cell) -> str:
    note = rf"\rlap{{\textsuperscript{{{cell.note}}}}}" if cell.note else ""
    return MARKUP[cell.mark] % cell.text + note


def _notes(table: Table) -> Iterator[str]:
    notes = [rf"\textsuperscript{{{letter}}}~{escape(text)}" for letter, text in table.notes.items()]
    notes += [escape(sentence) for sentence in _controls(table)]
    notes += [f"Weights of {escape(line)}." for line in table.sources]
    if notes:
        yield r"\par\smallskip\begin{minipage}{\linewidth}\raggedright\scriptsize"
        yield "\\\\\n".join(notes)
        yield r"\end{minipage}"


def _controls(table: Table) -> Iterator[str]:
    """What a paper needs of the controls, whose numbers stand in the table: the metrics by which they are better."""
    for comparison in table.controls:
        yield f"{comparison.dataset.heading}: {' '.join(findings(table, comparison))}"
    if table.controls:
        yield LEGEND
