"""Agreement of a metric with a measure: Kendall's tau-b equals SciPy's, its intervals are those of drawing anew."""

import math

import numpy as np
import pytest
from scipy.stats import kendalltau

from uaabench.statistics import bootstrap_mean
from uaabench.statistics.agreement import agreement, tau_b
from uaabench.statistics.resampling import draws


def compared(metric, judged):
    """The agreement of (M,N) values with a measure that is the mean of (M,N) others."""
    judged = np.asarray(judged, float)
    counts = draws(judged.shape[1])
    whole = judged.mean(axis=1)
    return agreement(metric, whole, drawn=judged @ counts.T / counts.sum(axis=1), counts=counts, single=judged)


def noisy(seed, methods=8, pairs=20):
    """A metric and a measure that say the same with noise of their own."""
    generator = np.random.default_rng(seed)
    true = generator.normal(size=(methods, 1))
    return true + generator.normal(size=(2, methods, pairs))


@pytest.mark.parametrize("seed", range(5))
def test_tau_is_scipys_with_and_without_ties(seed):
    generator = np.random.default_rng(seed)
    for one, other in (generator.normal(size=(2, 9)), generator.integers(0, 4, (2, 9))):
        assert tau_b(one, other) == pytest.approx(kendalltau(one, other).statistic, abs=1e-12)


def test_many_samples_are_those_one_by_one():
    one, other = np.random.default_rng(0).integers(0, 5, (2, 7, 6)).astype(float)
    expected = [kendalltau(a, b).statistic for a, b in zip(one, other, strict=True)]
    assert tau_b(one, other) == pytest.approx(expected, nan_ok=True)


def test_a_method_that_is_drawn_twice_is_compared_twice_and_never_with_itself():
    # Methods 1, 2, 3 by the metric, 1, 3, 2 by the measure; the first counts twice: of 2 + 2 + 1 comparisons 4 agree.
    assert tau_b([1, 2, 3], [1, 3, 2], [2, 1, 1]) == pytest.approx((4 - 1) / 5)
    assert tau_b([1, 2, 3], [1, 3, 2], [0, 1, 1]) == -1
    assert math.isnan(tau_b([1, 2, 3], [1, 3, 2], [3, 0, 0]))


def test_what_has_no_order_or_a_hole_has_no_tau():
    assert math.isnan(tau_b([1, 1, 1], [1, 2, 3]))
    assert math.isnan(tau_b([1, np.nan, 3], [1, 2, 3]))


def test_tau_is_of_the_means_and_within_is_the_mean_over_pairs():
    metric, judged = noisy(1)
    found = compared(metric, judged)
    assert found.tau == pytest.approx(kendalltau(metric.mean(axis=1), judged.mean(axis=1)).statistic)
    of_pairs = [kendalltau(metric[:, n], judged[:, n]).statistic for n in range(20)]
    expected = bootstrap_mean(of_pairs)
    assert (found.within.mean, found.within.low) == pytest.approx((expected.mean, expected.low))
    assert (found.methods, found.pairs, found.within.n) == (8, 20, 20)


def test_the_interval_over_pairs_is_that_of_drawing_pairs_for_metric_and_measure_together():
    metric, judged = noisy(2)
    found = compared(metric, judged)
    generator = np.random.default_rng(9)
    taus = []
    for _ in range(2000):
        chosen = generator.integers(0, 20, 20)
        taus.append(kendalltau(metric[:, chosen].mean(axis=1), judged[:, chosen].mean(axis=1)).statistic)
    reach = np.quantile(np.abs(np.array(taus) - found.tau), 0.95)
    # Of 28 comparisons each moves tau by 0.071; two simulations may differ by one of them.
    assert found.low == pytest.approx(found.tau - reach, abs=0.08)
    assert found.high == pytest.approx(min(1, found.tau + reach), abs=0.08)


def test_pairs_that_all_say_the_same_leave_no_doubt_over_pairs_but_over_methods():
    values = np.repeat([[1.0], [2.0], [3.0], [5.0], [4.0], [6.0]], 7, axis=1)
    found = compared(values, np.arange(6)[:, None] * np.ones(7))
    # One of 15 comparisons is the other way round.
    assert (found.tau, found.low, found.high, found.within.mean) == pytest.approx((13 / 15,) * 4)
    assert found.methods_low < 13 / 15 <= found.methods_high == 1


def test_the_intervals_stay_within_the_range_of_tau():
    found = compared(*noisy(3, methods=5, pairs=4))
    assert -1 <= found.low <= found.tau <= found.high <= 1


def test_methods_that_are_equal_but_for_rounding_are_tied():
    metric, judged = noisy(4, methods=6)
    doubled = np.concatenate([metric, metric[:1] + 1e-16 * np.arange(20)])
    found = compared(doubled, np.concatenate([judged, judged[:1] + 1]))
    means, whole = metric.mean(axis=1), judged.mean(axis=1)
    expected = kendalltau([*means, means[0]], [*whole, whole[0] + 1])
    assert found.tau == pytest.approx(expected.statistic)


def test_pairs_and_draws_on_which_the_measure_is_undefined_are_left_out():
    metric, judged = noisy(5)
    counts = draws(20)
    single, drawn = judged.copy(), judged @ counts.T / 20
    single[:, :5], drawn[:, ::2] = np.nan, np.nan
    found = agreement(metric, judged.mean(axis=1), drawn=drawn, counts=counts, single=single)
    assert found.within.n == 15
    assert found.low < found.tau < found.high
    drawn[:] = np.nan
    without = agreement(metric, judged.mean(axis=1), drawn=drawn, counts=counts, single=single)
    assert math.isnan(without.low)
    assert without.tau == found.tau


def test_a_metric_that_does_not_tell_methods_apart_has_no_tau_and_no_interval():
    found = compared(np.ones((6, 4)), noisy(6, 6, 4)[0])
    numbers = (found.tau, found.low, found.high, found.methods_low, found.methods_high, found.within.mean)
    assert all(math.isnan(number) for number in numbers)
    zero = compared(np.zeros((6, 4)), noisy(6, 6, 4)[0])
    assert math.isnan(zero.tau)


def test_four_methods_are_refused():
    with pytest.raises(ValueError, match="4 methods have no order"):
        compared(*noisy(7, methods=4))
