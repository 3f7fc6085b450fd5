"""Ranks of several methods: on the pairs of one data set, and over metrics.

Within a data set the pairs are the blocks: on each pair the methods are ranked by one metric (1 is best, ties share the
mean of their ranks). Friedman's test asks whether the mean ranks differ at all, Nemenyi's critical difference how far
two of them must be apart.

Reference: Demsar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Ranking:
    """Methods ranked by one metric on the pairs of one data set.

    Attributes:
        mean_ranks: Mean rank of each method over pairs, best first; 1 is the best rank there is.
        n: Number of pairs.
        p_value: Of Friedman's test; 1 where no two methods differ on any pair, NaN where there are too few to test.
        critical_difference: Two mean ranks that differ by less are not told apart at the level of 0.05 (Nemenyi).
        groups: Largest sets of methods that are not told apart, best first; a method alone forms none.
    """

    mean_ranks: Mapping[str, float]
    n: int
    p_value: float
    critical_difference: float
    groups: Sequence[tuple[str, ...]]


def rank_methods(values: Mapping[str, ArrayLike], *, higher_is_better: bool) -> Ranking:
    """Rank methods by their values of one metric on the same pairs.

    Friedman's p-value is SciPy's and needs at least three methods and two pairs; Nemenyi's critical difference is
    q * sqrt(k (k + 1) / (6 n)), q being the 0.95 quantile of the studentised range of k methods over sqrt(2).

    Args:
        values: Values by method, on the same pairs in the same order; at least two methods and one pair.
        higher_is_better: Direction of the metric.

    Example:
        >>> ranking = rank_methods({"a": [1, 2, 3], "b": [4, 5, 6]}, higher_is_better=True)
        >>> ranking.mean_ranks, ranking.groups
        ({'b': 1.0, 'a': 2.0}, [('b', 'a')])
    """
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    names = list(values)
    matrix = np.column_stack([np.asarray(values[name], dtype=np.float64) for name in names])
    n, k = matrix.shape
    ranks: NDArray[np.float64] = rankdata(-matrix if higher_is_better else matrix, axis=1)
    means = ranks.mean(axis=0)
    order = np.argsort(means, kind="stable")
    ordered = {names[i]: float(means[i]) for i in order}
    if (ranks == ranks[:, :1]).all():
        p_value = 1.0
    else:
        p_value = float(friedmanchisquare(*matrix.T).pvalue) if k > 2 and n > 1 else math.nan
    critical = float(studentized_range.ppf(1 - LEVEL, k, np.inf)) / math.sqrt(2) * math.sqrt(k * (k + 1) / (6 * n))
    return Ranking(ordered, n, p_value, critical, _groups(ordered, critical))


def _groups(ordered: Mapping[str, float], critical: float) -> list[tuple[str, ...]]:
    """The largest runs of methods, best first, whose ends are not told apart."""
    names = list(ordered)
    runs = []
    for start, first in enumerate(names):
        stop = start
        while stop + 1 < len(names) and ordered[names[stop + 1]] - ordered[first] < critical:
            stop += 1
        runs.append((start, stop))
    largest = [run for run in runs if not any(other != run and _covers(other, run) for other in runs)]
    return [tuple(names[start : stop + 1]) for start, stop in largest if stop > start]


def _covers(run: tuple[int, int], other: tuple[int, int]) -> bool:
    return run[0] <= other[0] and other[1] <= run[1]


def average_ranks(means: Mapping[str, Sequence[float]], directions: Sequence[bool]) -> dict[str, float]:
    """Average rank of each method over metrics: on each metric the methods are ranked by their mean.

    It says how often a method is near the top, and nothing of by how much; metrics that measure the same thing count
    as often as they are named.

    Args:
        means: Means by method, one for each metric, none of them missing.
        directions: For each metric whether higher is better.

    Example:
        >>> average_ranks({"a": [9.0, 0.1], "b": [8.0, 0.1], "c": [7.0, 0.0]}, [True, False])
        {'a': 1.75, 'b': 2.25, 'c': 2.0}
    """
    from scipy.stats import rankdata

    if not means:
        return {}
    signs = np.where(np.asarray(directions), -1.0, 1.0)
    ranks = rankdata(np.array(list(means.values())) * signs, axis=0).mean(axis=1)
    return {method: float(rank) for method, rank in zip(means, ranks, strict=True)}
