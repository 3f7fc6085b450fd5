import math

import numpy as np
import pytest
from scipy import stats

from uaabench.statistics import bootstrap_mean, bootstrap_means, intervals


def skewed(seed: int, n: int) -> list[float]:
    return np.random.default_rng(seed).gamma(2.0, size=n).tolist()


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_interval_is_that_of_scipy_at_the_expanded_confidence(confidence: float) -> None:
    values = skewed(1, 50)
    ours = bootstrap_mean(values, confidence=confidence)
    # Hesterberg 2015: the tail of the normal distribution beyond sqrt(n / (n - 1)) times the t quantile.
    tail = stats.norm.cdf(np.sqrt(50 / 49) * stats.t.ppf((1 - confidence) / 2, 49))
    theirs = stats.bootstrap(
        (values,), np.mean, confidence_level=1 - 2 * tail, n_resamples=10_000, method="percentile", rng=5
    ).confidence_interval
    # Both ends are quantiles of 10 000 random means: their error is about 2 % of the width of the interval.
    width = theirs.high - theirs.low
    assert ours.mean == pytest.approx(np.mean(values))
    assert ours.low == pytest.approx(theirs.low, abs=0.05 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.05 * width)


@pytest.mark.parametrize("n", [16, 50, 200])
@pytest.mark.parametrize("draw", ["normal", "uniform", "gamma"])
def test_a_95_percent_interval_holds_the_true_mean_in_93_to_97_percent_of_samples(draw: str, n: int) -> None:
    # 2000 samples: standard error of the coverage 0.5 points.
    generator = np.random.default_rng(0)
    samples = {
        "normal": lambda: generator.normal(2.0, size=n),
        "uniform": lambda: generator.uniform(1.0, 3.0, size=n),
        "gamma": lambda: generator.gamma(2.0, size=n),
    }
    found = [bootstrap_mean(samples[draw](), resamples=1000) for _ in range(2000)]
    coverage = np.mean([interval.low <= 2.0 <= interval.high for interval in found])
    assert 0.93 <= coverage <= 0.97


def test_the_same_values_give_the_same_interval() -> None:
    values = skewed(2, 30)
    assert bootstrap_mean(values) == bootstrap_mean(values)
    assert bootstrap_mean(values) != bootstrap_mean(values, seed=1)


def test_the_interval_does_not_depend_on_how_the_draws_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    values = skewed(3, 40)
    whole = bootstrap_mean(values)
    monkeypatch.setattr(intervals, "BLOCK", 999)
    assert bootstrap_mean(values) == whole


def test_several_samples_get_to_the_last_bit_what_each_gets_by_the_definition() -> None:
    samples = [skewed(5, 40), skewed(6, 17), [math.nan, *skewed(7, 40)], [2.0], [], skewed(8, 17)]
    found = bootstrap_means(samples, resamples=500)
    for sample, interval in zip(samples, found, strict=True):
        values = np.array([value for value in sample if not math.isnan(value)])
        if len(values) > 1:
            means = values[np.random.default_rng(0).integers(0, len(values), (500, len(values)))].mean(axis=1)
            tail = intervals.expanded_tail(len(values), 0.95)
            expected = (values.mean(), *np.quantile(means, [tail, 1 - tail]), len(values))
            assert (interval.mean, interval.low, interval.high, interval.n) == expected
    assert [interval.n for interval in found] == [40, 17, 40, 1, 0, 17]
    assert found[3].mean == 2.0
    assert math.isnan(found[3].low)
    assert math.isnan(found[4].mean)


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


def test_an_interval_is_a_95_percent_interval_of_10_000_draws_unless_said_otherwise() -> None:
    values = skewed(5, 30)
    assert bootstrap_mean(values) == bootstrap_mean(values, confidence=0.95, resamples=10_000, seed=0)
    assert bootstrap_mean(values, resamples=9_999) != bootstrap_mean(values)


def test_two_values_have_an_interval() -> None:
    interval = bootstrap_mean([1.0, 3.0])
    # The expanded interval of two values goes as far as they do.
    assert (interval.mean, interval.low, interval.high, interval.n) == (2.0, 1.0, 3.0, 2)
