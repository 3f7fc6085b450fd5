"""A stage with measures gives their records, intervals and reasons; one without gives its units their keys."""

import math
from dataclasses import replace

import numpy as np
import pytest

from uaabench.core import files
from uaabench.core.columns import Measure
from uaabench.core.errors import UsageError
from uaabench.running import stage, store
from uaabench.running.stage import Stage
from uaabench.running.store import Result
from uaabench.statistics.resampling import Tallies, estimate
from units import make_unit

SHARE = Measure(
    name="Share", title="share", higher_is_better=True, range=(0, 1), gameable_by_noise=False, version=1, reference="",
    of=lambda tallies, counts, setting: counts @ np.array(tallies, float) / counts.sum(axis=1),
)  # fmt: skip


class Look(Stage):
    """Looks at images, and finds a share in each."""

    name = "look"
    doing = "Looking"
    measures = (SHARE,)

    def units(self, planning):
        return []

    def work(self, share, runtime):
        yield from ()

    def details(self, tallies):
        yield stage.record("class", "Of car", 0.5, tallies.judge, of_class="car")


@pytest.fixture
def judged(tmp_path):
    """Two judges of one method: pair `b` lacks the tally of the second one, `c` that of both."""
    units = [replace(make_unit("look", key=f"{number}" * 64), method=make_unit().method) for number in (1, 2)]
    tallies = [{"a": 0.25, "b": 0.5, "d": 0.75}, {"a": 0.5, "d": 1.0}]
    for unit, found in zip(units, tallies, strict=True):
        store.begin(tmp_path, unit, {})
        for pair, tally in found.items():
            store.append(tmp_path, unit, 0, pair, Result({"tally": tally}))
        for pair in sorted(set("abcd") - set(found)):
            store.append(tmp_path, unit, 0, pair, Result(None, "too dark" if pair == "c" else "too bright"))
    return units


@pytest.fixture(autouse=True)
def _four_pairs(monkeypatch):
    monkeypatch.setattr("units.dataset_plan.__defaults__", ("data", "abcd"))
    monkeypatch.setattr("units.make_unit.__kwdefaults__", {"key": "0" * 64, "fused": None, "pairs": "abcd"})


def test_tallies_are_those_of_the_pairs_that_every_judge_has_judged(tmp_path, judged):
    found = Look().tallies(tmp_path, judged)
    assert found == Tallies("look, version 111111111111", {}, ("a", "d"), ((0.25, 0.75), (0.5, 1.0)))


def test_a_measure_has_a_record_of_its_value_its_interval_and_its_pairs(tmp_path, judged):
    records = list(Look().records(tmp_path, judged))
    assert [row["metric"] for row in records] == ["Share", "Share low", "Share high", "Share pairs", "Of car"]
    # The means over pairs of both judges, 0.5 and 0.75.
    assert records[0]["value"] == 0.625
    found = estimate(SHARE, Look().tallies(tmp_path, judged))
    assert (records[1]["value"], records[2]["value"]) == (found.low, found.high)
    assert records[3] == {
        "scope": "method", "pair": "", "class": "", "metric": "Share pairs", "profile": "look, version 111111111111",
        "value": 2.0, "status": "ok", "reason": "2 failed: too dark; 1 failed: too bright",
    }  # fmt: skip
    assert records[4]["class"] == "car"
    assert {row["profile"] for row in records} == {"look, version 111111111111"}


def test_a_measure_without_any_tally_is_undefined_with_a_reason(tmp_path):
    unit = make_unit("look")
    store.begin(tmp_path, unit, {})
    store.append(tmp_path, unit, 0, "a", Result(None, "too dark"))
    value, low, high, count, _ = Look().records(tmp_path, [unit])
    for row in (value, low, high):
        assert (row["value"], row["status"]) == (None, "undefined")
        assert row["reason"] == "too few pairs, or nothing to count"
    assert (count["value"], count["status"], count["reason"]) == (0.0, "ok", "1 failed: too dark")


def test_a_stage_without_measures_has_no_records(tmp_path):
    class Silent(Look):
        measures = ()

    assert list(Silent().records(tmp_path, [make_unit("look")])) == []


def test_a_record_of_a_value_has_no_reason_and_one_without_has_its_own():
    assert stage.record("class", "IoU", 0.5, "frozen", "nothing", of_class="car") == {
        "scope": "class", "pair": "", "class": "car", "metric": "IoU", "profile": "frozen", "value": 0.5,
        "status": "ok", "reason": "",
    }  # fmt: skip
    for value in (math.nan, math.inf):
        row = stage.record("method", "IoU", value, "frozen", "nothing to count")
        assert (row["value"], row["status"], row["reason"]) == (None, "undefined", "nothing to count")
    assert stage.record("method", "IoU", math.nan, "frozen")["reason"] == ""


def test_a_stage_does_nothing_that_it_does_not_say(tmp_path):
    class Silent(Look):
        measures = ()
        details = Stage.details

    units = [make_unit("look"), make_unit("look", "theirs")]
    silent = Silent()
    assert silent.groups(units) == [(units[0],), (units[1],)]
    assert silent.holds(tmp_path, units[0])("a", None) is True
    assert (silent.grids(None), silent.legend(None), silent.layer(tmp_path, "a", None, ())) == ((), "", None)
    assert list(silent.details(Tallies("", {}, (), ()))) == []
    assert silent.judge(units) == ("look, version 000000000000", {})


def test_units_of_one_method_on_one_data_set_belong_together():
    one, two, other = make_unit("look", key="1"), make_unit("look", key="2"), make_unit("look", "theirs")
    elsewhere = replace(one, dataset=replace(one.dataset, split="train"))
    assert stage.by_method([one, two, other, elsewhere]) == [[one, two], [other], [elsewhere]]


def test_a_unit_of_a_stage_judges_the_artefacts_of_its_fuse_unit(monkeypatch):
    monkeypatch.setattr(stage, "source", lambda _stage: "the source")
    fused = make_unit("fuse", "own method@x:y")
    unit = stage.unit_of(Look(), fused, {"level": 1}, "task", suffix="-seed-1")
    described = {"stage": "look", "stage version": 1, "stage source": "the source", "artefacts": fused.key, "level": 1}
    assert unit.key == files.digest(described)
    assert unit.folder.as_posix() == f"look/data/test/own-method-x-y-seed-1-{unit.key[:8]}"
    assert (unit.stage, unit.method, unit.dataset, unit.fused, unit.task) == (
        "look", fused.method, fused.dataset, fused, "task",
    )  # fmt: skip
    assert stage.unit_of(Look(), fused, {}).folder.name.startswith("own-method-x-y-")


def test_the_folder_of_a_unit_has_a_plain_name():
    method = make_unit().method
    assert stage.folder_name(replace(method, label="..a b/ü.1"), "0123456789") == "a-b-ü.1-01234567"
    assert stage.folder_name(replace(method, label="x" * 200), "0123456789") == "x" * 80 + "-01234567"


def test_stages_are_made_with_their_options():
    assert [entry.name for entry in stage.stages({})] == ["fuse", "score", "segment", "detect", "flicker"]
    assert stage.make("fuse").name == "fuse"
    with pytest.raises(TypeError):
        stage.make("score", {"score": {"level": 1}})
    assert stage.make("score", {"fuse": {"level": 1}}).name == "score"
    with pytest.raises(UsageError, match="no stage 'scor'"):
        stage.make("scor")
