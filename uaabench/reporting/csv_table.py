"""The comparison table as a long CSV table, at full precision."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from uaabench.reporting.table import Section, Table

COLUMNS = (
    "dataset", "split", "method", "track", "metric", "profile", "mean", "ci_low", "ci_high", "n", "n_planned", "mark",
    "mean_rank", "vs", "difference", "difference_low", "difference_high", "p_holm", "win_rate", "verdict", "origin",
)  # fmt: skip


def csv_table(table: Table) -> str:
    """CSV with one line for each data set, method and metric.

    The columns behind `mark` hold the method's mean rank over pairs and its difference to the method that the report
    compares with, with p-values after Holm's correction; the last is `reference` for a row
    that comes with the package. Floats are the shortest text that reads back as the same
    number, so equal tables give equal bytes; what is missing is empty. Names stand as they are, so that they read back:
    one that begins with `=`, `+`, `-` or `@` is text too, which a spreadsheet must be told when it opens the file.
    """
    return "".join(map(_line, (COLUMNS, *rows(table))))


def rows(table: Table) -> Iterator[tuple[object, ...]]:
    """The values of each line, in the order of `COLUMNS`; None for what is missing."""
    for section in table.sections:
        for row in section.rows:
            for metric in table.metrics:
                cell = row.cells[metric.name]
                where = (section.dataset.name, section.dataset.split, row.method.label, row.method.track)
                estimate = (cell.mean, cell.low, cell.high, cell.n, cell.planned, cell.mark)
                beside = _beside(table, section, row.method.label, metric.name)
                yield (*where, metric.name, table.profile, *estimate, *beside, row.method.origin)


def _line(values: Iterable[object]) -> str:
    """A line of CSV; values that hold a comma, a quote or any end of a line are quoted."""
    text = io.StringIO()
    # The writer quotes what its own end of a line holds: a carriage return only where that holds one.
    csv.writer(text, lineterminator="\r\n").writerow(values)
    return text.getvalue().removesuffix("\r\n") + "\n"


def _beside(table: Table, section: Section, label: str, metric: str) -> tuple[object, ...]:
    """Mean rank of one method by one metric, and its difference to the reference."""
    by_metric = section.ranks.by_metric if section.ranks else {}
    rank = by_metric[metric].mean_ranks.get(label) if metric in by_metric else None
    versus = section.versus.get(label, {}).get(metric)
    if versus is None:
        return (rank, *[None] * 7)
    interval = (versus.difference, versus.low, versus.high)
    return (rank, table.reference, *interval, versus.p_value, versus.win_rate, versus.verdict)
