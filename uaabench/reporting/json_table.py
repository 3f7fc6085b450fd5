"""The comparison table as JSON, at full precision."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from uaabench.reporting.table import Cell, ControlTable, RetentionTable, Section, Table
from uaabench.statistics.agreement import Agreement

SCHEMA = 1


def json_table(table: Table) -> str:
    """JSON object with the profile, the metrics, and for each data set the methods with their cells and ranks.

    `retention` holds what degraded input leaves of each column, where the run has degraded versions of a data set.
    `versus` holds the differences to the method `reference`, where the report has one; `efficiency` what was measured
    by `uaabench profile`, `agreements` how far each metric predicts each measure; null stands for a number that
    does not exist.

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
        "reference": table.reference or None,
        "assumptions": list(table.assumptions.values()),
        "efficiency": [asdict(entry) for entry in table.efficiency],
        "retention": [_retention(kept) for kept in table.retention],
        "controls": [_comparison(comparison) for comparison in table.controls],
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
            "origin": row.method.origin,
            "values": {metric.name: _cell(row.cells[metric.name]) for metric in table.metrics},
        }
        for row in section.rows
    ]
    return {
        "dataset": dataset.name,
        "title": dataset.title,
        "split": dataset.split,
        "n_planned": dataset.planned,
        "degraded": asdict(dataset.degraded) if dataset.degraded else None,
        "rows": rows,
        "versus": {label: {k: asdict(v) for k, v in entries.items()} for label, entries in section.versus.items()},
        "ranks": _ranks(section),
        "agreements": {
            use: {name: _agreement(found) for name, found in by_metric.items()}
            for use, by_metric in section.agreements.items()
        },
    }


def _agreement(found: Agreement) -> dict[str, Any]:
    """Kendall's tau of a metric with a measure; null where it is undefined."""
    facts = asdict(found)
    within = facts.pop("within")
    facts |= {"within": within["mean"], "within_low": within["low"], "within_high": within["high"]}
    known = {name: None if math.isnan(value) else value for name, value in facts.items()}
    return {**known, "within_pairs": within["n"]}


def _ranks(section: Section) -> dict[str, Any] | None:
    if section.ranks is None:
        return None
    return {
        "average": dict(section.ranks.average),
        "by_metric": {
            name: {
                "mean_ranks": dict(ranking.mean_ranks),
                "n": ranking.n,
                "friedman_p": None if math.isnan(ranking.p_value) else ranking.p_value,
                "critical_difference": ranking.critical_difference,
                "groups": [list(group) for group in ranking.groups],
            }
            for name, ranking in section.ranks.by_metric.items()
        },
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


def _retention(kept: RetentionTable) -> dict[str, Any]:
    """Clean values with their ranks, and what each kind of degradation leaves of them; null if there is none."""
    return {
        "dataset": kept.dataset.name,
        "split": kept.dataset.split,
        "metric": kept.metric.name,
        "as_ratio": kept.as_ratio,
        "degradations": {kind: list(texts) for kind, texts in kept.degradations.items()},
        "scored_against": kept.scored_against or None,
        "rows": [
            {
                "method": row.method.label,
                "clean": row.clean,
                "clean_rank": row.clean_rank,
                "by_kind": {kind: asdict(found) for kind, found in row.by_kind.items()},
            }
            for row in kept.rows
        ],
    }


def _comparison(comparison: ControlTable) -> dict[str, Any]:
    """Means of the average rule and of each control by metric, and whether the control is better; null if undecided."""
    return {
        "dataset": comparison.dataset.name,
        "split": comparison.dataset.split,
        "reference": {
            "method": comparison.reference.method.label,
            "means": {name: cell.mean for name, cell in comparison.reference.cells.items()},
        },
        "rows": [
            {
                "method": row.method.label,
                "means": {name: cell.mean for name, cell in row.cells.items()},
                "better": dict(comparison.better[row.method.label]),
            }
            for row in comparison.controls
        ],
    }
