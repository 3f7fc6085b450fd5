"""The gate fails where a run is worse beyond doubt and tolerance, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

from gated import BAD, BASE, GOOD, VALUES, mean_iou_change, segmented, shifted
from runs import dataset_facts, method_facts, write_run
from uaabench.core.errors import UsageError
from uaabench.reporting import gate
from uaabench.reporting.gate import Tolerance, Tolerances
from uaabench.running.evidence import load


def test_an_unchanged_run_has_no_change(judge):
    assert {change.verdict for change in judge(VALUES).values()} == {"same"}


def test_a_loss_beyond_the_tolerance_that_cannot_be_chance_fails(judge):
    change = judge(shifted(-0.01, scatter=0.002))["uaa", "Qabf"]
    assert change.verdict == "worse"
    assert change.fails
    assert change.difference == pytest.approx(-0.01)
    assert "msrs test uaa Qabf is worse" in change.sentence


def test_a_loss_within_the_tolerance_passes(judge):
    # 0.2 % of a mean of about 0.5 is 0.001.
    assert judge(shifted(-0.0009))["uaa", "Qabf"].verdict == "same"
    assert judge(shifted(-0.0012))["uaa", "Qabf"].verdict == "worse"
    assert judge(shifted(-0.0012), "qabf=0.002")["uaa", "Qabf"].verdict == "same"
    assert judge(shifted(-0.0012), "1%")["uaa", "Qabf"].verdict == "same"


def test_a_loss_that_may_be_chance_passes(judge):
    # The standard error of the mean of 20 differences with a spread of 0.1 is 0.02.
    assert judge(shifted(-0.01, scatter=0.1))["uaa", "Qabf"].verdict == "same"


def test_an_improvement_is_listed_and_passes(judge):
    change = judge(shifted(0.01))["uaa", "Qabf"]
    assert change.verdict == "better"
    assert not change.fails


def test_the_direction_of_the_metric_decides(tmp_path):
    values = {"uaa": {"MSE": [1.0, 2.0, 3.0, 4.0]}}
    worse = {"uaa": {"MSE": [2.0, 3.0, 4.0, 5.0]}}
    run, reference = (load(write_run(tmp_path / name, v)) for name, v in (("run", worse), ("reference", values)))
    assert [change.verdict for change in gate.changes(run, reference)] == ["worse"]
    assert [change.verdict for change in gate.changes(reference, run)] == ["better"]


def test_a_missing_method_fails(judge):
    found = judge({"average": VALUES["average"]})
    assert {key for key, change in found.items() if change.fails} == {("uaa", "Qabf"), ("uaa", "EN")}
    assert "the run has no method uaa" in found["uaa", "EN"].sentence


def test_a_pair_that_lost_its_value_fails(judge):
    values = {**VALUES, "uaa": {**VALUES["uaa"], "EN": [None, *VALUES["uaa"]["EN"][1:]]}}
    change = judge(values)["uaa", "EN"]
    assert change.verdict == "missing"
    assert "no value for 1 pairs, such as 000" in change.sentence


def test_a_new_method_is_remarked_and_passes(tmp_path):
    reference = load(write_run(tmp_path / "a", VALUES))
    run = load(write_run(tmp_path / "b", {**VALUES, "mine": VALUES["uaa"]}))
    assert not any(change.fails for change in gate.changes(run, reference))
    assert list(gate.remarks(run, reference)) == ["mine is new: the reference does not have it."]


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"index": "x"}, "The images of"),
        ({"labels": "x"}, "The label maps of"),
        ({"classes": ["car"]}, "The classes of"),
    ],
)
def test_other_images_or_classes_are_refused(judge, facts, message):
    with pytest.raises(UsageError, match=message):
        judge(VALUES, datasets=[dataset_facts("msrs", 20, **facts)])


def test_another_profile_is_refused(tmp_path):
    reference, run = (load(write_run(tmp_path / name, VALUES)) for name in "ab")
    run.facts["profile"] = {"name": "tang", "version": 1}
    with pytest.raises(UsageError, match=r"has profile tang version 1 but .* has cddfuse version 1"):
        gate.changes(run, reference)


def test_a_single_pair_cannot_be_judged(tmp_path):
    one = {"uaa": {"EN": [1.0]}}
    reference, run = (load(write_run(tmp_path / name, one)) for name in "ab")
    with pytest.raises(UsageError, match=r"single pair of 'msrs', .* computed; make a reference with more pairs\.$"):
        gate.changes(run, reference)


@pytest.mark.parametrize("text", ["a", "-1", "nan", "inf", "%"])
def test_what_is_no_tolerance_is_refused(text):
    with pytest.raises(UsageError, match="is no tolerance"):
        Tolerance.parse(text)


def test_a_tolerance_of_an_unknown_metric_is_refused(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'Qabf'"):
        Tolerances.parse(["qbaf=0.1"], load(write_run(tmp_path / "a", VALUES)).metrics)


def test_false_alarms_are_rare_on_runs_that_differ_by_chance_only(tmp_path):
    # A zero tolerance leaves the 95 % interval alone: about one value in twenty is called a change.
    generator = np.random.default_rng(5)
    values = {f"m{n}": {"EN": generator.normal(6, 0.5, 20).tolist()} for n in range(200)}
    again = {label: {"EN": (np.array(c["EN"]) + generator.normal(0, 0.1, 20)).tolist()} for label, c in values.items()}
    run, reference = (load(write_run(tmp_path / name, v)) for name, v in (("a", again), ("b", values)))
    found = gate.changes(run, reference, Tolerances(Tolerance(0.0, False)))
    assert 0.02 < np.mean([change.verdict != "same" for change in found]) < 0.09


def test_a_loss_of_miou_on_every_pair_fails_and_its_interval_is_a_point(tmp_path):
    reference = segmented(tmp_path / "reference", [GOOD] * 20)
    change = mean_iou_change(segmented(tmp_path / "run", [BAD] * 20), reference)
    assert change.verdict == "worse"
    # Each class: 90 of 110, then 80 of 120.
    assert (change.before, change.after) == pytest.approx((90 / 110, 80 / 120))
    assert (change.low, change.high) == pytest.approx((80 / 120 - 90 / 110,) * 2)
    assert change.p_value is None
    assert "msrs test uaa mIoU is worse" in change.sentence
    assert mean_iou_change(reference, reference).verdict == "same"


def test_a_loss_of_miou_that_one_pair_alone_makes_passes(tmp_path):
    reference = segmented(tmp_path / "reference", [GOOD] * 20)
    change = mean_iou_change(segmented(tmp_path / "run", [BAD] + [GOOD] * 19), reference)
    # One pair of 20 is in no draw in 36 %, so that the interval ends at 0.
    assert change.high == 0
    assert change.difference < -change.tolerance
    assert change.verdict == "same"


def test_miou_by_another_judge_or_on_fewer_pairs_is_not_compared(tmp_path):
    reference = segmented(tmp_path / "reference", [GOOD] * 20)
    other = mean_iou_change(segmented(tmp_path / "other", [GOOD] * 20, "frozen two-2, net on mix"), reference)
    assert other.fails
    assert "judged by 'frozen two-2, net' and now by 'frozen two-2, net on mix'" in other.sentence
    assert "no value for 1 pairs" in mean_iou_change(segmented(tmp_path / "fewer", [GOOD] * 19), reference).sentence
    assert mean_iou_change(load(write_run(tmp_path / "none", VALUES)), reference).verdict == "missing"


def test_a_change_says_before_after_and_how_sure_it_is(judge):
    change = judge(shifted(-0.01))["uaa", "Qabf"]
    assert (change.dataset, change.split, change.method, change.metric) == ("msrs", "test", "uaa", "Qabf")
    assert (change.n, change.win_rate, change.verdict) == (20, 0.0, "worse")
    assert change.before == pytest.approx(BASE.mean())
    assert change.after == pytest.approx(BASE.mean() - 0.01)
    assert (change.low, change.high) == pytest.approx((-0.01, -0.01))
    assert change.tolerance == pytest.approx(0.002 * BASE.mean())
    # Of 20 losses, none like another, 2 of 2^20 assignments of signs are as far out; four values were tested.
    assert judge(shifted(-0.01, scatter=0.002))["uaa", "Qabf"].p_value == pytest.approx(4 * 2 / 2**20)
    assert change.sentence == (
        f"msrs test uaa Qabf is worse: {BASE.mean():.4f} before, {BASE.mean() - 0.01:.4f} now, difference -0.0100, "
        f"95 % interval [-0.0100, -0.0100], tolerance {0.002 * BASE.mean():.4g}, n = 20."
    )
    same = judge(VALUES)["average", "EN"]
    assert (same.p_value, same.win_rate, same.difference, same.fails) == (1.0, 0.5, 0.0, False)


def test_a_change_of_one_pair_in_common_is_no_verdict(tmp_path):
    reference = load(write_run(tmp_path / "a", {"uaa": {"EN": [1.0, 2.0]}}))
    change = gate.Change(
        dataset="d", split="s", method="m", metric="x", before=1.0, after=2.0, difference=1.0, n=1, verdict="better",
    )  # fmt: skip
    assert change.sentence == ("d s m x is better: 1.0000 before, 2.0000 now, difference +1.0000, tolerance 0, n = 1.")
    run = load(write_run(tmp_path / "b", {"uaa": {"EN": [None, 9.0]}}))
    (found,) = gate.changes(run, reference)
    assert (found.verdict, found.n, found.low, found.high) == ("missing", 1, None, None)
    assert found.reason == "no value for 1 pairs, such as 000"


@pytest.mark.parametrize(
    ("low", "high", "difference", "verdict"),
    [
        (0.4, 0.6, 0.5, "same"),  # as large as the tolerance
        (0.4, 0.8, 0.6, "better"),
        (-0.8, -0.4, -0.6, "worse"),
        (0.0, 1.2, 0.6, "same"),
        (-1.2, 0.0, -0.6, "same"),
        (None, None, 0.6, "same"),
        (0.4, None, 0.6, "same"),
        (None, 0.8, 0.6, "same"),
        (0.4, 0.8, None, "same"),
    ],
)
def test_a_change_counts_beyond_its_tolerance_and_without_zero_in_its_interval(low, high, difference, verdict):
    change = gate.Change(
        dataset="d", split="s", method="m", metric="x", difference=difference, low=low, high=high, tolerance=0.5
    )
    assert gate._judge(change, higher_is_better=True) == verdict
    turned = {"better": "worse", "worse": "better"}.get(verdict, verdict)
    assert gate._judge(change, higher_is_better=False) == turned


def test_a_pair_without_any_value_in_the_run_is_missing_with_its_reason(judge):
    nothing = {**VALUES, "uaa": {**VALUES["uaa"], "EN": [None] * 20}}
    change = judge(nothing)["uaa", "EN"]
    assert (change.verdict, change.n, change.fails) == ("missing", 0, True)
    assert change.sentence == "msrs test uaa EN is missing: the run has no value for any pair."


def test_a_missing_data_set_fails_by_name(tmp_path):
    reference = load(write_run(tmp_path / "a", VALUES))
    run = load(write_run(tmp_path / "b", VALUES, dataset="fmb"))
    found = gate.changes(run, reference)
    assert {change.reason for change in found} == {"the run has no data set msrs test"}
    assert all(change.fails for change in found)


def test_what_the_reference_has_no_value_of_is_no_change(tmp_path):
    values = {**VALUES, "average": {"Qabf": [0.3] * 20, "EN": [None] * 20}}
    reference = load(write_run(tmp_path / "a", values))
    run = load(write_run(tmp_path / "b", VALUES))
    assert ("average", "EN") not in {(change.method, change.metric) for change in gate.changes(run, reference)}
    assert len(gate.changes(run, reference)) == 3


def test_tolerances_are_numbers_or_shares_of_the_mean():
    assert Tolerance.parse("0.002") == Tolerance(0.002, False)
    assert Tolerance.parse("0.5%") == Tolerance(0.005, True)
    assert Tolerance.parse("0") == Tolerance(0.0, False)
    assert Tolerance(0.5, True).around(-3.0) == 1.5
    assert Tolerance(0.5, False).around(-3.0) == 0.5
    with pytest.raises(UsageError) as caught:
        Tolerance.parse("-1%")
    assert str(caught.value) == "'-1%' is no tolerance; write a number such as 0.002, or a share such as 0.5%."


def test_each_metric_has_its_own_tolerance_or_the_general_one(tmp_path):
    metrics = load(write_run(tmp_path / "a", VALUES)).metrics
    assert Tolerances.parse([], metrics) == Tolerances()
    assert Tolerances().of("EN") == Tolerance(0.002, True)
    parsed = Tolerances.parse(["1%", "QABF=0.5", "2%"], metrics)
    assert parsed.of("EN") == Tolerance(0.02, True)
    assert parsed.of("Qabf") == Tolerance(0.5, False)
    # Each call has tolerances of its own.
    assert Tolerances.parse([], metrics).by_metric == {}
    with pytest.raises(UsageError, match="no metric of the reference 'SD'; known are: EN, Qabf"):
        Tolerances.parse(["SD=1"], metrics)


def test_what_else_differs_is_remarked_for_each_fact_that_decides_the_images(tmp_path):
    facts = {
        "sha256": ("f" * 64, "weights: none before, ffffffffffff now"),
        "version": (2, "version: 1 before, 2 now"),
        "options": ({"a": 1}, "options: none before, {'a': 1} now"),
        "source": ("e" * 64, "plug-in source: none before, eeeeeeeeeeee now"),
        "precision": ("bf16", "precision: fp32 before, bf16 now"),
        "seed": (1, "seed: 0 before, 1 now"),
        "device": ("cuda", "device: cpu before, cuda now"),
        "compiled": (True, "compiling: none before, True now"),
        "batch": (8, "batch size: none before, 8 now"),
    }
    reference = load(write_run(tmp_path / "a", VALUES))
    for name, (value, said) in facts.items():
        methods = [method_facts("average"), method_facts("uaa", **{name: value})]
        run = load(write_run(tmp_path / name, VALUES, methods=methods))
        assert list(gate.remarks(run, reference)) == [f"uaa has other {said.replace('none before', none_of(name))}."]
    assert list(gate.remarks(reference, reference)) == []


def none_of(name):
    """How a manifest without options says so."""
    return "{} before" if name == "options" else "none before"


def test_notes_of_both_runs_are_remarked(tmp_path):
    reference, run = (load(write_run(tmp_path / name, VALUES)) for name in "ab")
    reference, run = replace(reference, notes=("of the reference",)), replace(run, notes=("of the run",))
    assert list(gate.remarks(run, reference)) == ["of the reference", "of the run"]


def test_a_change_of_miou_has_a_tolerance_and_the_pairs_of_the_reference(tmp_path):
    reference = segmented(tmp_path / "reference", [GOOD] * 19)
    change = mean_iou_change(segmented(tmp_path / "run", [GOOD] * 19 + [BAD]), reference)
    assert (change.verdict, change.n, change.difference) == ("same", 19, 0.0)
    assert (change.before, change.after) == pytest.approx((90 / 110, 90 / 110))
    assert change.tolerance == pytest.approx(0.002 * 90 / 110)
    assert (change.dataset, change.split, change.method, change.win_rate) == ("msrs", "test", "uaa", None)
    fewer = mean_iou_change(segmented(tmp_path / "fewer", [GOOD] * 17), reference)
    assert (fewer.verdict, fewer.reason) == ("missing", "no value for 2 pairs, such as 017")


def test_a_better_miou_is_no_failure(tmp_path):
    reference = segmented(tmp_path / "reference", [BAD] * 20)
    change = mean_iou_change(segmented(tmp_path / "run", [GOOD] * 20), reference)
    assert (change.verdict, change.fails) == ("better", False)
    assert "difference +0.1515, 95 % interval [+0.1515, +0.1515]" in change.sentence


def test_a_missing_miou_says_what_is_missing(tmp_path):
    reference = segmented(tmp_path / "reference", [GOOD] * 20)
    without = mean_iou_change(load(write_run(tmp_path / "run", {"average": VALUES["average"]})), reference)
    assert without.sentence == "msrs test uaa mIoU is missing: the run has no method uaa."
    unjudged = mean_iou_change(load(write_run(tmp_path / "none", VALUES)), reference)
    assert unjudged.reason == "the run has no value for any pair"
    assert (unjudged.before, unjudged.method, unjudged.metric) == (None, "uaa", "mIoU")
