"""The comparison table as a long CSV table, at full precision."""

from __future__ import annotations

import csv
import io

from uaabench.reporting.table import Table

COLUMNS = (
    "dataset", "split", "method", "track", "metric", "profile", "mean", "ci_low", "ci_high", "n", "n_planned", "mark",
)  # fmt: skip


def csv_table(table: Table) -> str:
    """CSV with one line for each data set, method and metric.

    Floats are the shortest text that reads back as the same number, so equal tables give equal bytes; what
    is missing is empty.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for section in table.sections:
        for row in section.rows:
            for metric in table.metrics:
                cell = row.cells[metric.name]
                where = (section.dataset.name, section.dataset.split, row.method.label, row.method.track)
                estimate = (cell.mean, cell.low, cell.high, cell.n, cell.planned, cell.mark)
                writer.writerow((*where, metric.name, table.profile, *estimate))
    return text.getvalue()
