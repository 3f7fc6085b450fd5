"""Code of others: what it does to a run is said by name, and what is edited is other code."""

import os
import shutil

import pandas as pd
import pytest

from processes import start
from uaabench.core import errors
from uaabench.running import plan
from uaabench.running.config import RunConfig
from uaabench.running.executors import named

HEAD = """
import os, sys
from pathlib import Path
from uaabench.core.columns import Metric
from uaabench.core.interface import DatasetCard, FusionDataset, LuminanceMethod, MethodCard, Pair
"""
METHOD = """
class Mine(LuminanceMethod):
    card = MethodCard(name="mine", title="Mine", kind="classical", version=1, summary="s")

    def load(self, weights, device):
        {load}

    def fuse_luminance(self, ir, y):
        {fuse}
        return (ir + y) / 2
"""
METRIC = """
def compute(fused, ir, vi):
    {metric}
    return 1.0

NEW = Metric(name="New", title="new", compute=compute, higher_is_better=True, range=(0, 1), gameable_by_noise=False,
             version=1, reference="")
"""
DATASET = """
class Set(FusionDataset):
    card = DatasetCard(name="set", title="Set", version=1, summary="s", splits={{"all": None}}, default_split="all")

    @classmethod
    def locate(cls, data_root):
        {locate}
        return Path(data_root)

    def pairs(self, split):
        {pairs}
        return [Pair(f"{{n}}", self.root / "ir" / f"{{n}}.png", self.root / "vi" / f"{{n}}.png") for n in range(4)]

    def read(self, pair):
        {read}
        return super().read(pair)
"""
STAGE = """
from uaabench.running.stage import Stage, unit_of
from uaabench.running.units import Outcome

class Look(Stage):
    name = "look"
    doing = "Looking"

    def units(self, planning):
        {units}
        return [unit_of(self, fused, {{}}) for fused in planning.fuse]

    def work(self, share, runtime):
        {work}
        for pair, units in share.waiting:
            for unit in units:
                yield Outcome(unit, pair, {{}})

    def records(self, run, units):
        {records}
        yield from ()
"""
ENDS = ["sys.exit(0)", "os._exit(0)", "raise KeyboardInterrupt"]
# Called by the command itself, and called for a pair.
HERE = ["locate", "pairs", "units", "records"]
THERE = ["load", "fuse", "metric", "read"]


def plugin(folder, place="", code=""):
    parts = {"at import": METHOD, "load": METHOD, "fuse": METHOD, "metric": METRIC}
    parts |= dict.fromkeys(("locate", "pairs", "read"), DATASET) | dict.fromkeys(("units", "work", "records"), STAGE)
    fields = dict.fromkeys(("load", "fuse", "metric", "locate", "pairs", "read", "units", "work", "records"), "pass")
    text = HEAD + parts.get(place, METHOD).format(**{**fields, place: code})
    path = folder / "plugin.py"
    path.write_text(text + (code if place == "at import" else ""))
    return path


def arguments(place, folder, pairs):
    """The words of a run that comes to this place."""
    words = ["--plugin", plugin(folder), "--out", folder / "R", "--no-floor", "--segmenter", "none"]
    words += ["--methods", "average,mine" if place in ("at import", "load", "fuse") else "average"]
    words += ["--metrics", "EN,New" if place == "metric" else "EN", "--data-root", pairs]
    return [*words, "--datasets", "set" if place in ("locate", "pairs", "read") else f"own={pairs}"]


@pytest.fixture
def end_is_an_error(monkeypatch):
    """Let `os._exit` be an error where nothing else stops it, so that it cannot end the tests as if all had passed."""

    def end(status):
        raise AssertionError(f"the process ended with {status}")

    monkeypatch.setattr(os, "_exit", end)


@pytest.fixture
def as_worker(monkeypatch, end_is_an_error):
    """Carry plug-ins out in this process as a worker would, which takes a tenth of the time."""
    monkeypatch.setattr(errors, "_is_worker", True)
    monkeypatch.setattr(named, "needs_workers", lambda _config: False)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.usefixtures("end_is_an_error")
def test_a_plugin_that_ends_the_process_when_it_is_imported_is_named(uaabench, pair_folder, tmp_path, end):
    words = arguments("at import", tmp_path, pair_folder)
    plugin(tmp_path, "at import", end)
    result = uaabench("run", *words)
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert "plugin.py cannot be imported" in result.err
    assert "the process ended" not in result.err
    assert not (tmp_path / "R").exists()


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("place", HERE)
@pytest.mark.usefixtures("as_worker")
def test_a_plugin_that_ends_the_command_itself_is_never_a_success(uaabench, pair_folder, tmp_path, place, end):
    words = arguments(place, tmp_path, pair_folder)
    plugin(tmp_path, place, end)
    result = uaabench("run", *words)
    assert result.code in (2, 70, 130)
    assert "uaabench: " in result.err
    assert "the process ended" not in result.err
    assert not (tmp_path / "R" / "report").exists()


@pytest.mark.slow
def test_a_plugin_that_ends_a_real_process_is_never_a_success(pair_folder, tmp_path):
    words = arguments("pairs", tmp_path, pair_folder)
    plugin(tmp_path, "pairs", "os._exit(0)")
    process = start("run", *words)
    process.join(120)
    assert process.exitcode == 70
    assert "code that was called wanted to end the program" in process.log.read_text()


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("place", THERE)
@pytest.mark.usefixtures("as_worker")
def test_a_plugin_that_ends_its_worker_fails_its_pairs_by_name(uaabench, pair_folder, tmp_path, place, end):
    words = arguments(place, tmp_path, pair_folder)
    plugin(tmp_path, place, end)
    result = uaabench("run", *words)
    assert result.code == 3, result.err
    assert (
        f"{'score' if place == 'metric' else 'fuse'} {'mine' if place in ('load', 'fuse') else 'average'} on "
        in result.err
    )
    asked = "KeyboardInterrupt" if "Keyboard" in end else "its code asked the process to end (exit code 0)"
    assert asked in result.err
    if place in ("load", "fuse"):
        table = pd.read_csv(tmp_path / "R" / "report" / "results.csv")
        assert table.set_index("method")["n"].to_dict() == {"average": 4, "mine": 0}


@pytest.mark.slow
def test_a_stage_that_ends_its_worker_fails_its_pairs_by_name(uaabench, pair_folder, tmp_path):
    words = arguments("work", tmp_path, pair_folder)
    plugin(tmp_path, "work", "raise KeyboardInterrupt")
    result = uaabench("run", *words)
    assert result.code == 3, result.err
    assert "look average on own all, 4 pairs: KeyboardInterrupt" in result.err


EDITED = """
{how}
from uaabench.core.interface import LuminanceMethod, MethodCard

class Mine(LuminanceMethod):
    card = MethodCard(name="mine", title="Mine", kind="classical", version=1, summary="s")

    def fuse_luminance(self, ir, y):
        return ir * {factor}
"""
IMPORTS = {
    "itself": "FACTOR = {0}",
    "an import": "from helper import FACTOR",
    "an import in a function": "def late():\n    from helper import FACTOR\n    return FACTOR\nFACTOR = late()",
    "a name made at run time": "import importlib\nFACTOR = importlib.import_module('hel' + 'per').FACTOR",
}


def write(folder, how, value):
    (folder / "helper.py").write_text(f"FACTOR = {value}")
    (folder / "mine.py").write_text(EDITED.format(how=IMPORTS[how].format(value), factor="FACTOR"))
    return folder / "mine.py"


@pytest.mark.parametrize("how", IMPORTS)
def test_an_edited_plugin_has_other_keys(pair_folder, tmp_path, how, forget_plugins):
    def keys():
        config = RunConfig(methods=["average", "mine"], floor=False, datasets=[f"own={pair_folder}"], plugins=[path])
        forget_plugins()
        return [unit.key for unit in plan.make(config, "cpu").of()]

    path = write(tmp_path, how, 0.25)
    before = keys()
    assert keys() == before
    write(tmp_path, how, 0.75)
    # In turn average and mine.
    assert [one == other for one, other in zip(before, keys(), strict=True)] == [True, False] * 2


@pytest.mark.usefixtures("as_worker")
def test_every_verb_says_that_a_plugin_of_the_run_was_changed_and_only_then(run, uaabench, tmp_path, forget_plugins):
    path = write(tmp_path, "a name made at run time", 0.25)
    assert run("--plugin", path, methods="average,mine").code == 0
    verbs = {
        "report": ("report", tmp_path / "R"),
        "compare": ("compare", tmp_path / "R", tmp_path / "R"),
        "check": ("check", tmp_path / "R", "--reference", tmp_path / "R"),
        "figure": ("figure", "montage", tmp_path / "R", "--out", tmp_path / "m.png"),
        "merge": ("merge", tmp_path / "R", tmp_path / "R", "--out", tmp_path / "both"),
    }
    for verb, words in verbs.items():
        forget_plugins()
        result = uaabench(*words)
        assert result.code == 0, result.err
        assert "plug-in" not in result.out + result.err, verb
    write(tmp_path, "a name made at run time", 0.75)
    shutil.rmtree(tmp_path / "both")
    for verb, words in verbs.items():
        forget_plugins()
        result = uaabench(*words)
        assert f"plug-in {path} of this run is gone or was changed" in result.out + result.err, verb
