"""Comparing two methods on the same pairs.

The pairs are the blocks: what is tested is the difference on each pair, so that easy and hard images do not drown the
difference between the methods.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from uaabench.statistics.intervals import Interval, bootstrap_mean


@dataclass(frozen=True, slots=True)
class PairedTest:
    """One method against another on the same pairs.

    Attributes:
        difference: Mean of method minus other, with its paired bootstrap interval; in the unit of the metric.
        p_value: Two-sided p-value of the Wilcoxon signed-rank test, uncorrected; 1 where no pair differs, NaN without
            any pair.
        win_rate: Share of the pairs on which the method is better, a tie counting one half; NaN without any pair.
    """

    difference: Interval
    p_value: float
    win_rate: float


def compare_pairs(method: ArrayLike, other: ArrayLike, *, higher_is_better: bool) -> PairedTest:
    """Compare two methods by the values of one metric on the same pairs.

    The Wilcoxon signed-rank test (Wilcoxon, "Individual comparisons by ranking methods", 1945) is SciPy's: differences
    of zero are left out, p is exact for up to 50 untied differences and by the normal approximation otherwise.

    Args:
        method: One value per pair.
        other: Values of the other method on the same pairs, in the same order.
        higher_is_better: Direction of the metric, which the win rate respects.

    Raises:
        ValueError: The two are not of one length.

    Example:
        >>> test = compare_pairs([3, 4, 5], [1, 4, 6], higher_is_better=True)
        >>> round(test.difference.mean, 4), test.win_rate
        (0.3333, 0.5)
    """
    differences = np.asarray(method, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    if np.shape(method) != np.shape(other):
        raise ValueError(f"values on {np.size(method)} pairs cannot be compared with those on {np.size(other)}")
    if not len(differences):
        return PairedTest(bootstrap_mean([]), math.nan, math.nan)
    gains = differences if higher_is_better else -differences
    wins = float((gains > 0).mean() + (gains == 0).mean() / 2)
    return PairedTest(bootstrap_mean(differences), _wilcoxon(differences), wins)


def _wilcoxon(differences: np.ndarray) -> float:
    from scipy.stats import wilcoxon

    # SciPy gives NaN where there is nothing to rank; no difference on any pair is no evidence of one.
    return float(wilcoxon(differences).pvalue) if differences.any() else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values of several tests so that the chance of any false finding stays below the level.

    Step-down procedure of Holm, "A simple sequentially rejective multiple test procedure", 1979. NaN stands for a test
    that was not made: it stays NaN and does not count.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    made = sorted((p, index) for index, p in enumerate(p_values) if not math.isnan(p))
    corrected = [math.nan] * len(p_values)
    largest = 0.0
    for place, (p, index) in enumerate(made):
        largest = max(largest, min(1.0, (len(made) - place) * p))
        corrected[index] = largest
    return corrected
