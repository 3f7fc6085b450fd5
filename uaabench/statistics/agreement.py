"""Whether a metric orders methods as a measure of use does: Kendall's tau-b, and how far chance may move it.

The measure is one of a whole data set, such as mIoU. Values of a metric for which lower is better are turned round
before they come here, so that a positive tau always means that who believes the metric chooses the more useful method.

- `tau` compares the means of the methods over all pairs with the measure over all pairs.
- Its interval over pairs draws pairs, and computes anew both the means and the measure of every method: other images,
  the same methods. It is of the mean tau of such sets of as many pairs. Drawing adds noise to an order that is noisy
  already, so that the taus of the draws lie below that of the sample; a percentile interval would move with them. So
  the interval is symmetric: as far to both sides as 95 % of the draws are away.
- Its interval over methods draws methods, and leaves out that a method is compared with itself: other methods of the
  same sort, the same images. It takes the methods for independent, which networks of one family are not.
- `within` ranks the methods on every pair by the values of that pair alone, and is the mean of these taus.

Reference: Kendall, "The treatment of ties in ranking problems", Biometrika 33, 1945; Hall, "On symmetric bootstrap
confidence intervals", JRSS B 50, 1988. The tests compare with `scipy.stats.kendalltau`; `benchmarks/agreement.py`
simulates how often the intervals hold what they are of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uaabench.core.arrays import Counts
from uaabench.statistics.intervals import Interval, bootstrap_mean
from uaabench.statistics.resampling import RESAMPLES

# Of fewer methods no order says much: four have one of 24 by chance.
FEWEST_METHODS = 5
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Kendall's tau-b between a metric and a measure of use, in -1..1; NaN where it is undefined.

    Attributes:
        tau: Over methods, of their means and their measures on all pairs.
        low: Lower end of its 95 % interval over pairs.
        high: Upper end.
        methods_low: Lower end of its 95 % interval over methods.
        methods_high: Upper end.
        within: Mean over pairs of the tau of the methods on one pair, with its interval over pairs; `n` is the number
            of pairs on which it is defined.
        methods: Number of methods.
        pairs: Number of pairs.
    """

    tau: float
    low: float
    high: float
    methods_low: float
    methods_high: float
    within: Interval
    methods: int
    pairs: int


def agreement(
    metric: ArrayLike, measure: ArrayLike, *, drawn: ArrayLike, counts: Counts, single: ArrayLike
) -> Agreement:
    """Compare a metric with a measure on M methods and N pairs.

    Args:
        metric: (M,N) values of the metric, higher is better, none missing.
        measure: (M,) the measure over all pairs, higher is better.
        drawn: (M,R) the measure on each of R draws of pairs; NaN where it is undefined.
        counts: (R,N) how often each pair occurs in each draw.
        single: (M,N) the measure of each pair alone; NaN where it is undefined.

    Raises:
        ValueError: There are fewer methods than an order needs.
    """
    values, whole = np.asarray(metric, np.float64), np.asarray(measure, np.float64)
    methods, pairs = values.shape
    if methods < FEWEST_METHODS:
        raise ValueError(f"{methods} methods have no order worth comparing; {FEWEST_METHODS} are needed.")
    means = _means(values, np.ones((1, pairs), np.int64))[0]
    tau = float(tau_b(means, whole))
    of_draws = tau_b(_means(values, counts), np.asarray(drawn, np.float64).T)
    return Agreement(
        tau,
        *_symmetric(tau, of_draws),
        *_over_methods(means, whole),
        bootstrap_mean(tau_b(values.T, np.asarray(single, np.float64).T)),
        methods,
        pairs,
    )


def tau_b(one: ArrayLike, other: ArrayLike, weights: ArrayLike | None = None) -> Values:
    """Kendall's tau-b of many samples at once, each of n methods.

    All comparisons of two methods are laid out beside each other, which is what makes thousands of draws cheap.

    Args:
        one: (...,n) values.
        other: (...,n) values.
        weights: (...,n) how often each method counts; a method is never compared with itself. Once unless given.

    Returns:
        (...,) tau-b; NaN where a value is missing or one side has no order at all.

    Example:
        >>> float(tau_b([1, 2, 3, 4], [1, 2, 4, 3]))  # five of six comparisons agree, one does not
        0.6666666666666666
    """
    left, right = np.asarray(one, np.float64), np.asarray(other, np.float64)
    first, second = np.triu_indices(left.shape[-1], k=1)
    signs, others = (np.sign(values[..., first] - values[..., second]) for values in (left, right))
    times = np.asarray(1.0 if weights is None else np.asarray(weights)[..., first] * np.asarray(weights)[..., second])
    with np.errstate(invalid="ignore"):
        ordered = (times * signs**2).sum(axis=-1) * (times * others**2).sum(axis=-1)
        return np.asarray((times * signs * others).sum(axis=-1) / np.sqrt(ordered))


def _means(values: Values, counts: Counts) -> Values:
    """Means of the methods on each draw, (R,M); what differs by rounding alone is equal, on any processor."""
    sums = counts @ values.T
    scale = np.abs(sums).max()
    return np.asarray(np.round(sums / scale, 12)) if scale > 0 else sums


def _symmetric(tau: float, of_draws: Values) -> tuple[float, float]:
    """The symmetric bootstrap interval, within the range of tau."""
    known = of_draws[~np.isnan(of_draws)]
    if not len(known) or np.isnan(tau):
        return np.nan, np.nan
    reach = float(np.quantile(np.abs(known - tau), 0.95))
    return max(-1.0, tau - reach), min(1.0, tau + reach)


def _over_methods(means: Values, measure: Values) -> tuple[float, float]:
    """The percentile interval of drawing methods; draws without any order count for nothing."""
    n = len(means)
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    taus = tau_b(means, measure, weights)
    if np.isnan(taus).all():
        return np.nan, np.nan
    low, high = np.nanquantile(taus, [0.025, 0.975])
    return float(low), float(high)
