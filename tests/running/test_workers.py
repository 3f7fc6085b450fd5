"""A worker that dies, or code of others that wants to end the process, costs the pairs at hand and nothing else."""

import os
import signal
from collections import Counter
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

import cv2
import numpy as np
import pandas as pd
import pytest

from uaabench.core import imaging, registry
from uaabench.core.errors import UsageError
from uaabench.methods.fusing import make_fuser
from uaabench.methods.named import plan_method
from uaabench.running import config, pipeline, plan, store
from uaabench.running.executors import job, named
from uaabench.running.executors import pool as processes
from uaabench.running.stages.fuse import Fuse

# Averages, but for pairs whose infrared image is black.
METHOD = """
import os
import random
import signal
import sys
from pathlib import Path

from uaabench.core.interface import LuminanceMethod, MethodCard


class Death(BaseException):
    "Stands for the end of the process where there is no process to end."


class Fatal(LuminanceMethod):
    card = MethodCard(name="fatal", title="Fatal", kind="classical", version=1, summary="ends the process")

    def fuse_luminance(self, ir, y):
        if not ir.any():
            {end}
        return (ir + y) / 2


class Stochastic(LuminanceMethod):
    card = MethodCard(name="stochastic", title="Stochastic", kind="classical", version=1, summary="draws")

    def fuse_luminance(self, ir, y):
        return (ir + y) / 4 + random.random() / 2
"""
KILL, DIE = "os.kill(os.getpid(), signal.SIGKILL)", "raise Death"


def once(end, flag):
    """Do something the first time only."""
    return f"flag = Path({str(flag)!r}); flag.exists() or (flag.touch(), exec({end!r}))"


@pytest.fixture
def blacken(pair_folder):
    """Make the infrared image of some pairs black."""

    def call(*pairs):
        for pair in pairs:
            cv2.imwrite(str(pair_folder / "ir" / f"{pair}.png"), np.zeros((48, 64), np.uint8))

    return call


@pytest.fixture
def plugin(tmp_path):
    """A plugin file whose method ends as it is told."""

    def call(end):
        path = tmp_path / "methods.py"
        path.write_text(METHOD.format(end=end))
        return path

    return call


@pytest.fixture
def run(uaabench, pair_folder, tmp_path):
    def call(methods, *extra):
        words = ("run", "--methods", methods, "--datasets", f"mine={pair_folder}", "--metrics", "EN", "--no-floor")
        return uaabench(*words, "--out", tmp_path / "R", *extra)

    return call


def numbers(tmp_path):
    """Number of pairs with a value, by method."""
    table = pd.read_csv(tmp_path / "R" / "report" / "results.csv")
    return dict(zip(table["method"], table["n"], strict=True))


class _Workers:
    """Workers that are this process; a method that raises `Death` breaks the pool as the end of a process does."""

    def __init__(self):
        self.broken = False

    def submit(self, job):
        if self.broken:
            raise BrokenProcessPool
        future = Future()
        try:
            future.set_result(job())
        except Exception as error:
            future.set_exception(error)
        except BaseException as error:
            self.broken = type(error).__name__ == "Death"
            future.set_exception(BrokenProcessPool() if self.broken else error)
        return future


@pytest.fixture
def fuse(pair_folder, tmp_path, monkeypatch):
    """Fuse in stand-ins of workers: failures by method and pair, how many pairs were reported, and sizes of pools."""
    pools = []

    @contextmanager
    def pool(workers):
        pools.append(workers)
        yield _Workers()

    monkeypatch.setattr(processes, "pool", pool)

    def call(methods, file, **given):
        monkeypatch.setattr(registry, "_plugins", {})
        monkeypatch.setattr(job, "_ready", set())
        reported = Counter()
        entries = {"methods": methods, "datasets": [f"mine={pair_folder}"], "floor": False, "jobs": 2, **given}
        planned = plan.make(config.build({**entries, "plugins": [file]}), "cpu")
        run = store.open_run(tmp_path / "R")
        fuse, units = planned.stages[0], planned.units["fuse"]
        done = pipeline.work_on(
            fuse, units, run, planned.config, device="cpu", on_pair=lambda stage, _: reported.update([stage])
        )
        failures = store.failures(run, units)
        assert done == (not failures)
        return {(failure.method, failure.pair): failure.reason for failure in failures}, reported["fuse"], pools

    return call


def test_a_pair_that_kills_its_worker_twice_has_failed_and_is_reported(fuse, plugin, blacken):
    blacken(1)
    failures, reported, pools = fuse(["average", "fatal"], plugin(DIE))
    assert failures == {("fatal", "1"): pipeline.DIED, ("fatal", "3"): pipeline.DIED}
    assert reported == 8
    # All shares, then the one whose worker died, alone.
    assert pools == [2, 1]


def test_what_a_worker_did_before_it_died_is_kept_and_reported_once(fuse, plugin, blacken):
    blacken(3)
    failures, reported, _ = fuse(["fatal", "average"], plugin(DIE), jobs=1)
    # What was fused of pair 2 was being written.
    assert failures == {("fatal", "2"): pipeline.DIED, ("fatal", "3"): pipeline.DIED}
    assert reported == 8


def test_a_pair_that_kills_its_worker_once_is_whole(fuse, plugin, blacken, tmp_path):
    blacken(3)
    failures, reported, _ = fuse(["fatal", "average"], plugin(once(DIE, tmp_path / "flag")))
    assert (failures, reported) == ({}, 8)


def test_shares_that_waited_when_a_worker_died_are_done_by_new_workers(fuse, plugin, blacken):
    blacken(0, 1)
    failures, reported, pools = fuse(["fatal", "average", "laplacian"], plugin(DIE))
    assert set(failures) == {("fatal", pair) for pair in "0123"}
    assert reported == 12
    assert pools == [2, 1, 2, 1, 2]


def test_a_failure_stops_shares_that_wait_where_the_first_one_counts(fuse, plugin, blacken):
    blacken(0)
    failures, reported, _ = fuse(["fatal", "laplacian"], plugin("raise ValueError"), fail_fast=True, jobs=1)
    assert failures == {("fatal", "0"): "ValueError"}
    assert reported == 1


def test_a_worker_that_dies_stops_shares_that_wait_where_the_first_failure_counts(fuse, plugin, blacken):
    blacken(0)
    failures, reported, pools = fuse(["fatal", "laplacian"], plugin(DIE), fail_fast=True, jobs=1)
    assert set(failures) == {("fatal", pair) for pair in "0123"}
    assert reported == 4
    assert pools == [1, 1]


@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt("broken"), SystemExit(0)])
def test_a_stage_that_raises_fails_what_is_left_of_its_share(fuse, plugin, monkeypatch, error):
    work = Fuse.work

    def first_alone(self, share, runtime):
        yield next(work(self, share, runtime))
        raise error

    monkeypatch.setattr(Fuse, "work", first_alone)
    failures, reported, _ = fuse(["average"], plugin(DIE))
    assert set(failures) == {("average", "2"), ("average", "3")}
    assert all("broken" in reason or "exit code 0" in reason for reason in failures.values())
    assert reported == 4


@pytest.mark.parametrize(
    ("requested", "gpus", "expected"), [("cpu", 1, "cpu"), ("auto", 0, "cpu"), ("auto", 1, "cuda"), ("cuda", 1, "cuda"),
                                        ("cuda:1", 2, "cuda:1")],
)  # fmt: skip
def test_the_device_is_what_was_asked_for_and_there(monkeypatch, requested, gpus, expected):
    monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
    assert pipeline.pick_device(requested) == expected


@pytest.mark.parametrize(("requested", "gpus"), [("cuda", 0), ("cuda:1", 1)])
def test_a_gpu_that_is_not_there_is_refused(monkeypatch, requested, gpus):
    monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
    with pytest.raises(UsageError, match=f"no device '{requested}': torch sees {gpus} GPUs; use --device cpu"):
        pipeline.pick_device(requested)


def test_workers_take_the_gpus_one_after_another(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert job.device_of_worker("cuda") == "cuda"
    for number, device in enumerate(("cuda:0", "cuda:1", "cuda:0")):
        monkeypatch.setattr(job, "_worker_number", number)
        assert job.device_of_worker("cuda") == device
        assert job.device_of_worker("cpu") == "cpu"
        assert job.device_of_worker("cuda:1") == "cuda:1"


def test_sigterm_stops_a_run_as_ctrl_c_does(pair_folder, tmp_path, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)

    def terminated(*_):
        os.kill(os.getpid(), signal.SIGTERM)
        yield

    monkeypatch.setattr(Fuse, "work", terminated)
    planned = plan.make(config.build({"methods": ["average"], "datasets": [f"mine={pair_folder}"]}), "cpu")
    with pytest.raises(KeyboardInterrupt):
        pipeline.carry_out(planned, store.open_run(tmp_path / "R"), device="cpu", on_pair=lambda *_: None)
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.slow
def test_a_worker_that_dies_on_a_pair_fails_its_share_and_the_run_says_so(run, plugin, blacken, tmp_path):
    blacken(1)
    result = run("average,fatal", "--plugin", plugin(KILL), "--jobs", 2)
    assert result.code == 3
    # Of two shares the second has the pairs 1 and 3.
    assert "fuse fatal on mine all, 2 pairs: the worker process died while it worked on this pair" in result.err
    assert numbers(tmp_path) == {"average": 4, "fatal": 2}
    records = pd.read_parquet(tmp_path / "R" / "records.parquet")
    failed = records[records["status"] == "failed"]
    assert list(zip(failed["method"], failed["pair"], strict=True)) == [("fatal", "1"), ("fatal", "3")]
    assert failed["reason"].str.startswith("the worker process died").all()


@pytest.mark.slow
def test_a_worker_that_dies_once_costs_nothing(run, plugin, blacken, tmp_path):
    blacken(1)
    result = run("average,fatal,stochastic", "--plugin", plugin(once(KILL, tmp_path / "flag")), "--jobs", 2)
    assert result.code == 0, result.err
    assert (tmp_path / "flag").exists()
    assert numbers(tmp_path) == {"average": 4, "fatal": 4, "stochastic": 4}
    # In workers, each with every other pair, a stochastic method fuses what it fuses here, pair by pair.
    dataset = registry.dataset_class("folder")(tmp_path / "pairs")
    fuse = make_fuser(plan_method("stochastic"), device="cpu")
    (folder,) = (tmp_path / "R" / "fuse" / "mine" / "all").glob("stochastic-*")
    for pair in dataset.pairs("all"):
        assert (imaging.read_grey(folder / f"{pair.id}.png") == fuse(pair, dataset.read(pair))).all()


# Raises what would end the program, for infrared images of the grey levels 0, 1 and 2.
QUITTING = """
import sys
from dataclasses import replace

from uaabench.core.columns import Metric
from uaabench.core.interface import LuminanceMethod, MethodCard
from uaabench.datasets.folder import Folder


class Stop(BaseException):
    pass


def quit_on(level):
    if level == 0:
        sys.exit(0)
    if level == 1:
        raise KeyboardInterrupt
    if level == 2:
        raise Stop("enough")
    return level


QUITS = Metric(
    name="Quits", title="quits", compute=lambda fused, ir, vi: quit_on(ir.max()), higher_is_better=True,
    range=(0, 255), gameable_by_noise=False, version=1, reference="",
)


class Quitting(LuminanceMethod):
    card = MethodCard(name="quitting", title="Quitting", kind="classical", version=1, summary="quits")

    def fuse_luminance(self, ir, y):
        quit_on(round(float(ir.max()) * 255))
        return ir


class Quits(Folder):
    card = replace(Folder.card, name="quits")

    @classmethod
    def locate(cls, data_root):
        return data_root / "pairs"

    def read(self, pair):
        sources = super().read(pair)
        quit_on(sources.ir.max())
        return sources
"""


@pytest.mark.slow
def test_code_of_others_that_would_end_the_program_fails_its_pair_by_name(uaabench, pair_folder, tmp_path):
    for level in range(3):
        cv2.imwrite(str(pair_folder / "ir" / f"{level}.png"), np.full((48, 64), level, np.uint8))
    (tmp_path / "quitting.py").write_text(QUITTING)
    words = ("run", "--methods", "average,quitting", "--no-floor", "--metrics", "EN,Quits", "--out", tmp_path / "R")
    words += ("--datasets", f"mine={pair_folder},quits", "--data-root", tmp_path)
    result = uaabench(*words, "--plugin", tmp_path / "quitting.py")
    assert result.code == 3, result.err
    records = pd.read_parquet(tmp_path / "R" / "records.parquet")
    failed = records[records["status"] == "failed"].set_index(["dataset", "method", "pair", "metric"])["reason"]
    said = {"0": "its code asked the process to end (exit code 0)", "1": "KeyboardInterrupt", "2": "Stop: enough"}
    places = (
        ("mine", "average", "Quits"),
        ("mine", "quitting", ""),
        ("quits", "average", ""),
        ("quits", "quitting", ""),
    )
    assert failed.to_dict() == {
        (dataset, method, pair, metric): reason for dataset, method, metric in places for pair, reason in said.items()
    }
    assert (records.loc[records["metric"] == "EN", "status"] == "ok").sum() == 4 + 1 + 1 + 1


def test_code_of_installed_packages_is_given_a_worker_as_that_of_plugins_is(monkeypatch):
    alone = config.build({"methods": ["average"]})
    assert not named.needs_workers(alone)
    monkeypatch.setattr(registry, "entry_points", lambda group: ("theirs",) if group == "uaabench.methods" else ())
    assert named.needs_workers(alone)
