"""What is left on degraded input: by arithmetic, and with an interval that is paired."""

import math

import numpy as np
import pytest
import scipy.stats

from uaabench.core.columns import Measure
from uaabench.statistics import retention, retention_of_measure
from uaabench.statistics.resampling import Tallies


def share(found, counts, setting):
    """How much of all was found, over the pairs that were drawn."""
    hits, all_of_them = np.array(found, float).T
    return counts @ hits / (counts @ all_of_them)


SHARE = Measure(
    name="share",
    title="share",
    higher_is_better=True,
    range=(0, 1),
    gameable_by_noise=False,
    version=1,
    reference="",
    of=share,
)


def test_a_ratio_is_of_the_means_and_the_mean_over_severities_of_the_ratios():
    # Means 0.5; 0.25 and 0.4: (0.5 + 0.8) / 2.
    found = retention([0.4, 0.6], [[0.2, 0.3], [0.4, 0.4]], as_ratio=True)
    assert (found.mean, found.n) == (pytest.approx(0.65), 2)


def test_a_difference_is_degraded_minus_clean():
    assert retention([1.0, 3.0], [[4.0, 2.0], [1.0, 1.0]], as_ratio=False).mean == pytest.approx(0.0)


def test_pairs_that_all_keep_the_same_share_leave_no_doubt_however_much_they_differ():
    clean = np.array([0.1, 0.5, 0.9, 0.3])
    found = retention(clean, [clean * 0.8], as_ratio=True)
    assert (found.mean, found.low, found.high) == pytest.approx((0.8, 0.8, 0.8))


def test_the_interval_is_about_that_of_scipys_paired_bootstrap():
    generator = np.random.default_rng(3)
    clean = generator.uniform(0.3, 0.9, 200)
    degraded = clean * generator.uniform(0.5, 0.9, 200)
    found = retention(clean, [degraded], as_ratio=True)
    theirs = scipy.stats.bootstrap(
        (degraded, clean),
        lambda one, other, axis: one.mean(axis) / other.mean(axis),
        paired=True,
        method="percentile",
        n_resamples=5000,
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.003)


@pytest.mark.parametrize(
    ("clean", "degraded", "n"), [([], [[]], 0), ([0.0, 0.0], [[1.0, 1.0]], 2), ([-1.0, 0.5], [[1.0, 1.0]], 2)]
)
def test_without_pairs_or_with_nothing_to_divide_by_there_is_no_ratio(clean, degraded, n):
    found = retention(clean, degraded, as_ratio=True)
    assert math.isnan(found.mean)
    assert math.isnan(found.low)
    assert found.n == n


def test_one_pair_has_a_value_and_no_interval():
    found = retention([0.5], [[0.25]], as_ratio=True)
    assert found.mean == 0.5
    assert math.isnan(found.low)


def tallies(*counts):
    return Tallies("judge", {}, tuple(f"{n}" for n in range(len(counts))), (tuple(counts),))


def test_the_retention_of_a_measure_is_of_its_value_over_all_pairs():
    # Clean (1 + 3) / (2 + 6) = 0.5; degraded (1 + 1) / 8 = 0.25.
    found = retention_of_measure(SHARE, tallies([1, 2], [3, 6]), [tallies([1, 2], [1, 6])], as_ratio=True)
    assert (found.mean, found.n) == (pytest.approx(0.5), 2)
    # Draws of the first pair twice keep all, of the second a third.
    assert (found.low, found.high) == pytest.approx((1 / 3, 1))


def test_a_difference_of_a_measure_is_paired():
    clean, degraded = tallies([1, 2], [3, 4], [8, 9]), tallies([1, 2], [3, 4], [8, 9])
    found = retention_of_measure(SHARE, clean, [degraded], as_ratio=False)
    assert (found.mean, found.low, found.high) == (0, 0, 0)
