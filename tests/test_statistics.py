import math

import numpy as np
import pytest
from scipy import stats

from uaabench import statistics
from uaabench.statistics import bootstrap_mean


def skewed(seed: int, n: int) -> list[float]:
    return np.random.default_rng(seed).gamma(2.0, size=n).tolist()


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_interval_is_that_of_scipy(confidence: float) -> None:
    values = skewed(1, 50)
    ours = bootstrap_mean(values, confidence=confidence)
    theirs = stats.bootstrap(
        (values,), np.mean, confidence_level=confidence, n_resamples=10_000, method="percentile", rng=5
    ).confidence_interval
    # Both ends are quantiles of 10 000 random means: their error is about 2 % of the width of the interval.
    width = theirs.high - theirs.low
    assert ours.mean == pytest.approx(np.mean(values))
    assert ours.low == pytest.approx(theirs.low, abs=0.05 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.05 * width)


def test_a_95_percent_interval_holds_the_true_mean_in_about_95_percent_of_samples() -> None:
    # 1000 samples of 100: standard error 0.7 points; percentile intervals of skewed data fall about a point short.
    hits = [
        interval.low <= 2.0 <= interval.high
        for interval in (bootstrap_mean(skewed(seed, 100), resamples=2000) for seed in range(1000))
    ]
    assert 0.92 <= np.mean(hits) <= 0.97


def test_the_same_values_give_the_same_interval() -> None:
    values = skewed(2, 30)
    assert bootstrap_mean(values) == bootstrap_mean(values)
    assert bootstrap_mean(values) != bootstrap_mean(values, seed=1)


def test_the_interval_does_not_depend_on_how_the_draws_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    values = skewed(3, 40)
    whole = bootstrap_mean(values)
    monkeypatch.setattr(statistics, "BLOCK", 999)
    assert bootstrap_mean(values) == whole


def test_missing_values_are_left_out_and_not_counted() -> None:
    values = skewed(4, 20)
    assert bootstrap_mean([math.nan, *values, math.nan]) == bootstrap_mean(values)
    assert bootstrap_mean(values).n == 20


def test_one_value_has_a_mean_but_no_interval() -> None:
    interval = bootstrap_mean([4.5])
    assert (interval.mean, interval.n) == (4.5, 1)
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)


def test_no_value_has_no_mean() -> None:
    interval = bootstrap_mean([math.nan])
    assert interval.n == 0
    assert math.isnan(interval.mean)
