"""Tables on a terminal of any width, or in a pipe: no name and no number is ever cut, no column is dropped.

What is too wide comes in blocks of columns; a single column that is still too wide goes beyond the right edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol, TypeVar

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

UNLIMITED = 10_000
Justify = Literal["left", "right"]
Drawn = TypeVar("Drawn")
DrawnT_contra = TypeVar("DrawnT_contra", contravariant=True)


class Draw(Protocol[DrawnT_contra]):
    """Draws a table with some of its columns, with or without the second lines of its cells."""

    def __call__(self, columns: Sequence[DrawnT_contra], /, *, details: bool) -> RichTable:
        """Draw it."""


@dataclass(frozen=True)
class Column:
    """A column of short texts: its head and a cell for each row."""

    head: str
    cells: Sequence[Text]
    justify: Justify = "right"


def print_columns(title: str, keys: Sequence[Column], columns: Sequence[Column], console: Console) -> None:
    """Print a table of numbers; the columns `keys`, which say what a row is, stand in each of its blocks."""
    print_fitted(partial(_drawn, title, keys), columns, console)


def print_listing(heads: Sequence[str], rows: Sequence[Sequence[str]], console: Console) -> None:
    """Print a table of words, which are wrapped but never cut; empty heads print none."""
    grid = RichTable(box=None, pad_edge=False, show_header=any(heads))
    for number, head in enumerate(heads):
        words = [word for text in (head, *(row[number] for row in rows)) for word in text.split()]
        longest = max(map(cell_len, words), default=0)
        grid.add_column(Text(head), min_width=longest, overflow="fold", no_wrap=number == 0)
    for row in rows:
        grid.add_row(*map(Text, row))
    with console.capture() as drawn:
        print_whole(grid, console)
    # Without the blanks that fill the last column, which would become lines of their own on a narrower terminal.
    for line in drawn.get().splitlines():
        console.print(Text(line.rstrip()), soft_wrap=True)


def print_fitted(draw: Draw[Drawn], columns: Sequence[Drawn], console: Console) -> None:
    """Print a table with its second lines where they fit, else without, in as few blocks of columns as fit."""
    full = draw(columns, details=True)
    blocks = [full] if _width(full, console) <= console.width else _blocks(draw, columns, console)
    for block in blocks:
        print_whole(block, console)


def print_whole(grid: RichTable, console: Console) -> None:
    """Print a table; where it does not fit it goes beyond the right edge, as rich would drop columns instead."""
    needed = Measurement.get(console, console.options.update(max_width=UNLIMITED), grid).minimum
    if needed > console.width:
        grid.width = needed
    console.print(grid, crop=False, no_wrap=True, overflow="ignore")


def empty(title: str) -> RichTable:
    """A table without columns."""
    return RichTable(
        title=Text(title, style="bold") if title else None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )


def add_column(grid: RichTable, head: str, cells: Sequence[Text], justify: Justify = "right") -> None:
    """Add a column that is never narrower than what stands in it."""
    width = max((line.cell_len for text in cells for line in text.split()), default=0)
    grid.add_column(Text(head), justify=justify, no_wrap=True, min_width=max(width, cell_len(head)))


def _drawn(title: str, keys: Sequence[Column], columns: Sequence[Column], *, details: bool) -> RichTable:  # noqa: ARG001
    grid = empty(title)
    shown = [*keys, *columns]
    for column in shown:
        add_column(grid, column.head, column.cells, column.justify)
    for row in zip(*(column.cells for column in shown), strict=True):
        grid.add_row(*row)
    return grid


def _blocks(draw: Draw[Drawn], columns: Sequence[Drawn], console: Console) -> list[RichTable]:
    blocks: list[RichTable] = []
    block: list[Drawn] = []
    for column in columns:
        if block and _width(draw([*block, column], details=False), console) > console.width:
            blocks.append(draw(block, details=False))
            block = []
        block.append(column)
    return [*blocks, draw(block, details=False)]


def _width(grid: RichTable, console: Console) -> int:
    """Columns of the terminal that a table takes where nothing is folded."""
    return Measurement.get(console, console.options.update(max_width=UNLIMITED), grid).maximum
