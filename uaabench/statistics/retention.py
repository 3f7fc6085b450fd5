"""What is left of a number on degraded input: its share of the clean value, or its difference to it.

Clean and degraded values are of the same pairs, and every draw of the bootstrap takes the same pairs of both, so that
hard and easy images do not widen the interval. Of several severities the mean of their retentions counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache, partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uaabench.core.columns import Measure
from uaabench.statistics.intervals import Interval, expanded_tail
from uaabench.statistics.resampling import RESAMPLES, Tallies, combined

Floats = NDArray[np.float64]


def retention(clean: ArrayLike, degraded: Sequence[ArrayLike], *, as_ratio: bool) -> Interval:
    """Retention of the mean over pairs, with its paired expanded percentile bootstrap interval.

    Args:
        clean: One value per pair on clean input.
        degraded: For each severity the values of the same pairs in the same order.
        as_ratio: Whether degraded is divided by clean, which needs values with a zero that means nothing at all; else
            clean is taken off.

    Returns:
        The interval is NaN for fewer than two pairs, everything where a clean mean to divide by is not above 0.

    Example:
        >>> retention([0.4, 0.6], [[0.2, 0.3], [0.3, 0.4]], as_ratio=True).mean
        0.6
    """
    sides = np.array([clean, *degraded], dtype=np.float64)
    n = sides.shape[1]
    of_sides = partial(kept, as_ratio=as_ratio)
    if not n:
        return Interval(math.nan, math.nan, math.nan, 0)
    value = float(of_sides(*sides.mean(axis=1)))
    if n < 2 or math.isnan(value):
        return Interval(value, math.nan, math.nan, n)
    drawn = _drawn(n)
    draws = of_sides(*(side[drawn].mean(axis=1) for side in sides))
    low, high = np.quantile(draws, [expanded_tail(n, 0.95), 1 - expanded_tail(n, 0.95)])
    return Interval(value, float(low), float(high), n)


def retention_of_measure(measure: Measure, clean: Tallies, degraded: Sequence[Tallies], *, as_ratio: bool) -> Interval:
    """Retention of a measure of the whole data set, with its paired percentile bootstrap interval.

    Args:
        measure: The measure.
        clean: Tallies on clean input.
        degraded: For each severity those of the same pairs in the same order.
        as_ratio: As of `retention`.
    """
    found = combined(measure, (clean, *degraded), partial(kept, as_ratio=as_ratio))
    return Interval(found.value, found.low, found.high, len(clean.pairs))


def kept(clean: Floats, *degraded: Floats, as_ratio: bool) -> Floats:
    """Retention of values, element by element: the mean over severities; NaN where there is nothing to divide by."""
    total = np.add.reduce(degraded) / len(degraded)
    if not as_ratio:
        return np.asarray(total - clean)
    return np.asarray(total / np.where(np.asarray(clean) > 0, clean, np.nan))


@lru_cache(maxsize=4)
def _drawn(n: int) -> NDArray[np.int64]:
    """Which pairs each draw takes: as many pairs always get the same draws."""
    return np.random.default_rng(0).integers(0, n, (RESAMPLES, n))
