"""Uncertainty of the mean over pairs.

The interval is the expanded percentile bootstrap: as many pairs as there are get drawn with replacement, their mean is
taken, and of many such means the middle part is the interval. The plain percentile interval of n values is too narrow
by a factor of about sqrt((n - 1) / n) times the normal over the t quantile; the expanded one takes a wider part of the
means to make up for it. It assumes nothing but that the pairs are a random sample of what the method will meet; pairs
that are frames of one video are not, and their interval is too narrow.

Reference: Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69, 2015, section 5.3;
Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13. The tests compare with `scipy.stats.bootstrap`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from uaabench.core.arrays import Values

# Draws held in memory at once: as many as fit the cache of a processor.
BLOCK = 100_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its confidence interval.

    Attributes:
        mean: Arithmetic mean; NaN without any value.
        low: Lower end of the interval; NaN for fewer than two values, which say nothing of their spread.
        high: Upper end.
        n: Number of values.
    """

    mean: float
    low: float
    high: float
    n: int


def bootstrap_mean(
    values: Iterable[float], confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> Interval:
    """Mean of one value per pair, with its expanded percentile bootstrap interval.

    The same values in the same order give the same interval. For skewed values it still holds the true mean somewhat
    less often than it says: in 92 % of gamma(2) samples of 8 values, 94 % of 16.

    Args:
        values: One value per pair; NaN stands for a missing value and is left out.
        confidence: Share of such intervals that hold the true mean, between 0 and 1.
        resamples: Number of bootstrap samples.
        seed: Seed of the draws.

    Example:
        >>> bootstrap_mean([3.0, 3.0, 3.0])
        Interval(mean=3.0, low=3.0, high=3.0, n=3)
    """
    return bootstrap_means([values], confidence, resamples, seed)[0]


def bootstrap_means(
    samples: Sequence[Iterable[float]], confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> list[Interval]:
    """Means of several samples, each what `bootstrap_mean` gives of it; those of as many values share their draws.

    Args:
        samples: For each one value per pair; NaN stands for a missing value and is left out.
        confidence: Share of such intervals that hold the true mean, between 0 and 1.
        resamples: Number of bootstrap samples.
        seed: Seed of the draws.
    """
    arrays = [np.array(list(values), dtype=np.float64) for values in samples]
    known = [array[~np.isnan(array)] for array in arrays]
    found = [Interval(float(one[0]) if len(one) else math.nan, math.nan, math.nan, len(one)) for one in known]
    for n in sorted({len(one) for one in known if len(one) > 1}):
        places = [place for place, one in enumerate(known) if len(one) == n]
        tail = expanded_tail(n, confidence)
        means = _means_of_draws([known[place] for place in places], resamples, seed)
        for place, drawn in zip(places, means, strict=True):
            low, high = np.quantile(drawn, [tail, 1 - tail])
            found[place] = Interval(float(known[place].mean()), float(low), float(high), n)
    return found


def _means_of_draws(samples: Sequence[Values], resamples: int, seed: int) -> Values:
    """Means of the same draws of S samples of n values each, (S,R)."""
    n = len(samples[0])
    generator, block = np.random.default_rng(seed), max(1, BLOCK // n)
    means, drawn = np.empty((len(samples), resamples)), np.empty((min(block, resamples), n))
    for start in range(0, resamples, block):
        stop = min(start + block, resamples)
        chosen = generator.integers(0, n, (stop - start, n))
        for sample, mean in zip(samples, means, strict=True):
            # Any mode but the default one writes where it is told to.
            np.take(sample, chosen, out=drawn[: stop - start], mode="clip")
            drawn[: stop - start].mean(axis=1, out=mean[start:stop])
    return means


def expanded_tail(n: int, confidence: float) -> float:
    """Share of the bootstrap means of n values that lies beyond each end of the expanded interval."""
    from scipy.special import ndtr, stdtrit

    return float(ndtr(math.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 - confidence) / 2)))
