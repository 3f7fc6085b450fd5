"""Measures of whole data sets: their values, intervals and paired differences come from the tallies of pairs."""

import math

import numpy as np
import pytest

from uaabench.core.columns import Measure
from uaabench.statistics.resampling import Estimate, Tallies, difference, estimate, value_of, values


def share(tallies, counts, setting):
    """Of the second number of all tallies the first one's share, times the weight of the judge."""
    sums = counts @ np.asarray(tallies, float)
    with np.errstate(invalid="ignore"):
        return setting.get("weight", 1) * sums[:, 0] / sums[:, 1]


SHARE = Measure(
    name="Share", title="share", higher_is_better=True, range=(0, 1), gameable_by_noise=False, version=1, reference="",
    of=share,
)  # fmt: skip


def tallies(*by_judge, setting=None):
    """The tallies of some judges on as many pairs: (first, second) for each."""
    names = tuple(f"{number:03}" for number in range(len(by_judge[0])))
    return Tallies("judge", setting or {}, names, by_judge)


def drawn(seed, n=40):
    """Tallies with 10 to 30 of 100."""
    return tuple((int(value), 100) for value in np.random.default_rng(seed).integers(10, 30, n))


def test_a_measure_is_that_of_the_sums_over_all_pairs():
    # (1 + 3) of (2 + 10), not the mean of 1/2 and 3/10.
    assert value_of(SHARE, tallies(((1, 2), (3, 10)))) == pytest.approx(4 / 12)
    assert values(SHARE, [(1, 2)], {"weight": 2}) == 1.0
    assert math.isnan(values(SHARE, [], {}))


def test_of_several_judges_the_mean_counts():
    both = tallies(((1, 2),), ((1, 4),), setting={"weight": 2})
    assert value_of(SHARE, both) == pytest.approx((1.0 + 0.5) / 2)


def test_the_interval_is_that_of_drawing_pairs_with_replacement():
    one = drawn(1)
    found = estimate(SHARE, tallies(one))
    generator = np.random.default_rng(5)
    means = [np.mean([one[n][0] for n in generator.integers(0, 40, 40)]) / 100 for _ in range(4000)]
    low, high = np.quantile(means, [0.025, 0.975])
    assert found.value == pytest.approx(np.mean([first for first, _ in one]) / 100)
    # Two simulations of 2000 and 4000 draws; the interval is about 0.035 wide.
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.002)


def test_another_confidence_gives_another_interval():
    wide, narrow = (estimate(SHARE, tallies(drawn(1)), confidence=confidence) for confidence in (0.95, 0.5))
    # Of a normal distribution 0.6745 and 1.96 standard deviations around the mean.
    assert (narrow.high - narrow.low) / (wide.high - wide.low) == pytest.approx(0.6745 / 1.96, abs=0.05)
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_the_interval_of_several_judges_is_that_of_their_mean_on_the_same_pairs():
    first = drawn(1)
    opposite = tuple((40 - value, 100) for value, _ in first)
    found = estimate(SHARE, tallies(first, opposite))
    # What one finds more on a pair the other finds less.
    assert found.low == pytest.approx(0.2)
    assert found.high == pytest.approx(0.2)


def test_a_difference_is_paired():
    before = drawn(1)
    after = tuple((value + 5, 100) for value, _ in before)
    found = difference(SHARE, tallies(before), tallies(after))
    assert (found.value, found.low, found.high) == pytest.approx((0.05, 0.05, 0.05))
    back = difference(SHARE, tallies(after), tallies(before))
    assert back.value == pytest.approx(-0.05)


def test_a_difference_has_the_interval_of_its_confidence():
    before, after = tallies(drawn(1)), tallies(drawn(2))
    wide, narrow = (difference(SHARE, before, after, confidence=confidence) for confidence in (0.95, 0.5))
    assert wide.value == narrow.value == value_of(SHARE, after) - value_of(SHARE, before)
    assert wide.low < narrow.low < narrow.high < wide.high
    default = difference(SHARE, before, after)
    assert default == wide


def test_one_pair_has_a_value_and_no_interval():
    found = estimate(SHARE, tallies(((1, 2),)))
    assert found.value == 0.5
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    two = estimate(SHARE, tallies(((1, 2), (1, 2))))
    assert two == Estimate(0.5, 0.5, 0.5)


def test_draws_on_which_the_measure_is_undefined_are_left_out():
    # One pair of four has anything to count: it is in no draw in 32 %.
    found = estimate(SHARE, tallies(((0, 0), (1, 4), (0, 0), (0, 0))))
    assert found == Estimate(0.25, 0.25, 0.25)
    nothing = estimate(SHARE, tallies(((0, 0), (0, 0))))
    assert all(math.isnan(number) for number in (nothing.value, nothing.low, nothing.high))


def test_tallies_can_be_had_of_some_pairs_in_any_order():
    both = Tallies("judge", {"weight": 2}, ("a", "b", "c"), ((1, 2, 3), (4, 5, 6)))
    assert both.on(["c", "a"]) == Tallies("judge", {"weight": 2}, ("c", "a"), ((3, 1), (6, 4)))


def test_a_judge_is_described_by_its_weights_where_it_has_any():
    assert Tallies("judge", {}, (), ()).described == "judge"
    assert Tallies("judge", {"weights": ""}, (), ()).described == "judge"
    assert Tallies("judge", {"weights": "0123456789abcdef"}, (), ()).described == "judge, weights 0123456789ab"
