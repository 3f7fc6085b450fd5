"""The report of a finished run is found again while nothing it rests on was written to, and otherwise made again."""

import json
import os
import shutil

import numpy as np
import pytest

import uaabench.api
from uaabench.core import imaging
from uaabench.core.errors import StorageError
from uaabench.reporting import standing
from uaabench.running import pipeline
from uaabench.running.config import RunConfig


def given(pairs):
    return {"methods": ["average"], "datasets": [f"own={pairs}"], "metrics": ["EN", "SD"], "floor": False}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run, and its plan."""
    pairs = tmp_path_factory.mktemp("pairs")
    generator = np.random.default_rng(0)
    for folder, shape in (("ir", (32, 32)), ("vi", (32, 32, 3))):
        (pairs / folder).mkdir()
        for name in "012":
            imaging.write_png(pairs / folder / f"{name}.png", generator.integers(0, 256, shape, np.uint8))
    plan, folder = uaabench.api.plan_run(RunConfig(**given(pairs), device="cpu"), tmp_path_factory.mktemp("R"))
    return plan, uaabench.api.carry_out_and_report(plan, folder)


@pytest.fixture
def run(finished, tmp_path):
    """A copy of it whose report stands."""
    plan, result = finished
    folder = shutil.copytree(result.folder, tmp_path / "R")
    standing.keep(folder, plan, result.model, [folder / "report" / path.name for path in result.report_files])
    assert standing.find(folder, plan)
    return folder


def shown(result):
    """What a run shows of itself, wherever it lies."""
    return repr(result).replace(str(result.folder), "R")


def test_a_finished_run_is_not_carried_out_again_and_gives_what_it_gave(finished, run, monkeypatch):
    plan, first = finished
    before = {path.name: path.read_bytes() for path in (run / "report").iterdir()}
    monkeypatch.setattr(pipeline, "carry_out", None)
    again = uaabench.api.carry_out_and_report(plan, run)
    assert shown(again) == shown(first)
    assert again.tidy.equals(first.tidy)
    assert again.records.equals(first.records)
    assert [path.name for path in again.report_files] == [path.name for path in first.report_files]
    assert again.failures == ()
    assert {path.name: path.read_bytes() for path in (run / "report").iterdir()} == before


def one(folder, pattern):
    return sorted(folder.glob(pattern))[0]


def write_as_much_at_the_same_time(path):
    facts = path.stat()
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


CHANGES = {
    "an artefact was written to": lambda run: write_as_much_at_the_same_time(one(run, "fuse/*/*/*/1.png")),
    "an artefact is gone": lambda run: one(run, "fuse/*/*/*/1.png").unlink(),
    "a result was written to": lambda run: write_as_much_at_the_same_time(one(run, "score/*/*/*/results-0.jsonl")),
    "a result is gone": lambda run: one(run, "score/*/*/*/results-0.jsonl").unlink(),
    "something was added": lambda run: (one(run, "fuse/*/*/*/1.png").parent / "new.png").touch(),
    "the records were written to": lambda run: write_as_much_at_the_same_time(run / "records.parquet"),
    "the records are gone": lambda run: (run / "records.parquet").unlink(),
    "the manifest was written to": lambda run: write_as_much_at_the_same_time(run / "manifest.json"),
    "the page is gone": lambda run: (run / "report" / "results.html").unlink(),
    "the table was written to": lambda run: (run / "report" / "results.csv").write_text("method\nbest\n"),
    "the table was written to at the same time": lambda run: write_as_much_at_the_same_time(run / "report/results.csv"),
    "costs were measured": lambda run: (run / "efficiency.json").write_text('{"costs": []}'),
    "what is kept of it was cut": lambda run: cut(run / "report" / standing.NAME),
    "what is kept of it is nothing": lambda run: (run / "report" / standing.NAME).write_text("null"),
    "what is kept of it says nothing": lambda run: (run / "report" / standing.NAME).write_text("{}"),
    "what is kept of it is no table": lambda run: break_table(run / "report" / standing.NAME),
}


def cut(path):
    path.write_bytes(path.read_bytes()[:-30])


def break_table(path):
    content = json.loads(path.read_text())
    content["table"]["sections"] = "none"
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_report_of_a_run_that_was_written_to_does_not_stand(finished, run, change):
    change(run)
    assert standing.find(run, finished[0]) is None


@pytest.mark.parametrize("changed", [{"jobs": 2}, {"metrics": ["EN"]}, {"seed": 1}], ids=str)
def test_nor_does_it_for_another_request(finished, run, changed):
    config = finished[0].config.model_dump() | changed
    assert standing.find(run, uaabench.api.plan_run(RunConfig(**config), run)[0]) is None


def test_nor_does_it_for_another_image_or_another_package(finished, run, tmp_path, monkeypatch):
    plan, result = finished
    pairs = shutil.copytree(plan.datasets[0].root, tmp_path / "pairs")
    imaging.write_png(pairs / "ir" / "0.png", np.zeros((32, 32), np.uint8))
    other, _ = uaabench.api.plan_run(RunConfig(**given(pairs), device="cpu"), result.folder)
    assert standing.find(run, other) is None
    monkeypatch.setattr(standing, "_package", lambda: ["another"])
    assert standing.find(run, plan) is None


def test_what_was_disturbed_is_made_again_as_it_was_and_then_stands(finished, run, monkeypatch):
    plan, first = finished
    before = (run / "report" / "results.csv").read_bytes()
    for name in ("an artefact is gone", "the table was written to", "what is kept of it was cut"):
        CHANGES[name](run)
    assert shown(uaabench.api.carry_out_and_report(plan, run)) == shown(first)
    assert (run / "report" / "results.csv").read_bytes() == before
    monkeypatch.setattr(pipeline, "carry_out", None)
    assert shown(uaabench.api.carry_out_and_report(plan, run)) == shown(first)


def test_what_cannot_be_kept_only_costs_time(finished, run, monkeypatch):
    def full(path, *_):
        raise StorageError(f"No space is left for {path}.")

    (run / "report" / standing.NAME).unlink()
    monkeypatch.setattr(standing.files, "write_text", full)
    standing.keep(run, finished[0], finished[1].model, finished[1].report_files)
    assert standing.find(run, finished[0]) is None


def test_computing_anew_and_single_stages_find_no_report(finished, run, monkeypatch):
    def found(*_):
        raise AssertionError

    monkeypatch.setattr(standing, "find", found)
    for asked in ({"fresh": True}, {"stages": ("score",)}):
        assert not uaabench.api.carry_out_and_report(finished[0], run, **asked).failures


def test_a_run_with_failures_never_stands(finished, tmp_path):
    pairs = shutil.copytree(finished[0].datasets[0].root, tmp_path / "pairs")
    (pairs / "ir" / "2.png").write_bytes(b"no image")
    for _ in range(2):
        assert [failure.pair for failure in uaabench.run(**given(pairs), out=tmp_path / "R").failures] == ["2"]
    assert not (tmp_path / "R" / "report" / standing.NAME).exists()
