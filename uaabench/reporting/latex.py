r"""The comparison table as LaTeX, to be `\input` into a paper that uses the packages booktabs and graphicx.

`latex` gives the table itself, `latex_supplement` the differences, ranks and costs beside it, and `bibliography` the
entries that the method names cite. How a text becomes LaTeX stands in `uaabench.reporting.latex_text`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar

from uaabench.core.columns import Column
from uaabench.core.grid import Grid, GridCell, number
from uaabench.reporting.grids import grids
from uaabench.reporting.latex_floats import Part, Tabular, floats
from uaabench.reporting.latex_text import definition, distinct_labels, escape
from uaabench.reporting.table import Cell, Row, Section, Table
from uaabench.running.evidence import MethodRow

MARKUP = {"best": r"\textbf{%s}", "second": r"\underline{%s}", None: "%s"}
# More columns of numbers and intervals than this cannot be read on a page; they go into blocks below each other.
MOST_COLUMNS = 9
ColumnT = TypeVar("ColumnT")


@dataclass(frozen=True, kw_only=True)
class LatexStyle:
    r"""What a user can choose of the LaTeX tables.

    Attributes:
        caption: LaTeX that stands before what the caption must say; a general sentence unless given.
        label: What `\ref` finds the table by; labels of the supplement begin with it.
        resize: Shrink a table that is wider than the page by `\resizebox`.
        intervals: Below the means, as `\pm` the longer half behind them, or none.
        cite: Put a `\cite` of its publication behind the name of each method that has one.
    """

    caption: str = "Infrared-visible image fusion."
    label: str = "tab:fusion"
    resize: bool = True
    intervals: Literal["below", "pm", "none"] = "below"
    cite: bool = True


def latex(table: Table, style: LatexStyle = LatexStyle()) -> str:
    r"""A `table*` grouped by data set, or several of one number: best bold, second underlined, with intervals.

    Args:
        table: What to show.
        style: What the user chose.
    """
    tabulars = [_tabular(table, table.clean, block, style) for block in _blocks(table.metrics)]
    notes = list(_notes(table))
    caption = _caption(table, style)
    return _file(floats(tabulars, caption=caption, label=style.label, resize=style.resize, notes=notes))


def latex_supplement(table: Table, style: LatexStyle = LatexStyle()) -> str:
    r"""One `table*` for each grid beside the main table and each degraded data set; empty where there is none.

    Their labels begin with that of the main table, and no two are the same: `tab:fusion-ranks-msrs`.
    """
    shown = grids(table)
    labels = distinct_labels([grid.name for grid in shown] + [section.dataset.key for section in table.degraded])
    made = [(partial(_supplement, grid), label) for grid, label in zip(shown, labels, strict=False)]
    made += [
        (partial(_degraded, table, section), label)
        for section, label in zip(table.degraded, labels[len(shown) :], strict=True)
    ]
    return _file("\n".join(draw(f"{style.label}-{label}", style) for draw, label in made))


def _degraded(table: Table, section: Section, label: str, style: LatexStyle) -> str:
    """The main table of one degraded data set."""
    head = section.dataset.degraded
    said = f"Sources degraded by {head.text}, metrics against the {head.scored_against} ones. " if head else ""
    tabulars = [_tabular(table, [section], block, style) for block in _blocks(table.metrics)]
    return floats(tabulars, caption=f"{escape(said)}{escape(table.legend)}", label=label, resize=style.resize)


def _file(body: str) -> str:
    r"""What is to be `\input`, with what it needs; empty for nothing."""
    needs = "% Needs \\usepackage{booktabs,graphicx}.\n"
    return f"{needs}{definition(body)}{body}" if body else ""


def bibliography(table: Table) -> str:
    """BibTeX entries of the methods in the table, each once; empty where none has one."""
    entries = dict.fromkeys(method.bibtex.strip() for method in table.methods if method.bibtex)
    return "".join(f"{entry}\n\n" for entry in entries)


def _supplement(grid: Grid, label: str, style: LatexStyle) -> str:
    sentences = " ".join(escape(sentence) for sentence in (f"{grid.title}.", *grid.sentences))
    tabulars = []
    for columns in _blocks(range(len(grid.columns))):
        heads = [_headed(escape(grid.columns[column]), grid.arrows[column]) for column in columns]
        groups = [list(_grid_lines(row.title, [row.cells[column] for column in columns])) for row in grid.rows]
        head = " & ".join([escape(grid.first), *heads]) + r" \\"
        tabulars.append(Tabular(head, len(columns), [Part([r"\midrule"], groups)]))
    return floats(tabulars, caption=sentences, label=label, resize=style.resize)


def _grid_lines(title: str, cells: Sequence[GridCell]) -> Iterator[str]:
    """A line of numbers, those with a verdict in bold, and where there are any a line of details."""
    markup = {"better": r"\textbf{%s} better", "worse": r"\textbf{%s} worse", "": "%s"}
    yield " & ".join([escape(title), *(markup[cell.verdict] % _signed(cell.text) for cell in cells)]) + r" \\"
    if any(cell.detail for cell in cells):
        yield " & ".join(["", *(rf"\scriptsize {escape(cell.detail)}" for cell in cells)]) + r" \\"


def _signed(text: str) -> str:
    """A number with a minus sign instead of a hyphen."""
    is_negative = text.startswith("-") and text != "-"
    return f"$-${escape(text[1:])}" if is_negative else escape(text)


def _blocks(columns: Sequence[ColumnT]) -> Iterator[Sequence[ColumnT]]:
    """The columns in as few blocks as can be read on a page, of about one size."""
    number = math.ceil(len(columns) / MOST_COLUMNS)
    size = math.ceil(len(columns) / number)
    for first in range(0, len(columns), size):
        yield columns[first : first + size]


def _tabular(table: Table, sections: Sequence[Section], metrics: Sequence[Column], style: LatexStyle) -> Tabular:
    """All methods on some data sets with some of the metrics."""
    head = " & ".join(["Method", *(_headed(escape(m.name), m.higher_is_better) for m in metrics)])
    return Tabular(rf"{head} \\", len(metrics), [_part(table, section, metrics, style) for section in sections])


def _headed(name: str, higher_is_better: bool | None) -> str:
    return name + {True: r" $\uparrow$", False: r" $\downarrow$", None: ""}[higher_is_better]


def _caption(table: Table, style: LatexStyle) -> str:
    floor = "marked like the others" if table.marks_floor else "not marked"
    marks = (
        rf"Best \textbf{{bold}}, second \underline{{underlined}}; trivial rules, in \textit{{italics}}, are {floor}."
    )
    halves = r" Behind $\pm$ stands the longer half of the interval." if style.intervals == "pm" else ""
    return f"{style.caption} {escape(table.legend)}{halves} {marks}"


def _part(table: Table, section: Section, metrics: Sequence[Column], style: LatexStyle) -> Part:
    """All methods on one data set."""
    heading = rf"\multicolumn{{{len(metrics) + 1}}}{{l}}{{{escape(section.dataset.heading)}}} \\"
    groups = []
    for rows in (section.compared, section.floor):
        for row in rows:
            space = [r"\addlinespace"] if row is rows[0] else []
            groups.append([*space, *_lines(table, row, metrics, style)])
    return Part([r"\midrule", heading], groups)


def _lines(table: Table, row: Row, metrics: Sequence[Column], style: LatexStyle) -> Iterator[str]:
    """A line of means and, where they are wanted and there are any, a line of intervals."""
    title = escape(table.row_titles[row.method.label])
    cells = [row.cells[metric.name] for metric in metrics]
    name = rf"\textit{{{title}}}" if row.method.is_floor else title + (_citation(row.method) if style.cite else "")
    yield " & ".join([name, *(_mean(cell, style) for cell in cells)]) + r" \\"
    if style.intervals == "below" and any(cell.interval for cell in cells):
        yield " & ".join(["", *(rf"\scriptsize {cell.interval}" if cell.interval else "" for cell in cells)]) + r" \\"


def _citation(method: MethodRow) -> str:
    key = re.match(r"\s*@\w+\{\s*([^,\s]+)", method.bibtex)
    return rf"~\cite{{{key[1]}}}" if key else ""


def _mean(cell: Cell, style: LatexStyle) -> str:
    note = rf"\rlap{{\textsuperscript{{{cell.note}}}}}" if cell.note else ""
    half = ""
    if style.intervals == "pm" and cell.mean is not None and cell.low is not None and cell.high is not None:
        half = rf" {{\scriptsize $\pm$ {number(max(cell.mean - cell.low, cell.high - cell.mean))}}}"
    return MARKUP[cell.mark] % cell.text + half + note


def _notes(table: Table) -> Iterator[str]:
    yield from (rf"\textsuperscript{{{letter}}}~{escape(text)}" for letter, text in table.notes.items())
    yield from (f"Weights of {escape(line)}." for line in table.sources)
