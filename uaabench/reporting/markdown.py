"""The comparison table as Markdown, for a README or a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from uaabench.core.columns import Column
from uaabench.core.grid import Grid, GridCell
from uaabench.reporting.grids import grids
from uaabench.reporting.names import visible
from uaabench.reporting.table import Cell, Row, Section, Table

MARKUP = {"best": "**{}**", "second": "<ins>{}</ins>", None: "{}"}


def markdown(table: Table) -> str:
    """Markdown with a heading and a table for each data set; GitHub's dialect."""
    blocks = ["# Comparison", *(_section(table, section) for section in table.clean)]
    blocks += [_supplement(grid) for grid in grids(table)]
    blocks += [_section(table, section) for section in table.degraded]
    if table.notes:
        blocks.append("\n".join(f"- <sup>{letter}</sup> {escape(text)}" for letter, text in table.notes.items()))
    blocks.append(f"{escape(table.legend)} **Best**, <ins>second</ins>; {_floor(table)}")
    blocks.append("\n".join(f"- {escape(line)}" for line in table.assumptions.values()))
    if table.sources:
        blocks.append("\n".join(["Weights:", "", *(f"- {escape(line)}" for line in table.sources)]))
    return "\n\n".join(blocks) + "\n"


def escape(text: str) -> str:
    r"""Text that GitHub's Markdown shows as it is, in a cell of a table too: no markup, mathematics, entity or mention.

    Example:
        >>> print(escape("a_b | <c> $x$ &lt;"))
        a\_b \| \<c\> <span>$</span>x<span>$</span> &amp;lt;
    """
    escaped = re.sub(r"([\\`*_|<>\[\]#~])", r"\\\1", re.sub(r"&(?=#?\w+;)", "&amp;", visible(text)))
    return escaped.replace("$", "<span>$</span>").replace("@", "<span>@</span>")


def _section(table: Table, section: Section) -> str:
    head = ["Method", *(_head(metric) for metric in table.metrics)]
    return f"## {escape(section.dataset.heading)}\n\n" + _grid(head, [_line(table, row) for row in section.rows])


def _grid(head: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [head, [":--", *("--:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _floor(table: Table) -> str:
    return "*The floor* is marked like the others." if table.marks_floor else "*the floor* is never marked."


def _supplement(grid: Grid) -> str:
    arrows = {True: " ↑", False: " ↓", None: ""}
    head = [escape(name) + arrows[arrow] for name, arrow in zip(grid.columns, grid.arrows, strict=True)]
    rows = [
        [f"*{escape(row.title)}*" if row.is_floor else escape(row.title), *map(_short, row.cells)] for row in grid.rows
    ]
    sentences = "\n".join(f"- {escape(sentence)}" for sentence in grid.sentences)
    return f"## {escape(grid.title)}\n\n{_grid([escape(grid.first), *head], rows)}\n\n{sentences}"


def _short(cell: GridCell) -> str:
    verdict = f"**{cell.verdict}** " if cell.verdict else ""
    detail = f" ({escape(cell.detail)})" if cell.detail else ""
    return f"{verdict}{cell.text}{detail}"


def _head(metric: Column) -> str:
    return f"{escape(metric.name)} {'↑' if metric.higher_is_better else '↓'}"


def _line(table: Table, row: Row) -> Iterator[str]:
    title = escape(table.row_titles[row.method.label])
    yield f"*{title}*" if row.method.is_floor else title
    for metric in table.metrics:
        yield _cell(row.cells[metric.name])


def _cell(cell: Cell) -> str:
    return f"{MARKUP[cell.mark].format(cell.text)}{_note(cell)} {cell.interval}".rstrip()


def _note(cell: Cell) -> str:
    return f"<sup>{cell.note}</sup>" if cell.note else ""
