"""The comparison table as JSON, at full precision."""

from __future__ import annotations

import json
from typing import Any

from uaabench.reporting.table import Cell, Section, Table

SCHEMA = 1


def json_table(table: Table) -> str:
    """JSON object with the profile, the metrics, and the methods with their cells for each data set.

    `schema` is raised whenever an entry is renamed, removed or changes its meaning.
    """
    content = {
        "schema": SCHEMA,
        "profile": {"name": table.profile, "version": table.profile_version},
        "metrics": [
            {"name": metric.name, "title": metric.title, "higher_is_better": metric.higher_is_better}
            for metric in table.metrics
        ],
        "datasets": [_section(table, section) for section in table.sections],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _section(table: Table, section: Section) -> dict[str, Any]:
    dataset = section.dataset
    rows = [
        {
            "method": row.method.label,
            "title": row.method.title,
            "kind": row.method.kind,
            "track": row.method.track,
            "weights": row.method.weights,
            "values": {metric.name: _cell(row.cells[metric.name]) for metric in table.metrics},
        }
        for row in section.rows
    ]
    return {
        "dataset": dataset.name,
        "title": dataset.title,
        "split": dataset.split,
        "n_planned": dataset.planned,
        "rows": rows,
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "mean": cell.mean,
        "ci_low": cell.low,
        "ci_high": cell.high,
        "n": cell.n,
        "mark": cell.mark,
        "reason": cell.reason,
    }
