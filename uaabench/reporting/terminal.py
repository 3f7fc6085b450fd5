"""The comparison table on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rich.console import Console, Group
from rich.table import Table as RichTable
from rich.text import Text

from uaabench.core.columns import Column
from uaabench.core.grid import Grid, GridCell
from uaabench.reporting.fitting import add_column, empty, print_fitted
from uaabench.reporting.grids import grids
from uaabench.reporting.names import visible
from uaabench.reporting.table import Cell, Section, Table

STYLES = {"best": "bold", "second": "underline", None: ""}
DIM = "dim"
# By whether higher is better; the second pair is for terminals without Unicode.
ARROWS = {True: "↑", False: "↓"}
ASCII_ARROWS = {True: "^", False: "v"}


def print_table(table: Table, console: Console) -> None:
    """Print one table for each data set, the floor dimmed below a gap, then what is beside it, notes, and weights.

    Ranks, single classes and the values on degraded input are in the files only. Intervals are shown where the terminal
    is wide enough for them. A table that is too wide even without them comes in blocks of metrics; numbers are never
    cut.
    """
    arrows = ASCII_ARROWS if console.options.ascii_only else ARROWS
    for section in table.clean:
        print_fitted(partial(_section, table, section, arrows), table.metrics, console)
    for grid in grids(table, details=False):
        print_grid(grid, console)
    # A line of prose is wrapped by the terminal, not cut into lines, so that it can be searched and copied.
    console.print(_footer(table, has_styles=console.is_terminal), soft_wrap=True)


def print_grid(grid: Grid, console: Console) -> None:
    """Print one grid with what must be said below it, in blocks of columns where it is too wide."""
    arrows = ASCII_ARROWS if console.options.ascii_only else ARROWS
    print_fitted(partial(_supplement, grid, arrows), range(len(grid.columns)), console)
    console.print(Group(*(Text(visible(sentence)) for sentence in grid.sentences)), soft_wrap=True)


def _section(
    table: Table, section: Section, arrows: dict[bool, str], metrics: Sequence[Column], *, details: bool
) -> RichTable:
    """The main table of one data set, with some of its metrics."""
    titles = table.row_titles
    columns = {m.name: [_cell(row.cells[m.name], intervals=details) for row in section.rows] for m in metrics}
    grid = empty(visible(section.dataset.heading))
    grid.add_column("Method", overflow="fold")
    for metric in metrics:
        add_column(grid, f"{metric.name} {arrows[metric.higher_is_better]}", columns[metric.name])
    for row, *cells in zip(section.rows, *columns.values(), strict=True):
        # The first row of the floor follows a gap.
        if row.method.is_floor and section.compared and row is section.floor[0]:
            grid.add_row()
        grid.add_row(Text(visible(titles[row.method.label])), *cells, style=DIM if row.method.is_floor else "")
    return grid


def _supplement(grid: Grid, arrows: dict[bool, str], columns: Sequence[int], *, details: bool) -> RichTable:
    """A grid, with some of its columns."""
    drawn = empty(visible(grid.title))
    drawn.add_column(grid.first, overflow="fold")
    for column in columns:
        arrow = grid.arrows[column]
        head = grid.columns[column] if arrow is None else f"{grid.columns[column]} {arrows[arrow]}"
        add_column(drawn, head, [_short(row.cells[column], details=details) for row in grid.rows])
    for row in grid.rows:
        cells = [_short(row.cells[column], details=details) for column in columns]
        drawn.add_row(Text(visible(row.title)), *cells, style=DIM if row.is_floor else "")
    return drawn


def _short(cell: GridCell, *, details: bool) -> Text:
    text = Text.assemble((f"{cell.verdict} ", "bold") if cell.verdict else "", cell.text)
    return Text.assemble(text, "\n", (cell.detail, DIM)) if details and cell.detail else text


def _cell(cell: Cell, *, intervals: bool) -> Text:
    # The note stands before the number, so that the points of a column stay aligned.
    note = f"({cell.note}) " if cell.note else ""
    text = Text.assemble(note, (cell.text, STYLES[cell.mark]))
    return Text.assemble(text, "\n", (cell.interval, DIM)) if intervals and cell.interval else text


def _footer(table: Table, *, has_styles: bool) -> Group:
    notes = [Text(f"({letter}) {visible(text)}") for letter, text in table.notes.items()]
    best, second = ("best", STYLES["best"]), ("second best", STYLES["second"])
    legend = Text(visible(table.legend))
    if has_styles:
        legend = Text.assemble(legend, " Marked: ", best, ", ", second, ".")
    versus = [Text(table.assumptions["versus"])] if table.reference else []
    weights = [Text(f"Weights of {visible(line)}") for line in table.sources]
    remarks = [Text(visible(line)) for line in table.remarks]
    return Group(*notes, legend, *versus, *weights, *remarks)
