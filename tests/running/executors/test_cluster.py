"""A run by the workers of a Dask cluster is the run that one process does, whatever becomes of workers and launcher."""

import os
import signal
import threading
import time

import cv2
import numpy as np
import pytest

from processes import is_running, start, wait_for
from uaabench.core import registry
from uaabench.running import config, pipeline, plan, store
from uaabench.running.executors import cluster as clusters
from uaabench.running.executors import remote
from uaabench.running.executors.workers import WorkerDied

distributed = pytest.importorskip("distributed")

# Averages, and before that does what it is told where a file of that name lies in the folder of the plug-in.
METHOD = """
import json
import os
import signal
import time
from pathlib import Path

from uaabench.core.interface import LuminanceMethod, MethodCard

HERE = Path(__file__).parent


class Fatal(LuminanceMethod):
    card = MethodCard(name="fatal", title="Fatal", kind="classical", version=1, summary="averages, or worse")

    def fuse_luminance(self, ir, y):
        with (HERE / "calls").open("a") as calls:
            calls.write(f"{os.getpid()}\\n")
        if (HERE / "die").exists() and ir.mean() < 0.1:
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            (HERE / "die once").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        except FileNotFoundError:
            pass
        # Wait, with those that come so late that others are done.
        while (HERE / "wait").exists() and len((HERE / "calls").read_text().split()) > int((HERE / "wait").read_text()):
            time.sleep(0.05)
        return (ir + y) / 2
"""


@pytest.fixture(scope="module")
def cluster():
    """A cluster of two worker processes, that is not this run's own."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, memory_limit=0, dashboard_address=None, silence_logs=50
    ) as started:
        yield started


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(clusters, "SECONDS_OF_LOSS", 0.2)


@pytest.fixture
def executor(cluster):
    """Its name on the command line, once both workers are there."""
    cluster.scale(2)
    cluster.wait_for_workers(2)
    return cluster.scheduler_address.replace("tcp://", "dask://")


@pytest.fixture
def plugin(tmp_path):
    folder = tmp_path / "plugin"
    folder.mkdir()
    (folder / "fatal.py").write_text(METHOD)
    return folder / "fatal.py"


@pytest.fixture
def blacken(pair_folder):
    """Make the infrared image of a pair black."""

    def call(pair):
        cv2.imwrite(str(pair_folder / "ir" / f"{pair}.png"), np.zeros((48, 64), np.uint8))

    return call


@pytest.fixture
def words(pair_folder, plugin):
    """A command line for a run into a folder."""

    def call(out, *more):
        chosen = ("--methods", "average,fatal", "--datasets", f"mine={pair_folder}", "--metrics", "EN", "--no-floor")
        return ("run", *chosen, "--plugin", plugin, "--out", out, *more)

    return call


@pytest.fixture
def fuse(pair_folder, plugin, tmp_path):
    """Fuse by a cluster; the pairs that failed with their reasons, and what was told."""

    def call(executor, **given):
        registry._plugins.clear()
        entries = {"methods": ["average", "fatal"], "datasets": [f"mine={pair_folder}"], "metrics": ["EN"]}
        described = {**entries, "floor": False, "plugins": [plugin], "executor": executor, "device": "cpu", **given}
        planned, told = plan.make(config.build(described), "cpu"), []
        run = store.open_run(tmp_path / "R")
        failures = pipeline.carry_out(
            planned, run, device="cpu", stages=("fuse",), on_pair=lambda *_: None, tell=told.append
        )
        return {(failure.method, failure.pair): failure.reason for failure in failures}, told

    return call


def tables(run):
    return [(run / name).read_bytes() for name in ("records.parquet", "report/results.csv", "report/results.tex")]


def images(run):
    """When each fused image was written."""
    return {path: path.stat().st_mtime_ns for path in run.rglob("fatal-*/*.png")}


def tell_plugin(plugin, what):
    (plugin.parent / what).touch()


def calls(plugin):
    """The process of each call of the method."""
    file = plugin.parent / "calls"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def wait_until_ended(processes):
    end = time.monotonic() + 60
    while any(map(is_running, processes)):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_a_cluster_one_of_whose_workers_dies_writes_the_same_bytes_as_one_process(
    uaabench, words, executor, plugin, tmp_path
):
    assert uaabench(*words(tmp_path / "alone")).code == 0
    tell_plugin(plugin, "die once")
    result = uaabench(*words(tmp_path / "R", "--executor", executor, "--device", "cpu"))
    assert result.code == 0, result.err
    assert not (plugin.parent / "die once").exists()
    assert tables(tmp_path / "R") == tables(tmp_path / "alone")
    # The workers stay; what they started for this run does not.
    wait_until_ended(calls(plugin))


@pytest.mark.slow
def test_a_pair_that_kills_its_worker_twice_fails_with_its_share_alone(fuse, executor, plugin, blacken):
    blacken(1)
    tell_plugin(plugin, "die")
    failures, _ = fuse(executor)
    # Of two shares the second has the pairs 1 and 3.
    assert failures == {("fatal", "1"): pipeline.DIED, ("fatal", "3"): pipeline.DIED}
    # Two tries, and no more: Dask by itself would make four.
    assert len(calls(plugin)) == 2 + 2


@pytest.mark.slow
def test_a_run_whose_launcher_and_all_of_whose_workers_are_lost_goes_on_with_a_new_one(
    words, fuse, cluster, executor, plugin, tmp_path, monkeypatch
):
    monkeypatch.setattr(clusters, "SECONDS_BETWEEN_LOOKS", 0.1)
    monkeypatch.setattr(clusters, "SECONDS_OF_LOSS", 4)
    (plugin.parent / "wait").write_text("2")
    launcher = start(*words(tmp_path / "R", "--executor", executor, "--device", "cpu"))
    wait_for(lambda: len(images(tmp_path / "R")) == 2, launcher)
    os.kill(launcher.pid, signal.SIGKILL)
    launcher.join()
    before = images(tmp_path / "R")
    (first,) = (tmp_path / "R" / "progress").iterdir()

    def lose_and_get_one():
        end = time.monotonic() + 60
        while first.exists() or not list((tmp_path / "R" / "progress").glob("*/*")):
            if time.monotonic() > end:
                break
            time.sleep(0.02)
        for worker in cluster.workers.values():
            cluster.sync(worker.kill)
        cluster.scale(0)
        (plugin.parent / "wait").unlink()
        time.sleep(1)
        cluster.scale(1)

    threading.Thread(target=lose_and_get_one).start()
    failures, told = fuse(executor)
    assert failures == {}
    # Workers that are being lost come and go for a moment.
    assert (told[0], told[-1]) == ("No worker is left; the run waits for one.", "There is a worker again.")
    after = images(tmp_path / "R")
    assert len(after) == 4
    assert {path: after[path] for path in before} == before


@pytest.mark.slow
def test_workers_of_this_machine_end_with_their_launcher(words, plugin, tmp_path):
    (plugin.parent / "wait").write_text("0")
    launcher = start(*words(tmp_path / "R", "--executor", "dask"))
    wait_for(lambda: calls(plugin), launcher)
    os.kill(launcher.pid, signal.SIGKILL)
    launcher.join()
    wait_until_ended(calls(plugin))


@pytest.mark.slow
def test_a_job_whose_worker_dies_before_its_result_is_fetched_has_died(cluster, monkeypatch):
    async def lost(*_args, **_kwargs):
        raise WorkerDied("begun before")

    client = distributed.Client(cluster, set_as_default=False)
    monkeypatch.setattr(client, "_gather", lost)
    sender = clusters.Sender(client, None)
    monkeypatch.setattr(remote, "work", len)
    # What is wrong with it is told, and never nothing: a run would wait for ever.
    assert isinstance(sender.submit("job").exception(timeout=20), WorkerDied)
    monkeypatch.undo()
    client.close()


def test_a_scheduler_that_is_not_there_is_said(uaabench, words, tmp_path, monkeypatch):
    monkeypatch.setattr(clusters, "SECONDS_TO_CONNECT", 0.3)
    result = uaabench(*words(tmp_path / "R", "--executor", "dask://127.0.0.1:9", "--device", "cpu"))
    assert result.code == 2
    assert "There is no Dask scheduler at 127.0.0.1:9 (" in result.err
    assert "mend the address." in result.err
