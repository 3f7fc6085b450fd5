"""The comparison table on a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console, Group
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from uaabench.reporting.table import Cell, Section, Table

STYLES = {"best": "bold", "second": "underline", None: ""}
DIM = "dim"
# By whether higher is better; the second pair is for terminals without Unicode.
ARROWS = {True: "↑", False: "↓"}
ASCII_ARROWS = {True: "^", False: "v"}


def print_table(table: Table, console: Console) -> None:
    """Print one table for each data set, the floor dimmed below a gap, then notes, profile and weights.

    Intervals are shown where the terminal is wide enough for them. Numbers are never cut: a table that is too wide even
    without intervals overflows.
    """
    arrows = ASCII_ARROWS if console.options.ascii_only else ARROWS
    unlimited = console.options.update(max_width=10_000)
    for section in table.sections:
        full, short = (_grid(table, section, arrows, intervals=intervals) for intervals in (True, False))
        fits = Measurement.get(console, unlimited, full).maximum <= console.width
        chosen = full if fits else short
        width = max(console.width, Measurement.get(console, unlimited, chosen).minimum)
        console.print(chosen, width=width, crop=False, no_wrap=True, overflow="ignore")
    # A line of prose is wrapped by the terminal, not cut into lines, so that it can be searched and copied.
    console.print(_footer(table, has_styles=console.is_terminal), soft_wrap=True)


def _grid(table: Table, section: Section, arrows: dict[bool, str], *, intervals: bool) -> RichTable:
    titles = table.row_titles
    columns = {m.name: [_cell(row.cells[m.name], intervals) for row in section.rows] for m in table.metrics}
    grid = RichTable(
        title=Text(section.dataset.heading, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    grid.add_column("Method", overflow="fold")
    for metric in table.metrics:
        width = max((line.cell_len for text in columns[metric.name] for line in text.split()), default=0)
        header = f"{metric.name} {arrows[metric.higher_is_better]}"
        grid.add_column(header, justify="right", no_wrap=True, min_width=max(width, len(header)))
    for row, *cells in zip(section.rows, *columns.values(), strict=True):
        # The first row of the floor follows a gap.
        if row.method.is_floor and section.compared and row is section.floor[0]:
            grid.add_row()
        grid.add_row(Text(titles[row.method.label]), *cells, style=DIM if row.method.is_floor else "")
    return grid


def _cell(cell: Cell, intervals: bool) -> Text:
    # The note stands before the number, so that the points of a column stay aligned.
    note = f"({cell.note}) " if cell.note else ""
    text = Text.assemble(note, (cell.text, STYLES[cell.mark]))
    return Text.assemble(text, "\n", (cell.interval, DIM)) if intervals and cell.interval else text


def _footer(table: Table, *, has_styles: bool) -> Group:
    notes = [Text(f"({letter}) {text}") for letter, text in table.notes.items()]
    best, second = ("best", STYLES["best"]), ("second best", STYLES["second"])
    legend = Text.assemble(table.legend, " Marked: ", best, ", ", second, ".") if has_styles else Text(table.legend)
    return Group(*notes, legend, *(Text(f"Weights of {line}") for line in table.sources))
