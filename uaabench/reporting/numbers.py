"""The values of a run by data set, method and metric, and why some are missing: what every table is computed from."""

from __future__ import annotations

import math
import textwrap
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uaabench.core.errors import UsageError
from uaabench.judges.segmentation.records import HIGH, LOW, MEAN_IOU, PAIRS
from uaabench.reporting.table import Cell, DatasetHead
from uaabench.statistics import bootstrap_mean

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

    Raises:
        UsageError: The records hold values of another profile.
    """

    def __init__(self, records: pd.DataFrame, profile: str, profile_version: int) -> None:
        self.profile = profile
        self.profile_version = profile_version
        per_pair = records[records["scope"] == "pair"].sort_values("pair", kind="stable")
        strangers = set(per_pair.loc[per_pair["metric"] != "", "profile"]) - {profile}
        if strangers:
            raise UsageError(
                f"The records hold values of the profile '{min(strangers)}' beside '{profile}'; "
                "score the run again with one profile, as numbers of two profiles cannot share a table."
            )
        self._corpus = _corpus(records)
        key = ["dataset", "split", "method", "metric"]
        ok = per_pair["status"] == "ok"
        grouped = per_pair[ok].set_index("pair").groupby(key)["value"]
        self._values = {group: values.astype(float) for group, values in grouped}
        self._reasons: dict[object, Counter[str]] = defaultdict(Counter)
        for *group, status, reason in per_pair.loc[~ok, [*key, "status", "reason"]].itertuples(index=False):
            # One line, however long the message of a crashed method was.
            self._reasons[tuple(group)][f"{status}: {' '.join(str(reason).split())}"] += 1

    def values(self, dataset: DatasetHead, method: str, metric: str) -> pd.Series[float]:
        """The values of one method by pair id, in the order of the ids; only pairs that have one."""
        return self._values.get((dataset.name, dataset.split, method, metric), pd.Series(dtype=float))

    def common(self, dataset: DatasetHead, methods: Sequence[str], metric: str) -> dict[str, NDArray[np.float64]]:
        """The values of several methods on the pairs on which all of them have one, by method."""
        columns = pd.concat({method: self.values(dataset, method, metric) for method in methods}, axis=1, join="inner")
        return {method: columns[method].to_numpy(dtype=float) for method in methods}

    def cell(self, dataset: DatasetHead, method: str, metric: str) -> Cell:
        """The unmarked cell of one method, data set and metric."""
        where = (dataset.name, dataset.split, method)
        if metric == MEAN_IOU:
            return _corpus_cell(self._corpus.get(where, {}), dataset.planned)
        values = self.values(dataset, method, metric)
        n, planned = len(values), dataset.planned
        if n == 0:
            mean = low = high = None
        else:
            estimate = bootstrap_mean(values)
            mean, low, high = estimate.mean, _finite(estimate.low), _finite(estimate.high)
        # A failed fusion has one record for all metrics, under the empty name.
        reasons = self._reasons[*where, metric] + self._reasons[*where, ""]
        return Cell(mean=mean, low=low, high=high, n=n, planned=planned, reason=_explain(reasons, planned - n))

    def has_mean_iou(self) -> bool:
        """Whether any method was segmented."""
        return bool(self._corpus)


def _corpus(records: pd.DataFrame) -> dict[tuple[str, str, str], dict[str, float]]:
    """The measures of whole data sets by data set, split and method."""
    found: dict[tuple[str, str, str], dict[str, float]] = defaultdict(dict)
    rows = records[(records["scope"] == "method") & (records["status"] == "ok")]
    for dataset, split, method, metric, value in rows[["dataset", "split", "method", "metric", "value"]].itertuples(
        index=False
    ):
        found[dataset, split, method][metric] = float(value)
    return dict(found)


def _corpus_cell(measures: dict[str, float], planned: int) -> Cell:
    """MIoU of a data set; its n is the number of segmented pairs."""
    n = int(measures.get(PAIRS, 0))
    reason = "" if n == planned else f"{planned - n} without a label map, a fused image or a segmenter"
    return Cell(
        mean=measures.get(MEAN_IOU), low=measures.get(LOW), high=measures.get(HIGH), n=n, planned=planned, reason=reason
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
