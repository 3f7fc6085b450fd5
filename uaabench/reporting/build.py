"""From the records of a run to its comparison table; the rules stand in `uaabench.reporting.table`."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd

from uaabench.errors import UsageError
from uaabench.interface import Metric
from uaabench.reporting.controls import build_controls
from uaabench.reporting.table import Cell, DatasetHead, Mark, MethodRow, Row, Section, Table
from uaabench.statistics import bootstrap_mean


def build_table(
    records: pd.DataFrame,
    *,
    methods: Sequence[MethodRow],
    datasets: Sequence[DatasetHead],
    metrics: Sequence[Metric],
    profile: str,
    profile_version: int,
) -> Table:
    """Turn the records of a run into its table.

    Args:
        records: Long table with the columns `method, dataset, split, scope, pair, metric, profile, value, status,
            reason`. Rows of scope `pair` count; a failed fusion is one row with an empty metric.
        methods: Rows in the order of the run; the floor is moved to the end.
        datasets: Sections in order.
        metrics: Columns in order.
        profile: Name of the metric profile, as in the records.
        profile_version: Its version.

    Raises:
        UsageError: The records hold values of another profile.
    """
    per_pair = records[records["scope"] == "pair"].sort_values("pair", kind="stable")
    strangers = set(per_pair.loc[per_pair["metric"] != "", "profile"]) - {profile}
    if strangers:
        raise UsageError(
            f"The records hold values of the profile '{min(strangers)}' beside '{profile}'; "
            "score the run again with one profile, as numbers of two profiles cannot share a table."
        )
    ordered = sorted(methods, key=lambda method: method.is_floor)
    numbers = _Numbers(per_pair)
    names = [metric.name for metric in metrics]
    sections = []
    for dataset in datasets:
        rows = [Row(method, {name: numbers.cell(dataset, method, name) for name in names}) for method in ordered]
        sections.append(Section(dataset, _mark(rows, metrics)))
    noted, notes = _annotate(sections)
    return Table(
        profile=profile,
        profile_version=profile_version,
        metrics=tuple(metrics),
        methods=tuple(ordered),
        sections=noted,
        notes=notes,
        controls=build_controls(noted, metrics),
    )


class _Numbers:
    """Values and reasons of a run by (data set, split, method, metric)."""

    def __init__(self, per_pair: pd.DataFrame) -> None:
        key = ["dataset", "split", "method", "metric"]
        ok = per_pair["status"] == "ok"
        self._values = {group: rows.to_numpy(dtype=float) for group, rows in per_pair[ok].groupby(key)["value"]}
        self._reasons: dict[object, Counter[str]] = defaultdict(Counter)
        for *group, status, reason in per_pair.loc[~ok, [*key, "status", "reason"]].itertuples(index=False):
            # One line, however long the message of a crashed method was.
            self._reasons[tuple(group)][f"{status}: {' '.join(str(reason).split())}"] += 1

    def cell(self, dataset: DatasetHead, method: MethodRow, metric: str) -> Cell:
        """The unmarked cell of one method, data set and metric."""
        key = (dataset.name, dataset.split, method.label)
        values = self._values.get((*key, metric), ())
        n, planned = len(values), dataset.planned
        if n == 0:
            mean = low = high = None
        else:
            estimate = bootstrap_mean(values)
            mean, low, high = estimate.mean, _finite(estimate.low), _finite(estimate.high)
        # A failed fusion has one record for all metrics, under the empty name.
        reasons = self._reasons[*key, metric] + self._reasons[*key, ""]
        return Cell(mean=mean, low=low, high=high, n=n, planned=planned, reason=_explain(reasons, planned - n))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _explain(reasons: Counter[str], missing: int) -> str:
    """Say why `missing` pairs have no value, most frequent reason first."""
    if missing <= 0:
        return ""
    unexplained = missing - reasons.total()
    parts = [f"{count} {reason}" for reason, count in reasons.most_common()]
    return "; ".join([*parts, *([f"{unexplained} not computed"] if unexplained > 0 else [])])


def _mark(rows: Sequence[Row], metrics: Iterable[Metric]) -> list[Row]:
    """Mark best and second of each metric among the complete rows above the floor."""
    marked = [dict(row.cells) for row in rows]
    for metric in metrics:
        contenders = [
            (cells, cells[metric.name].mean)
            for row, cells in zip(rows, marked, strict=True)
            if not row.method.is_floor and cells[metric.name].is_complete
        ]
        places = sorted({mean for _, mean in contenders if mean is not None}, reverse=metric.higher_is_better)
        marks: dict[float | None, Mark] = dict(zip(places, ("best", "second"), strict=False))
        for cells, mean in contenders:
            cells[metric.name] = replace(cells[metric.name], mark=marks.get(mean))
    return [Row(row.method, cells) for row, cells in zip(rows, marked, strict=True)]


def _annotate(sections: Sequence[Section]) -> tuple[list[Section], dict[str, str]]:
    """Give each incomplete cell the letter of a note; cells with one explanation share it."""
    letters: dict[str, str] = {}

    def noted(cell: Cell) -> Cell:
        if not cell.reason:
            return cell
        text = f"n = {cell.n} of {cell.planned} ({cell.reason})."
        return replace(cell, note=letters.setdefault(text, _letter(len(letters))))

    done = [
        Section(section.dataset, [Row(r.method, {name: noted(c) for name, c in r.cells.items()}) for r in section.rows])
        for section in sections
    ]
    return done, {letter: text for text, letter in letters.items()}


def _letter(index: int) -> str:
    """The name of a note: a to z, then aa, ab and so on.

    Example:
        >>> _letter(0), _letter(25), _letter(26), _letter(53)
        ('a', 'z', 'aa', 'bb')
    """
    prefix = _letter(index // 26 - 1) if index >= 26 else ""
    return prefix + "abcdefghijklmnopqrstuvwxyz"[index % 26]
