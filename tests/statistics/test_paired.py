import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from uaabench.statistics import bootstrap_mean, compare_pairs, holm


def paired(seed: int, n: int = 40, gain: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    scenes = generator.gamma(2.0, size=n)
    return scenes + gain + generator.normal(0, 0.5, n), scenes + generator.normal(0, 0.5, n)


def test_the_difference_is_paired_so_that_hard_scenes_do_not_widen_it() -> None:
    method, other = paired(1)
    test = compare_pairs(method, other, higher_is_better=True)
    assert test.difference == bootstrap_mean(method - other)
    unpaired = [bootstrap_mean(values) for values in (method, other)]
    assert test.difference.high - test.difference.low < min(entry.high - entry.low for entry in unpaired)


def test_the_p_value_is_that_of_the_signed_rank_test() -> None:
    method, other = paired(2)
    assert compare_pairs(method, other, higher_is_better=True).p_value == stats.wilcoxon(method, other).pvalue


def test_six_gains_of_six_have_the_exact_p_value_of_two_in_64() -> None:
    # Only the two extreme of 2^6 assignments of signs are as far out.
    test = compare_pairs([1.1, 2.2, 3.3, 4.4, 5.5, 6.6], [1, 2, 3, 4, 5, 6], higher_is_better=True)
    assert test.p_value == pytest.approx(2 / 64)
    assert test.win_rate == 1


def test_the_win_rate_respects_the_direction_and_halves_ties() -> None:
    assert compare_pairs([1, 2, 3, 9], [2, 2, 4, 0], higher_is_better=True).win_rate == (1 + 0.5) / 4
    assert compare_pairs([1, 2, 3, 9], [2, 2, 4, 0], higher_is_better=False).win_rate == (2 + 0.5) / 4


def test_equal_values_are_no_evidence_of_a_difference() -> None:
    test = compare_pairs([1, 2, 3], [1, 2, 3], higher_is_better=True)
    assert (test.difference.mean, test.p_value, test.win_rate) == (0, 1, 0.5)


def test_no_pair_gives_no_number() -> None:
    test = compare_pairs([], [], higher_is_better=True)
    assert math.isnan(test.p_value)
    assert math.isnan(test.win_rate)
    assert test.difference.n == 0


def test_values_on_other_numbers_of_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="3 pairs cannot be compared with those on 1"):
        compare_pairs([1, 2, 3], [1], higher_is_better=True)


def test_holm_is_that_of_statsmodels() -> None:
    p_values = np.random.default_rng(3).uniform(size=12) ** 3
    assert holm(p_values.tolist()) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_a_test_that_was_not_made_does_not_count_in_the_correction() -> None:
    corrected = holm([0.01, math.nan, 0.04])
    assert corrected[0] == pytest.approx(0.02)
    assert math.isnan(corrected[1])
    assert corrected[2] == pytest.approx(0.04)
