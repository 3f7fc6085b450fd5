"""Code of others: what it does to a run is said by name, and what is edited is other code."""

import subprocess
import sys

import pandas as pd
import pytest

HEAD = """
import os, sys
from pathlib import Path
from uaabench.core.interface import DatasetCard, FusionDataset, LuminanceMethod, MethodCard, Metric, Pair
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
# In the process of the command itself; what ends a worker is the business of its pair.
HERE = ["locate", "pairs", "units", "records"]
THERE = ["load", "fuse", "metric", "read", "work"]


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


@pytest.mark.parametrize("end", ENDS)
def test_a_plugin_that_ends_the_process_when_it_is_imported_is_named(pair_folder, tmp_path, end):
    path = tmp_path / "R"
    words = arguments("at import", tmp_path, pair_folder)
    plugin(tmp_path, "at import", end)
    start = "import sys; from uaabench.cli.main import main; main()"
    command = [sys.executable, "-c", start, "run", *map(str, words)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "plugin.py cannot be imported" in result.stderr
    assert not path.exists()


@pytest.mark.slow
@pytest.mark.parametrize("place", HERE)
def test_a_plugin_that_ends_the_command_itself_is_never_a_success(pair_folder, tmp_path, place):
    from processes import start

    words = arguments(place, tmp_path, pair_folder)
    for end in ENDS:
        plugin(tmp_path, place, end)
        process = start("run", *words)
        process.join(60)
        printed = process.log.read_text()
        assert process.exitcode in (2, 70, 130), (end, printed)
        assert "uaabench: " in printed
        assert "Traceback" not in printed
        assert not (tmp_path / "R" / "report").exists()


@pytest.mark.slow
@pytest.mark.parametrize("place", THERE)
def test_a_plugin_that_ends_its_worker_fails_its_pairs_by_name(uaabench, pair_folder, tmp_path, place):
    words = arguments(place, tmp_path, pair_folder)
    stage = {"metric": "score", "work": "look"}.get(place, "fuse")
    what = {"sys.exit(0)": "asked the process to end", "os._exit(0)": "to end", "raise KeyboardInterrupt": "Keyb"}
    for number, end in enumerate(ENDS if place in ("fuse", "metric") else ENDS[1:2]):
        plugin(tmp_path, place, end)
        words[3] = tmp_path / f"R{number}"
        result = uaabench("run", *words)
        assert result.code == 3, (end, result.err)
        assert f"{stage} {'mine' if place in ('load', 'fuse') else 'average'} on " in result.err
        assert what[end] in result.err
        table = pd.read_csv(tmp_path / f"R{number}" / "report" / "results.csv")
        if place in ("load", "fuse"):
            assert table.set_index("method")["n"].to_dict() == {"average": 4, "mine": 0}


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


@pytest.mark.slow
@pytest.mark.parametrize("how", IMPORTS)
def test_an_edited_plugin_gives_new_images_and_the_old_run_says_that_it_was_changed(
    run, uaabench, tmp_path, how, forget_plugins
):
    path = write(tmp_path, how, 0.25)
    assert run("--plugin", path, methods="average,mine").code == 0
    first = pd.read_csv(tmp_path / "R" / "report" / "results.csv")["mean"]
    forget_plugins()
    verbs = {
        "report": ("report", tmp_path / "R"),
        "compare": ("compare", tmp_path / "R", tmp_path / "R"),
        "check": ("check", tmp_path / "R", "--reference", tmp_path / "R"),
        "figure": ("figure", "montage", tmp_path / "R", "--out", tmp_path / "m.png"),
    }
    for verb, words in verbs.items():
        result = uaabench(*words)
        assert result.code == 0, result.err
        assert "plug-in" not in result.out + result.err, verb  # nothing was changed, so nothing is said
        forget_plugins()
    write(tmp_path, how, 0.75)
    for verb, words in verbs.items():
        result = uaabench(*words)
        assert f"plug-in {path} of this run is gone or was changed" in result.out + result.err, verb
    forget_plugins()
    assert run("--plugin", path, methods="average,mine").code == 0
    second = pd.read_csv(tmp_path / "R" / "report" / "results.csv")["mean"]
    assert second[0] == first[0]
    assert second[1] != first[1]
    forget_plugins()
    path.unlink()
    merged = uaabench("merge", tmp_path / "R", tmp_path / "R", "--out", tmp_path / "both")
    assert f"plug-in {path} of this run is gone or was changed" in merged.out + merged.err
