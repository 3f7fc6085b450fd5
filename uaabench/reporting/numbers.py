"""The values of a run by data set, method and metric, and why some are missing: what every table is computed from."""

from __future__ import annotations

import math
import textwrap
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uaabench.core.columns import Column
from uaabench.core.errors import UsageError
from uaabench.reporting.table import Cell
from uaabench.running import stage
from uaabench.running.evidence import DatasetHead, Judged, Run
from uaabench.statistics import Interval, bootstrap_means

# So much of the reasons stands below a table: their number, and characters of each; the records hold all.
MOST_REASONS = 3
LONGEST_REASON = 300


class Numbers:
    """Values and reasons of a run.

    Args:
        records: Long table with the columns `method, dataset, split, scope, pair, metric, profile, value, status,
            reason`. Rows of scope `pair` count; a failed fusion is one row with an empty metric.
        profile: Name of the metric profile that all values must be of.
        profile_version: Its version.
        judged: The measures of whole data sets by name, which have no value for a pair.

    Raises:
        UsageError: The records hold values of another profile.
    """

    def __init__(
        self, records: pd.DataFrame, profile: str, profile_version: int, judged: Mapping[str, Judged] | None = None
    ) -> None:
        self.profile = profile
        self.profile_version = profile_version
        per_pair = records[records["scope"] == "pair"].sort_values("pair", kind="stable")
        strangers = set(per_pair.loc[per_pair["metric"] != "", "profile"]) - {profile}
        if strangers:
            raise UsageError(
                f"The records hold values of the profile '{min(strangers)}' beside '{profile}'; "
                "score the run again with one profile, as numbers of two profiles cannot share a table."
            )
        self.judged = dict(judged or {})
        self._whole = _of_whole_sets(records)
        key = ["dataset", "split", "method", "metric"]
        ok = per_pair["status"] == "ok"
        grouped = per_pair[ok].set_index("pair").groupby(key)["value"]
        self._values = {group: values.astype(float) for group, values in grouped}
        self._reasons: dict[object, Counter[str]] = defaultdict(Counter)
        for *group, status, reason in per_pair.loc[~ok, [*key, "status", "reason"]].itertuples(index=False):
            # One line, however long the message of a crashed method was.
            self._reasons[tuple(group)][f"{status}: {' '.join(str(reason).split())}"] += 1

    @classmethod
    def of(cls, run: Run) -> Numbers:
        """The values of a run as it lies in its directory."""
        named = run.facts["profile"]
        return cls(run.records, named["name"], named["version"], run.judged)

    def values(self, dataset: DatasetHead, method: str, metric: str) -> pd.Series[float]:
        """The values of one method by pair id, in the order of the ids; only pairs that have one."""
        return self._values.get((dataset.name, dataset.split, method, metric), pd.Series(dtype=float))

    def common(self, dataset: DatasetHead, methods: Sequence[str], metric: str) -> dict[str, NDArray[np.float64]]:
        """The values of several methods on the pairs on which all of them have one, by method."""
        columns = pd.concat({method: self.values(dataset, method, metric) for method in methods}, axis=1, join="inner")
        return {method: columns[method].to_numpy(dtype=float) for method in methods}

    def cell(self, dataset: DatasetHead, method: str, column: Column) -> Cell:
        """The unmarked cell of one method, data set and column."""
        where = (dataset.name, dataset.split, method)
        if column.name in self.judged:
            return _measured_cell(self._whole.get(where, {}), column, dataset.planned)
        metric = column.name
        estimate = self._intervals.get((*where, metric))
        n, planned = estimate.n if estimate else 0, dataset.planned
        if estimate is None:
            mean = low = high = None
        else:
            mean, low, high = estimate.mean, _finite(estimate.low), _finite(estimate.high)
        # A failed fusion has one record for all metrics, under the empty name.
        reasons = self._reasons[*where, metric] + self._reasons[*where, ""]
        return Cell(mean=mean, low=low, high=high, n=n, planned=planned, reason=_explain(reasons, planned - n))

    @cached_property
    def _intervals(self) -> Mapping[object, Interval]:
        """Means with intervals by data set, split, method and metric: together, as they share their draws."""
        return dict(zip(self._values, bootstrap_means(list(self._values.values())), strict=True))


# Values and reasons of one method on one data set, by the name of the record.
Whole = Mapping[str, tuple[float | None, str]]


def _of_whole_sets(records: pd.DataFrame) -> dict[tuple[str, str, str], dict[str, tuple[float | None, str]]]:
    """What is of a method on a whole data set, by data set, split and method."""
    found: dict[tuple[str, str, str], dict[str, tuple[float | None, str]]] = defaultdict(dict)
    columns = ["dataset", "split", "method", "metric", "value", "status", "reason"]
    rows = records.loc[records["scope"] == "method", columns]
    for dataset, split, method, metric, value, status, reason in rows.itertuples(index=False):
        found[dataset, split, method][metric] = (float(value) if status == "ok" else None, reason)
    return dict(found)


def _measured_cell(whole: Whole, column: Column, planned: int) -> Cell:
    """A measure of a data set; its n is the number of pairs it was computed of."""
    absent = (None, "")
    count, why = whole.get(stage.pairs(column), absent)
    n = int(count or 0)
    value, undefined = whole.get(column.name, absent)
    reason = (
        "" if n == planned else why or f"{planned - n} not judged: no label map or boxes, no fused image or no judge"
    )
    return Cell(
        mean=value,
        low=whole.get(stage.low(column), absent)[0],
        high=whole.get(stage.high(column), absent)[0],
        n=n,
        planned=planned,
        reason=reason or undefined,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _explain(reasons: Counter[str], missing: int) -> str:
    """Say why `missing` pairs have no value, most frequent reason first."""
    if missing <= 0:
        return ""
    unexplained = missing - reasons.total()
    shown = reasons.most_common(MOST_REASONS)
    parts = [f"{count} {textwrap.shorten(reason, LONGEST_REASON, placeholder=' …')}" for reason, count in shown]
    others = reasons.total() - sum(count for _, count in shown)
    parts += [f"{others} for {len(reasons) - len(shown)} other reasons"] if others else []
    return "; ".join([*parts, *([f"{unexplained} not computed"] if unexplained > 0 else [])])
