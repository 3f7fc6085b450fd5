"""Which metric predicts use: how far each metric of a run orders its methods as what judged their images does.

A use is any number of a method on a whole data set that can be computed again of other draws of its pairs: the measures
of judges, and what degraded input leaves of them. What the taus are stands in `uaabench.statistics.agreement`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from uaabench.core.arrays import Counts, Values
from uaabench.core.columns import Column
from uaabench.reporting.numbers import Numbers
from uaabench.reporting.retention import is_ratio, judged_alike
from uaabench.reporting.table import Section
from uaabench.running.evidence import DatasetHead
from uaabench.statistics import kept
from uaabench.statistics.agreement import FEWEST_METHODS, Agreement, agreement
from uaabench.statistics.resampling import draws, of_draws


@dataclass(frozen=True)
class Use:
    """A number of each method on a whole data set that says how useful its images are.

    Attributes:
        name: Its name in the report.
        higher_is_better: Direction.
        pairs: The pairs it is known of, by the label of the method.
        of: `of(label, pairs, counts)` on each of R draws of N of these pairs, `counts` (R,N); (R,) float64, NaN where
            it is undefined.
    """

    name: str
    higher_is_better: bool
    pairs: Mapping[str, Sequence[str]]
    of: Callable[[str, Sequence[str], Counts], Values]


def agreements(
    section: Section, metrics: Sequence[Column], numbers: Numbers, *, degraded: Sequence[DatasetHead], floor: bool
) -> dict[str, dict[str, Agreement]]:
    """Compare every metric of a data set with every use of it, the best predictor first.

    Methods that lack pairs which others have are left out, as they would take these pairs from all.

    Args:
        section: The data set.
        metrics: The columns of the table; those with a value for each pair are compared.
        numbers: The values.
        degraded: Its degraded versions.
        floor: Whether trivial methods take part.

    Returns:
        By the name of the use and of the metric; nothing of a use that too few methods have.
    """
    rows = section.rows if floor else section.compared
    labels = [row.method.label for row in rows]
    of_pairs = [metric for metric in metrics if metric.name not in numbers.judged]
    uses = _uses(section, metrics, numbers, degraded)
    return {use.name: _compared(use, labels, of_pairs, section, numbers) for use in uses}


def _uses(section: Section, columns: Sequence[Column], numbers: Numbers, degraded: Sequence[DatasetHead]) -> list[Use]:
    """The measures of a data set that its judges found, and what its degraded versions leave of them."""
    labels = [row.method.label for row in section.rows]
    judged = [column for column in columns if column.name in numbers.judged]
    measured = [_measured(section, column, numbers, labels) for column in judged]
    kept_of = [column for column in judged if degraded and is_ratio(column)]
    return [*measured, *(_retained(section, degraded, column, numbers, labels) for column in kept_of)]


def _measured(section: Section, column: Column, numbers: Numbers, labels: Sequence[str]) -> Use:
    judged = numbers.judged[column.name]
    found = {label: tallies for label in labels if (tallies := judged.tallies(section.dataset, label))}

    def of(label: str, pairs: Sequence[str], counts: Counts) -> Values:
        return of_draws(judged.measure, found[label].on(pairs), counts)

    return Use(column.name, column.higher_is_better, {label: one.pairs for label, one in found.items()}, of)


def _retained(
    section: Section, degraded: Sequence[DatasetHead], column: Column, numbers: Numbers, labels: Sequence[str]
) -> Use:
    """The retention of a measure: its mean over kinds of degradation, of each the mean over its severities."""
    judged = numbers.judged[column.name]
    kinds = [head.degraded.kind for head in degraded if head.degraded]
    datasets = (section.dataset, *degraded)
    found = {label: sides for label in labels if (sides := judged_alike(judged, datasets, label))}

    def of(label: str, pairs: Sequence[str], counts: Counts) -> Values:
        clean, *others = (of_draws(judged.measure, side.on(pairs), counts) for side in found[label])
        of_kinds = [
            kept(clean, *(values for values, its in zip(others, kinds, strict=True) if its == kind), as_ratio=True)
            for kind in dict.fromkeys(kinds)
        ]
        return np.asarray(np.mean(of_kinds, axis=0))

    return Use(f"retention of {column.name}", True, {label: sides[0].pairs for label, sides in found.items()}, of)


def _compared(
    use: Use, labels: Sequence[str], metrics: Sequence[Column], section: Section, numbers: Numbers
) -> dict[str, Agreement]:
    """The taus of one use, best first; undefined ones last."""
    most = max((len(use.pairs.get(label, ())) for label in labels), default=0)
    judged = [label for label in labels if most and len(use.pairs.get(label, ())) == most]
    pairs = sorted(set.intersection(*(set(use.pairs[label]) for label in judged))) if judged else []
    if len(judged) < FEWEST_METHODS or len(pairs) < 2:
        return {}
    n, sign = len(pairs), 1.0 if use.higher_is_better else -1.0
    counts = draws(n)
    # All pairs once, each pair alone, and the draws: one call, as a judge may be slow to count.
    every = np.concatenate([np.ones((1, n), np.int64), np.eye(n, dtype=np.int64), counts])
    of = {label: sign * use.of(label, pairs, every) for label in judged}
    found = {}
    for metric in metrics:
        known = {label: numbers.values(section.dataset, label, metric.name).reindex(pairs) for label in judged}
        complete = [label for label, values in known.items() if values.notna().all()]
        if len(complete) < FEWEST_METHODS:
            continue
        values = np.array([known[label].to_numpy(dtype=float) for label in complete])
        judgements = np.array([of[label] for label in complete])
        found[metric.name] = agreement(
            values if metric.higher_is_better else -values,
            judgements[:, 0],
            single=judgements[:, 1 : n + 1],
            drawn=judgements[:, n + 1 :],
            counts=counts,
        )
    # A value that is not a number is neither above nor below others.
    return dict(sorted(found.items(), key=lambda entry: (np.isnan(entry[1].tau), -entry[1].tau)))
