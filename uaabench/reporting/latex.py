r"""The comparison table as LaTeX, to be `\input` into a paper that uses the packages booktabs and graphicx."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from uaabench.interface import Metric
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
# More columns of numbers and intervals than this cannot be read on a page; they go into blocks below each other.
MOST_COLUMNS = 9
SPECIAL_PATTERN = re.compile("|".join(re.escape(text) for text in sorted(SPECIAL, key=len, reverse=True)))


def latex(table: Table, *, label: str = "tab:fusion") -> str:
    r"""A `table*` grouped by data set: best bold, second underlined, intervals below the means.

    Args:
        table: What to show.
        label: What `\ref` finds it by.
    """
    lines = [
        r"% Needs \usepackage{booktabs,graphicx}.",
        r"\begin{table*}",
        r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
        rf"\caption{{{_caption(table)}}}",
        rf"\label{{{label}}}",
        *(line for block in _blocks(table.metrics) for line in _tabular(table, block)),
        *_notes(table),
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _blocks(metrics: Sequence[Metric]) -> Iterator[Sequence[Metric]]:
    """The metrics in as few blocks as can be read on a page, of about one size."""
    number = math.ceil(len(metrics) / MOST_COLUMNS)
    size = math.ceil(len(metrics) / number)
    for first in range(0, len(metrics), size):
        yield metrics[first : first + size]


def _tabular(table: Table, metrics: Sequence[Metric]) -> Iterator[str]:
    """All data sets and methods with some of the metrics."""
    head = " & ".join(["Method", *(f"{escape(m.name)} ${_arrow(m.higher_is_better)}$" for m in metrics)])
    yield r"\par\smallskip"
    yield FIT
    yield rf"\begin{{tabular}}{{l{'r' * len(metrics)}}}"
    yield r"\toprule"
    yield rf"{head} \\"
    for section in table.sections:
        yield from _section(table, section, metrics)
    yield r"\bottomrule"
    yield r"\end{tabular}}"


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


def _section(table: Table, section: Section, metrics: Sequence[Metric]) -> Iterator[str]:
    yield r"\midrule"
    yield rf"\multicolumn{{{len(metrics) + 1}}}{{l}}{{{escape(section.dataset.heading)}}} \\"
    for rows in (section.compared, section.floor):
        if rows:
            yield r"\addlinespace"
        for row in rows:
            yield from _lines(table, row, metrics)


def _lines(table: Table, row: Row, metrics: Sequence[Metric]) -> Iterator[str]:
    """A line of means and, where there are any, a line of intervals."""
    title = escape(table.row_titles[row.method.label])
    cells = [row.cells[metric.name] for metric in metrics]
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
