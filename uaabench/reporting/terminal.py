"""The comparison table on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from uaabench.interface import Metric
from uaabench.reporting.controls import BETTER, LEGEND, TITLE, findings
from uaabench.reporting.table import Cell, ControlTable, Row, Section, Table

STYLES = {"best": "bold", "second": "underline", None: ""}
DIM = "dim"
UNLIMITED = 10_000
# By whether higher is better; the second pair is for terminals without Unicode.
ARROWS = {True: "↑", False: "↓"}
ASCII_ARROWS = {True: "^", False: "v"}


def print_table(table: Table, console: Console) -> None:
    """Print one table for each data set, the floor dimmed below a gap, then controls, notes, profile and weights.

    Intervals are shown where the terminal is wide enough for them. A table that is too wide even without them comes
    in blocks of metrics; numbers are never cut.
    """
    arrows = ASCII_ARROWS if console.options.ascii_only else ARROWS
    for section in table.sections:
        full = _grid(table, section, table.metrics, arrows, intervals=True)
        blocks = [full] if _width(full, console) <= console.width else _blocks(table, section, arrows, console)
        for block in blocks:
            _print_whole(block, console)
    for comparison in table.controls:
        _print_whole(_comparison(table, comparison, arrows), console)
        console.print(Group(*map(Text, findings(table, comparison))), soft_wrap=True)
    # A line of prose is wrapped by the terminal, not cut into lines, so that it can be searched and copied.
    console.print(_footer(table, has_styles=console.is_terminal), soft_wrap=True)


def _blocks(table: Table, section: Section, arrows: dict[bool, str], console: Console) -> list[RichTable]:
    """The metrics of a section without intervals, in as few grids as fit the terminal."""
    blocks: list[RichTable] = []
    block: list[Metric] = []
    for metric in table.metrics:
        longer = _grid(table, section, [*block, metric], arrows, intervals=False)
        if block and _width(longer, console) > console.width:
            blocks.append(_grid(table, section, block, arrows, intervals=False))
            block = []
        block.append(metric)
    return [*blocks, _grid(table, section, block, arrows, intervals=False)]


def _width(grid: RichTable, console: Console) -> int:
    """Columns of the terminal that a grid takes where nothing is folded."""
    return Measurement.get(console, console.options.update(max_width=UNLIMITED), grid).maximum


def _print_whole(grid: RichTable, console: Console) -> None:
    """Print a grid; where it does not fit it goes beyond the right edge, as rich would drop columns instead."""
    needed = Measurement.get(console, console.options.update(max_width=UNLIMITED), grid).minimum
    if needed > console.width:
        grid.width = needed
    console.print(grid, crop=False, no_wrap=True, overflow="ignore")


def _grid(
    table: Table, section: Section, metrics: Sequence[Metric], arrows: dict[bool, str], *, intervals: bool
) -> RichTable:
    titles = table.row_titles
    columns = {m.name: [_cell(row.cells[m.name], intervals=intervals) for row in section.rows] for m in metrics}
    grid = _empty(section.dataset.heading)
    grid.add_column("Method", overflow="fold")
    for metric in metrics:
        _add_column(grid, f"{metric.name} {arrows[metric.higher_is_better]}", columns[metric.name])
    for row, *cells in zip(section.rows, *columns.values(), strict=True):
        # The first row of the floor follows a gap.
        if row.method.is_floor and section.compared and row is section.floor[0]:
            grid.add_row()
        grid.add_row(Text(titles[row.method.label]), *cells, style=DIM if row.method.is_floor else "")
    return grid


def _comparison(table: Table, comparison: ControlTable, arrows: dict[bool, str]) -> RichTable:
    """The average rule and the controls as columns, a line for each metric."""
    shown = [comparison.reference, *comparison.controls]
    grid = _empty(f"{TITLE}: {comparison.dataset.heading}")
    names = [Text(f"{metric.name} {arrows[metric.higher_is_better]}") for metric in table.metrics]
    columns = [[_compared(comparison, row, metric.name) for metric in table.metrics] for row in shown]
    _add_column(grid, "Metric", names, justify="left")
    for row, cells in zip(shown, columns, strict=True):
        _add_column(grid, table.row_titles[row.method.label], cells)
    for line in zip(names, *columns, strict=True):
        grid.add_row(*line)
    return grid


def _compared(comparison: ControlTable, row: Row, metric: str) -> Text:
    # The verdict stands before the number, as notes do.
    verdict = (f"{BETTER} ", "bold") if comparison.is_better(row, metric) else ""
    return Text.assemble(verdict, _cell(row.cells[metric], intervals=False))


def _empty(title: str) -> RichTable:
    return RichTable(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


def _add_column(
    grid: RichTable, header: str, cells: Sequence[Text], justify: Literal["left", "right"] = "right"
) -> None:
    """Add a column that is never narrower than what stands in it."""
    width = max((line.cell_len for text in cells for line in text.split()), default=0)
    grid.add_column(Text(header), justify=justify, no_wrap=True, min_width=max(width, cell_len(header)))


def _cell(cell: Cell, *, intervals: bool) -> Text:
    # The note stands before the number, so that the points of a column stay aligned.
    note = f"({cell.note}) " if cell.note else ""
    text = Text.assemble(note, (cell.text, STYLES[cell.mark]))
    return Text.assemble(text, "\n", (cell.interval, DIM)) if intervals and cell.interval else text


def _footer(table: Table, *, has_styles: bool) -> Group:
    notes = [Text(f"({letter}) {text}") for letter, text in table.notes.items()]
    best, second = ("best", STYLES["best"]), ("second best", STYLES["second"])
    legend = Text.assemble(table.legend, " Marked: ", best, ", ", second, ".") if has_styles else Text(table.legend)
    controls = [Text(LEGEND)] if table.controls else []
    return Group(*controls, *notes, legend, *(Text(f"Weights of {line}") for line in table.sources))
