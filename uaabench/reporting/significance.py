"""Which differences of a table are more than chance: every method against a chosen one, and the ranks of all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from uaabench.core.columns import Column
from uaabench.core.grid import Verdict
from uaabench.reporting.numbers import Numbers
from uaabench.reporting.table import Ranks, Section, Versus
from uaabench.statistics import PairedTest, average_ranks, compare_pairs, holm, rank_methods
from uaabench.statistics.resampling import difference

# A corrected p-value below this is called a difference.
LEVEL = 0.05


def against(
    section: Section, reference: str, metrics: Sequence[Column], numbers: Numbers
) -> dict[str, dict[str, Versus]]:
    """Compare each method of a data set with the reference by each metric, on the pairs both have a value for.

    P-values are corrected over all methods and metrics of the data set together; measures of the whole data set have
    none.

    Returns:
        By method and metric; nothing for the reference itself and where the two share no pair.
    """
    labels = [row.method.label for row in section.rows if row.method.label != reference]
    found: dict[str, dict[str, Versus]] = {label: {} for label in labels}
    tests = {}
    for label in labels:
        for column in metrics:
            if column.name in numbers.judged:
                if versus := _judged(section, label, reference, column, numbers):
                    found[label][column.name] = versus
                continue
            values = numbers.common(section.dataset, [label, reference], column.name)
            tests[label, column] = compare_pairs(
                values[label], values[reference], higher_is_better=column.higher_is_better
            )
    corrected = holm([test.p_value for test in tests.values()])
    for ((label, column), test), p_value in zip(tests.items(), corrected, strict=True):
        if test.difference.n:
            found[label][column.name] = _tested(column, test, p_value)
    return {label: by_metric for label, by_metric in found.items() if by_metric}


def _tested(column: Column, test: PairedTest, p_value: float) -> Versus:
    """The verdict of Wilcoxon's test on a metric of pairs."""
    has_interval = math.isfinite(test.difference.low)
    return Versus(
        difference=test.difference.mean,
        low=test.difference.low if has_interval else None,
        high=test.difference.high if has_interval else None,
        n=test.difference.n,
        p_value=p_value,
        win_rate=test.win_rate,
        verdict=_direction(column, test.difference.mean) if p_value < LEVEL else "",
    )


def _judged(section: Section, label: str, reference: str, column: Column, numbers: Numbers) -> Versus | None:
    """The paired bootstrap of a measure of the whole data set, on the pairs that both have a tally of."""
    judged = numbers.judged[column.name]
    one, other = (judged.tallies(section.dataset, method) for method in (label, reference))
    common = sorted(set(one.pairs) & set(other.pairs)) if one and other else []
    if one is None or other is None or not common:
        return None
    found = difference(judged.measure, other.on(common), one.on(common))
    has_interval = math.isfinite(found.low)
    return Versus(
        difference=found.value,
        low=found.low if has_interval else None,
        high=found.high if has_interval else None,
        n=len(common),
        p_value=None,
        win_rate=None,
        verdict=_direction(column, found.value) if has_interval and (found.low > 0 or found.high < 0) else "",
    )


def _direction(column: Column, difference: float) -> Verdict:
    return "better" if (difference > 0) == column.higher_is_better else "worse"


def rank(section: Section, metrics: Sequence[Column], numbers: Numbers, *, floor: bool) -> Ranks | None:
    """Rank the methods of a data set: by each metric over its pairs, and over metrics by their means.

    Args:
        section: The data set.
        metrics: The metrics, of which those count for which every ranked method is complete.
        numbers: The values.
        floor: Whether trivial methods are ranked too.

    Returns:
        None where there are fewer than three methods, which need no ranks, or no metric to rank them by.
    """
    rows = section.rows if floor else section.compared
    usable = [
        metric
        for metric in metrics
        # A measure of the whole data set is complete and yet has no value for a pair.
        if all(
            row.cells[metric.name].is_complete and len(numbers.values(section.dataset, row.method.label, metric.name))
            for row in rows
        )
    ]
    if len(rows) < 3 or not usable:
        return None
    labels = [row.method.label for row in rows]
    by_metric = {
        metric.name: rank_methods(
            numbers.common(section.dataset, labels, metric.name), higher_is_better=metric.higher_is_better
        )
        for metric in usable
    }
    means: Mapping[str, list[float]] = {
        row.method.label: [mean for metric in usable if (mean := row.cells[metric.name].mean) is not None]
        for row in rows
    }
    average = average_ranks(means, [metric.higher_is_better for metric in usable])
    return Ranks(by_metric=by_metric, average=average)
