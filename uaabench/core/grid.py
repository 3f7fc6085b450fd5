"""A table of short texts: what stages and reports show beside the main table, and every format knows how to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MISSING = "-"
Verdict = Literal["better", "worse", ""]


@dataclass(frozen=True)
class GridCell:
    """A short text, a second line of detail, and whether it is good or bad news."""

    text: str
    detail: str = ""
    verdict: Verdict = ""


@dataclass(frozen=True)
class GridRow:
    """A line of a grid: its title, whether it is of the floor, and its cells."""

    title: str
    is_floor: bool
    cells: Sequence[GridCell]


@dataclass(frozen=True)
class Grid:
    """A table of texts.

    Attributes:
        name: What tells it from the other grids of a report, for example `versus-msrs/test`.
        title: Its heading.
        columns: Headings of the columns behind the first one.
        arrows: For each column whether higher is better; None for a column without a direction.
        rows: Its lines.
        sentences: What must be said below it.
        first: Heading of the first column, that of the titles of the rows.
    """

    name: str
    title: str
    columns: Sequence[str]
    arrows: Sequence[bool | None]
    rows: Sequence[GridRow]
    sentences: Sequence[str] = ()
    first: str = "Method"


def number(value: float | None) -> str:
    """Four decimals for every metric; a missing value is a dash.

    Example:
        >>> number(6.62424999), number(None)
        ('6.6242', '-')
    """
    return MISSING if value is None else f"{value:.4f}"
