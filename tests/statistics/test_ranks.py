import math

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from scipy import stats

from uaabench.statistics import average_ranks, rank_methods
from uaabench.statistics import ranks as ranks_module


def draw(seed: int, n: int = 30) -> dict[str, list[float]]:
    generator = np.random.default_rng(seed)
    return {
        name: generator.normal(level, 1, n).tolist() for name, level in zip("abcde", [0, 0.1, 0.2, 1, 2], strict=True)
    }


def test_mean_ranks_are_worked_out_by_hand() -> None:
    # Ranks on the three pairs: a 1, 1, 2; b 2, 2.5, 1; c 3, 2.5, 3.
    ranking = rank_methods({"c": [1, 2, 1], "a": [9, 9, 5], "b": [5, 2, 9]}, higher_is_better=True)
    assert list(ranking.mean_ranks) == ["a", "b", "c"]
    assert list(ranking.mean_ranks.values()) == pytest.approx([4 / 3, 5.5 / 3, 8.5 / 3])


def test_lower_is_better_turns_the_ranks_round() -> None:
    values = draw(1)
    up = rank_methods(values, higher_is_better=True).mean_ranks
    down = rank_methods(values, higher_is_better=False).mean_ranks
    assert {name: 6 - rank for name, rank in up.items()} == pytest.approx(down)


def test_the_p_value_is_that_of_the_friedman_test() -> None:
    values = draw(2)
    assert rank_methods(values, higher_is_better=True).p_value == pytest.approx(
        stats.friedmanchisquare(*values.values()).pvalue
    )


def test_the_critical_difference_is_the_tabulated_one() -> None:
    # Demsar 2006, table 5: q = 2.343 for 3 and 2.728 for 5 classifiers, at the level of 0.05.
    values = draw(3, n=20)
    five = rank_methods(values, higher_is_better=True).critical_difference
    three = rank_methods({name: values[name] for name in "abc"}, higher_is_better=True).critical_difference
    assert five == pytest.approx(2.728 * math.sqrt(5 * 6 / (6 * 20)), rel=1e-3)
    assert three == pytest.approx(2.343 * math.sqrt(3 * 4 / (6 * 20)), rel=1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_methods_are_told_apart_exactly_where_nemenyis_test_of_scikit_posthocs_does(seed: int) -> None:
    values = draw(seed)
    ranking = rank_methods(values, higher_is_better=True)
    p_values = scikit_posthocs.posthoc_nemenyi_friedman(pd.DataFrame(values))
    ranks = ranking.mean_ranks
    for first in values:
        for second in values:
            is_near = any({first, second} <= set(group) for group in ranking.groups) or first == second
            assert is_near == (p_values.loc[first, second] > 0.05)
            assert (abs(ranks[first] - ranks[second]) < ranking.critical_difference) == is_near


def test_groups_are_the_largest_and_leave_out_lone_methods() -> None:
    # 100 pairs on which a beats b beats c always: mean ranks 1, 2, 3 with a critical difference of 0.33.
    apart = {"a": [3.0] * 100, "b": [2.0] * 100, "c": [1.0] * 100}
    assert rank_methods(apart, higher_is_better=True).groups == []
    # 2 pairs: critical difference 2.343 * sqrt(12 / 12), all ranks lie within it.
    few = {name: column[:2] for name, column in apart.items()}
    assert rank_methods(few, higher_is_better=True).groups == [("a", "b", "c")]


def test_methods_that_never_differ_are_no_evidence_of_a_difference() -> None:
    ranking = rank_methods({name: [1.0, 2.0, 3.0] for name in "abc"}, higher_is_better=True)
    assert (ranking.p_value, ranking.groups) == (1.0, [("a", "b", "c")])


def test_two_methods_are_too_few_for_friedmans_test() -> None:
    assert math.isnan(rank_methods({"a": [1, 2], "b": [3, 1]}, higher_is_better=True).p_value)


def test_average_ranks_respect_the_direction_of_each_metric() -> None:
    # First metric: a 1, b 2, c 3; second, lower is better: a 3, b 1, c 2.
    means = {"a": [3.0, 0.9], "b": [2.0, 0.1], "c": [1.0, 0.5]}
    assert average_ranks(means, [True, False]) == {"a": 2.0, "b": 1.5, "c": 2.5}


def test_no_method_has_no_rank() -> None:
    assert average_ranks({}, []) == {}


def test_one_pair_is_too_few_for_friedmans_test_and_two_are_enough() -> None:
    one = rank_methods({"a": [3.0], "b": [2.0], "c": [1.0]}, higher_is_better=True)
    assert math.isnan(one.p_value)
    assert one.n == 1
    two = rank_methods({"a": [3.0, 3.0], "b": [2.0, 2.0], "c": [1.0, 1.0]}, higher_is_better=True)
    assert two.p_value == pytest.approx(stats.friedmanchisquare([3, 3], [2, 2], [1, 1]).pvalue)
    assert two.n == 2


def test_methods_of_one_rank_stay_in_the_order_they_are_given_in() -> None:
    names = "hgfedcba"
    ranking = rank_methods({name: [1.0, 1.0] for name in names}, higher_is_better=True)
    assert list(ranking.mean_ranks) == list(names)


def test_ranks_that_differ_by_the_critical_difference_are_told_apart() -> None:
    ranks = {"a": 1.0, "b": 1.5, "c": 2.0, "d": 2.25}
    assert ranks_of(ranks, critical=0.5) == [("c", "d")]
    assert ranks_of(ranks, critical=0.6) == [("a", "b"), ("b", "c"), ("c", "d")]
    assert ranks_of(ranks, critical=1.0) == [("a", "b"), ("b", "c", "d")]


def ranks_of(ranks: dict[str, float], critical: float) -> list[tuple[str, ...]]:
    return ranks_module._groups(ranks, critical)


def test_methods_with_equal_ranks_on_some_pairs_only_do_differ() -> None:
    values = {"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 4.0], "c": [1.0, 2.0, 5.0]}
    found = rank_methods(values, higher_is_better=True)
    assert found.p_value == pytest.approx(stats.friedmanchisquare(*values.values()).pvalue)
