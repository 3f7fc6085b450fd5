"""The comparison table as Markdown, for a README or a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator

from uaabench.reporting.table import Cell, Row, Section, Table

MARKUP = {"best": "**{}**", "second": "<ins>{}</ins>", None: "{}"}


def markdown(table: Table) -> str:
    """Markdown with a heading and a table for each data set; GitHub's dialect."""
    blocks = ["# Comparison", *(_section(table, section) for section in table.sections)]
    if table.notes:
        blocks.append("\n".join(f"- <sup>{letter}</sup> {escape(text)}" for letter, text in table.notes.items()))
    blocks.append(f"{escape(table.legend)} **Best**, <ins>second</ins>; *the floor* is never marked.")
    if table.sources:
        blocks.append("\n".join(["Weights:", "", *(f"- {escape(line)}" for line in table.sources)]))
    return "\n\n".join(blocks) + "\n"


def escape(text: str) -> str:
    r"""Text that Markdown shows as it is.

    Example:
        >>> print(escape("a_b | <c>"))
        a\_b \| \<c>
    """
    return re.sub(r"([\\`*_|<\[\]#])", r"\\\1", text)


def _section(table: Table, section: Section) -> str:
    head = ["Method", *(f"{escape(m.name)} {'↑' if m.higher_is_better else '↓'}" for m in table.metrics)]
    lines = [head, [":--", *("--:" for _ in table.metrics)], *(_line(table, row) for row in section.rows)]
    return f"## {escape(section.dataset.heading)}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _line(table: Table, row: Row) -> Iterator[str]:
    title = escape(table.row_titles[row.method.label])
    yield f"*{title}*" if row.method.is_floor else title
    for metric in table.metrics:
        yield _cell(row.cells[metric.name])


def _cell(cell: Cell) -> str:
    note = f"<sup>{cell.note}</sup>" if cell.note else ""
    return f"{MARKUP[cell.mark].format(cell.text)}{note} {cell.interval}".rstrip()
