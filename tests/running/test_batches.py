"""Pairs of one size are worked on at once, in batches that the data set alone decides; none fails another."""

import shutil

import cv2
import numpy as np
import pytest
import torch

from uaabench.core import registry
from uaabench.core.errors import DataError
from uaabench.core.interface import Pair
from uaabench.running import batches, manifest, pipeline, plan, store
from uaabench.running.batches import Batches, Done
from uaabench.running.config import build
from uaabench.running.stages.fuse import Fuse
from uaabench.running.units import Runtime, Share


def pairs_of(folder, sizes):
    """One infrared image of each (height, width)."""
    found = []
    for number, size in enumerate(sizes):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), np.zeros(size, np.uint8))
        found.append(Pair(str(number), path, path))
    return found


SMALL, WIDE, LONE = (4, 6), (4, 8), (5, 5)


def test_a_batch_has_as_many_pairs_as_were_asked_for_or_as_there_are_of_its_size(tmp_path):
    pairs = pairs_of(tmp_path, [SMALL] * 5 + [WIDE] * 2 + [LONE])
    assert batches.planned(pairs, 3, "cpu") == {SMALL: 3, WIDE: 2}
    assert batches.planned(pairs, 1, "cuda") == {}


def test_a_pair_that_cannot_be_read_is_in_no_batch(tmp_path):
    pairs = pairs_of(tmp_path, [SMALL] * 3)
    pairs[0].ir.unlink()
    pairs[1].ir.write_text("no image")
    assert batches.planned(pairs, 3, "cpu") == {}


def test_auto_is_one_on_a_processor_and_what_a_gpu_may_hold_on_a_gpu(tmp_path):
    pairs = pairs_of(tmp_path, [SMALL] * 40 + [(2048, 4096)] * 5)
    assert batches.planned(pairs, "auto", "cpu") == {}
    # 2^25 pixels are four images of 2^11 by 2^12.
    assert batches.planned(pairs, "auto", "cuda") == {SMALL: 32, (2048, 4096): 4}


def test_pairs_of_several_sizes_come_one_size_after_the_other(tmp_path):
    pairs = pairs_of(tmp_path, [SMALL, WIDE, SMALL, WIDE, LONE])
    assert [pair.id for pair in batches.one_size_after_the_other(pairs, {SMALL: 2, WIDE: 2})] == list("02134")
    assert [pair.id for pair in batches.one_size_after_the_other(pairs, {SMALL: 2})] == list("01234")


def test_the_description_of_a_unit_says_nothing_of_batches_of_one():
    assert batches.described({}) == {}
    assert batches.described({SMALL: 3}) == {"batches": [[4, 6, 3]]}


class Counted:
    """Doubles numbers, and keeps what it was given."""

    def __init__(self, fault=lambda _items: None):
        self.calls = []
        self._fault = fault

    def __call__(self, items):
        self.calls.append(list(items))
        self._fault(items)
        return [2 * item for item in items]


def size_of(item):
    return (item // 100, 1)


def worked(function, items, **given):
    """What came of items, the size of each being its hundreds, by item."""
    found = list(Batches(function, size_of, given.pop("batches")).map((item, item) for item in items))
    assert sorted(done.key for done in found) == sorted(items)
    return {done.key: (done.result, done.batch) for done in found}


def test_items_of_one_size_are_done_together_and_the_last_batch_is_filled_up():
    function = Counted()
    found = worked(function, [0, 100, 1, 2, 200, 3, 4], batches={(0, 1): 2, (1, 1): 3})
    assert function.calls == [[0, 1], [200], [2, 3], [100, 100, 100], [4, 4]]
    assert found == {0: (0, 2), 1: (2, 2), 2: (4, 2), 3: (6, 2), 4: (8, 2), 100: (200, 3), 200: (400, 1)}


def test_what_could_not_be_read_is_handed_on_and_is_in_no_batch():
    function, error = Counted(), DataError("no file")
    given = [("a", 1), ("b", error), ("c", 2)]
    found = list(Batches(function, size_of, {(0, 1): 2}).map(given))
    assert found == [Done("b", error, 1), Done("a", 2, 2), Done("c", 4, 2)]
    assert function.calls == [[1, 2]]


@pytest.mark.parametrize(
    "shortage",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
    ],
    ids=["device", "python", "processor"],
)
def test_a_batch_that_does_not_fit_the_memory_is_halved_and_no_item_is_lost(shortage):
    def fault(items):
        if len(items) > 2:
            raise shortage

    function = Counted(fault)
    found = worked(function, range(1, 12), batches={(0, 1): 8})
    assert list(map(len, function.calls)) == [8, 4, 2, 2, 2, 2, 2, 2]
    assert found == {item: (2 * item, 2) for item in range(1, 12)}


def test_torch_says_that_a_processor_has_no_memory_left_as_it_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(10**16)
    assert batches._lacks_memory(caught.value)
    assert not batches._lacks_memory(RuntimeError("CUDA error: device-side assert triggered"))


def test_an_item_that_does_not_fit_the_memory_alone_has_failed():
    def fault(items):
        if 3 in items:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    found = worked(Counted(fault), [1, 2, 3, 4], batches={(0, 1): 4})
    (failed,) = [item for item, (result, _) in found.items() if isinstance(result, Exception)]
    assert failed == 3
    assert [found[item][0] for item in (1, 2, 4)] == [2, 4, 8]


def test_an_item_that_fails_takes_no_other_along_and_leaves_their_batch_as_large():
    def fault(items):
        if 3 in items:
            raise ValueError("three")

    function = Counted(fault)
    found = worked(function, [1, 2, 3, 4, 5], batches={(0, 1): 4})
    assert function.calls == [[1, 2, 3, 4], [1], [2], [3], [4], [1, 2, 4, 4], [5, 5, 5, 5]]
    assert str(found[3][0]) == "three"
    assert found[3][0].__traceback__ is None
    assert {item: found[item] for item in (1, 2, 4, 5)} == {1: (2, 4), 2: (4, 4), 4: (8, 4), 5: (10, 4)}


def test_what_can_take_no_batch_is_given_one_item_at_a_time_from_then_on():
    def fault(items):
        if len(items) > 1:
            raise ValueError("one at a time")

    function = Counted(fault)
    found = worked(function, range(1, 7), batches={(0, 1): 3})
    assert list(map(len, function.calls)) == [3, 1, 1, 1, 1, 1, 1]
    assert found == {item: (2 * item, 1) for item in range(1, 7)}


def test_few_items_are_held_however_many_there_are():
    taken = []

    def items():
        for number in range(90):
            taken.append(number)
            yield number, number

    done = Batches(Counted(), size_of, {(0, 1): 4}).map(items())
    next(done)
    assert len(taken) == 4


# Adds to each image one level for every image in its batch, so that an artefact shows the batch it was fused in.
TELLING = """
from dataclasses import replace

from uaabench.core.interface import LuminanceMethod, MethodCard


class Telling(LuminanceMethod):
    card = MethodCard(name="telling", title="Telling", kind="classical", version=1, summary="shows its batch")

    def fuse_luminance(self, ir, y):
        if (ir.amax((1, 2, 3)) == 0).any():
            raise ValueError("black")
        return ((ir * 255).round().clamp(max=200) + len(ir)) / 255


class Alone(Telling):
    card = replace(Telling.card, name="alone", batches=False)
"""


@pytest.fixture
def fused(pair_folder, tmp_path):
    """Of five pairs in so many shares, how many each was fused with, as image and result show it; and what failed."""
    plugin = tmp_path / "telling.py"
    plugin.write_text(TELLING)
    registry.load_plugins([plugin])
    for name in ("ir", "vi"):
        shutil.copy(pair_folder / name / "3.png", pair_folder / name / "4.png")

    def call(method, batch, shares=1):
        given = {"methods": [method], "datasets": [f"own={pair_folder}"], "floor": False, "batch": batch}
        (unit,) = plan.make(build(given), "cpu").units["fuse"]
        store.begin(tmp_path, unit, {})
        waiting = [(pair, (unit,)) for pair in unit.dataset.pairs]
        outcomes = [
            outcome
            for number in range(shares)
            for outcome in Fuse().work(Share((unit,), tuple(waiting[number::shares]), number), Runtime(tmp_path, "cpu"))
        ]
        assert sorted(outcome.pair.id for outcome in outcomes) == list("01234")
        good = [outcome for outcome in outcomes if not outcome.reason]
        shown = {one.pair.id: levels(tmp_path / unit.folder / f"{one.pair.id}.png", one.pair.ir) for one in good}
        assert shown == {one.pair.id: one.value.get("batch", 1) for one in good}
        return shown, {one.pair.id: one.reason for one in outcomes if one.reason}

    return call


def levels(fused, ir):
    difference = cv2.imread(str(fused), 0).astype(int) - cv2.imread(str(ir), 0).clip(max=200)
    (level,) = np.unique(difference)
    return level


@pytest.mark.parametrize("shares", [1, 2, 3])
def test_every_pair_is_fused_in_a_batch_of_the_size_that_was_asked_for_however_the_pairs_are_shared_out(fused, shares):
    assert fused("telling", 1, shares) == (dict.fromkeys("01234", 1), {})
    assert fused("telling", 3, shares) == (dict.fromkeys("01234", 3), {})
    assert fused("telling", 8, shares) == (dict.fromkeys("01234", 5), {})


def test_a_method_that_opts_out_on_its_card_gets_one_pair_at_a_time(fused):
    assert fused("alone", 3) == (dict.fromkeys("01234", 1), {})


def test_a_pair_that_fails_in_a_batch_fails_alone(fused, pair_folder):
    cv2.imwrite(str(pair_folder / "ir" / "1.png"), np.zeros((48, 64), np.uint8))
    assert fused("telling", 3) == (dict.fromkeys("0234", 3), {"1": "ValueError: black"})


def test_a_pair_that_cannot_be_read_fails_alone(fused, pair_folder):
    (pair_folder / "ir" / "1.png").write_text("no image")
    shown, failed = fused("telling", 3)
    assert shown == dict.fromkeys("0234", 3)
    assert "1.png" in failed["1"]


def test_the_manifest_says_which_methods_were_fused_in_batches_and_repeats_the_option(pair_folder, tmp_path):
    given = {"methods": ["laplacian", "average"], "datasets": [f"own={pair_folder}"], "floor": False}
    planned = plan.make(build({**given, "metrics": ["EN"], "batch": 3, "compiled": True}), "cpu")
    run = store.open_run(tmp_path / "R")
    assert pipeline.carry_out(planned, run, device="cpu", on_pair=lambda *_: None) == []
    facts = manifest.read(run)
    assert {one["label"]: one.get("batch") for one in facts["methods"]} == {"average": None, "laplacian": 3}
    assert not any("compiled" in one for one in facts["methods"])
    assert "--batch 3" in facts["command"]
    assert facts["command"].endswith("--compile --no-floor")


def test_a_run_that_goes_on_fuses_what_is_missing_in_batches_of_the_same_size(fused, pair_folder, tmp_path):
    before = fused("telling", 4)
    (unit,) = plan.make(
        build({"methods": ["telling"], "datasets": [f"own={pair_folder}"], "floor": False, "batch": 4}), "cpu"
    ).units["fuse"]
    lacking = tuple((pair, (unit,)) for pair in unit.dataset.pairs if pair.id == "2")
    kept = (tmp_path / unit.folder / "2.png").read_bytes()
    (tmp_path / unit.folder / "2.png").unlink()
    (outcome,) = Fuse().work(Share((unit,), lacking, 0), Runtime(tmp_path, "cpu"))
    assert (outcome.value["batch"], before[0]["2"]) == (4, 4)
    assert (tmp_path / unit.folder / "2.png").read_bytes() == kept


@pytest.mark.parametrize("batch", ["0", "-1", "many", "1.5", "2000", "²"])
def test_a_batch_that_is_no_number_of_pairs_is_refused(uaabench, batch):
    result = uaabench("run", "--methods", "average", f"--batch={batch}")
    assert result.code == 2
    assert "The entry 'batch' is not valid: write 'auto', or how many pairs, 1 to 1024." in result.err
