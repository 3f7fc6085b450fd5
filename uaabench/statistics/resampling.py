"""Measures of a whole data set: their value, bootstrap interval and paired difference, from the tallies of pairs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uaabench.core.arrays import Counts
from uaabench.core.columns import Measure

RESAMPLES = 2000
Draws = NDArray[np.float64]


@dataclass(frozen=True)
class Tallies:
    """What the judges of one method found on one data set.

    Attributes:
        judge: Their name.
        setting: What the measures must know of the judges beside the tallies, for example the protocol, and `weights`,
            the hash of a judge of all methods. Judge and setting must be equal in two runs that are compared.
        pairs: Ids of the pairs that all judges have judged, in order.
        by_judge: For each judge the tally of each of those pairs.
    """

    judge: str
    setting: Mapping[str, Any]
    pairs: tuple[str, ...]
    by_judge: tuple[tuple[Any, ...], ...]

    @property
    def described(self) -> str:
        """Judge and weights, for messages."""
        weights = self.setting.get("weights")
        return f"{self.judge}, weights {weights[:12]}" if weights else self.judge

    def on(self, pairs: Sequence[str]) -> Tallies:
        """Those of some of the pairs."""
        place = {pair: number for number, pair in enumerate(self.pairs)}
        chosen = [place[pair] for pair in pairs]
        return Tallies(
            self.judge, self.setting, tuple(pairs), tuple(tuple(one[n] for n in chosen) for one in self.by_judge)
        )


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval; NaN where it is undefined, for the interval also with fewer than two pairs."""

    value: float
    low: float
    high: float


def estimate(measure: Measure, tallies: Tallies, *, confidence: float = 0.95) -> Estimate:
    """A measure over all pairs, and its percentile bootstrap interval over pairs.

    Of several judges the mean counts, all on the pairs that were drawn: the interval says how far the mean over these
    judges may move with the pairs, and nothing of other seeds.
    """
    return Estimate(value_of(measure, tallies), *_middle(_drawn(measure, tallies), confidence))


def difference(measure: Measure, before: Tallies, after: Tallies, *, confidence: float = 0.95) -> Estimate:
    """After minus before, and its paired bootstrap interval, on the same draws of pairs.

    Args:
        measure: The measure.
        before: Tallies of one method.
        after: Tallies of another one or another run, of the same pairs in the same order.
        confidence: Share of such intervals that hold the true value, about.
    """
    return combined(measure, (before, after), lambda old, new: new - old, confidence=confidence)


def combined(
    measure: Measure, sides: Sequence[Tallies], combine: Callable[..., Draws], *, confidence: float = 0.95
) -> Estimate:
    """A number made of one measure on several sides, and its paired bootstrap interval, on the same draws of pairs.

    Args:
        measure: The measure.
        sides: Tallies of the same pairs in the same order.
        combine: Makes the number of the values of all sides, element by element.
        confidence: Share of such intervals that hold the true value, about.
    """
    value = float(combine(*(np.float64(value_of(measure, side)) for side in sides)))
    return Estimate(value, *_middle(combine(*(_drawn(measure, side) for side in sides)), confidence))


def value_of(measure: Measure, tallies: Tallies) -> float:
    """Mean over the judges of the measure over all pairs."""
    return float(np.mean([values(measure, one, tallies.setting) for one in tallies.by_judge]))


def values(measure: Measure, tallies: Sequence[Any], setting: Mapping[str, Any]) -> float:
    """A measure of one judge over all pairs; NaN without pairs."""
    if not tallies:
        return math.nan
    return float(measure.of(tallies, np.ones((1, len(tallies)), np.int64), setting)[0])


def draws(n: int) -> Counts:
    """How often each of n pairs occurs in each draw of n, (R,n); as many pairs always get the same draws.

    That is what makes two methods paired.
    """
    return np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)


def of_draws(measure: Measure, tallies: Tallies, counts: Counts) -> Draws:
    """Mean over the judges of a measure on each of R draws of pairs, `counts` (R,N); (R,)."""
    return np.asarray(np.mean([measure.of(one, counts, tallies.setting) for one in tallies.by_judge], axis=0))


def _drawn(measure: Measure, tallies: Tallies) -> Draws:
    """A measure on the draws that an interval rests on; none for fewer than two pairs."""
    n = len(tallies.pairs)
    return of_draws(measure, tallies, draws(n)) if n > 1 else np.empty(0)


def _middle(found: Draws, confidence: float) -> tuple[float, float]:
    """The ends of the middle part of many values; NaN without any."""
    if not len(found) or np.isnan(found).all():
        return math.nan, math.nan
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(found, [tail, 1 - tail])
    return float(low), float(high)
