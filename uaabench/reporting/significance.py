"""Which differences of a table are more than chance: every method against a chosen one, and the ranks of all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from uaabench.core.interface import Metric
from uaabench.reporting.numbers import Numbers
from uaabench.reporting.table import Ranks, Section, Verdict, Versus
from uaabench.statistics import average_ranks, compare_pairs, holm, rank_methods

# A corrected p-value below this is called a difference.
LEVEL = 0.05


def against(
    section: Section, reference: str, metrics: Sequence[Metric], numbers: Numbers
) -> dict[str, dict[str, Versus]]:
    """Compare each method of a data set with the reference by each metric, on the pairs both have a value for.

    P-values are corrected over all methods and metrics of the data set together.

    Returns:
        By method and metric; nothing for the reference itself and where the two share no pair.
    """
    labels = [row.method.label for row in section.rows]
    tests = {}
    for label in labels:
        for metric in metrics:
            if label == reference:
                continue
            values = numbers.common(section.dataset, [label, reference], metric.name)
            tests[label, metric.name] = compare_pairs(
                values[label], values[reference], higher_is_better=metric.higher_is_better
            )
    corrected = dict(zip(tests, holm([test.p_value for test in tests.values()]), strict=True))
    found: dict[str, dict[str, Versus]] = {}
    for (label, name), test in tests.items():
        if test.difference.n == 0:
            continue
        direction = next(metric.higher_is_better for metric in metrics if metric.name == name)
        is_gain = (test.difference.mean > 0) == direction
        verdict: Verdict = ("better" if is_gain else "worse") if corrected[label, name] < LEVEL else ""
        has_interval = math.isfinite(test.difference.low)
        found.setdefault(label, {})[name] = Versus(
            difference=test.difference.mean,
            low=test.difference.low if has_interval else None,
            high=test.difference.high if has_interval else None,
            n=test.difference.n,
            p_value=corrected[label, name],
            win_rate=test.win_rate,
            verdict=verdict,
        )
    return found


def rank(section: Section, metrics: Sequence[Metric], numbers: Numbers, *, floor: bool) -> Ranks | None:
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
        # A measure of the whole data set, such as mIoU, is complete and yet has no value for a pair.
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
