"""What is done already is kept, what is to do is done once and reported, whatever part of a run it is."""

import shutil
import time
from collections import Counter
from concurrent.futures import Future
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest

from uaabench.core import imaging
from uaabench.core.errors import UsageError
from uaabench.core.threads import threads_per_job
from uaabench.running import config, pipeline, plan, store
from uaabench.running.executors import pool as pools
from uaabench.running.stages.fuse import Fuse
from uaabench.running.units import Outcome, Runtime

REPORTED = {"fuse": 8, "score": 8}


@pytest.fixture
def planned(pair_folder):
    """A run of two methods on four pairs."""

    def call(**given):
        words = {"methods": ["average", "laplacian"], "datasets": [f"mine={pair_folder}"], "floor": False}
        return plan.make(config.build({**words, "metrics": ["EN"], **given}), "cpu")

    return call


@pytest.fixture
def carry_out(tmp_path):
    """Carry a plan out: its failures by stage, method and pair, and how many pairs were reported by stage."""

    def call(planned, **options):
        reported = Counter()
        run = store.open_run(tmp_path / "R")
        failures = pipeline.carry_out(
            planned, run, device="cpu", on_pair=lambda stage, _: reported.update([stage]), **options
        )
        return {(entry.stage, entry.method, entry.pair): entry.reason for entry in failures}, reported

    return call


def times(folder, pattern):
    """When each file was written."""
    return {path: path.stat().st_mtime_ns for path in sorted(folder.glob(pattern))}


def test_a_run_leaves_images_results_records_and_manifest(planned, carry_out, tmp_path):
    assert carry_out(planned()) == ({}, REPORTED)
    assert sorted(path.name for path in (tmp_path / "R").iterdir()) == [
        "fuse", "manifest.json", "records.parquet", "score", "tallies.parquet",
    ]  # fmt: skip
    assert len(times(tmp_path / "R", "fuse/mine/all/*/*.png")) == 8
    records = pd.read_parquet(tmp_path / "R" / "records.parquet")
    assert (len(records), set(records["status"])) == (8, {"ok"})


def test_what_is_worked_on_is_reported_by_name_whether_or_not_it_is_done_already(planned, tmp_path):
    run = store.open_run(tmp_path / "R")
    expected = {("fuse", "average on mine all"): 4, ("fuse", "laplacian on mine all"): 4, ("score", "mine all"): 8}
    for _ in range(2):
        reported = Counter()
        pipeline.carry_out(planned(), run, device="cpu", on_pair=lambda *what, seen=reported: seen.update([what]))
        assert reported == expected


def test_what_is_done_is_reported_and_not_done_again(planned, carry_out, tmp_path):
    carry_out(planned())
    before = times(tmp_path / "R", "*/mine/all/*/*")
    assert carry_out(planned()) == ({}, REPORTED)
    assert times(tmp_path / "R", "*/mine/all/*/*") == before


def test_only_the_pair_whose_image_was_changed_is_fused_again(planned, carry_out, tmp_path):
    carry_out(planned())
    before = times(tmp_path / "R", "fuse/mine/all/*/*.png")
    changed = next(path for path in before if path.name == "2.png")
    imaging.write_png(changed, np.zeros((48, 64), np.uint8))
    assert carry_out(planned()) == ({}, REPORTED)
    after = times(tmp_path / "R", "fuse/mine/all/*/*.png")
    assert {path for path in before if after[path] != before[path]} == {changed}
    assert imaging.read_grey(changed).any()


def test_more_pairs_of_a_data_set_are_a_unit_of_their_own(planned, carry_out, tmp_path):
    assert carry_out(planned(limit=2)) == ({}, {"fuse": 4, "score": 4})
    assert carry_out(planned()) == ({}, REPORTED)
    assert len(times(tmp_path / "R", "fuse/mine/all/*/*.png")) == 12


def test_a_fresh_run_makes_everything_anew(planned, carry_out, tmp_path):
    carry_out(planned())
    before = times(tmp_path / "R", "fuse/mine/all/*/*.png")
    (next(iter(before)).parent / "left.png").touch()
    assert carry_out(planned(), fresh=True) == ({}, REPORTED)
    after = times(tmp_path / "R", "fuse/mine/all/*/*.png")
    assert after.keys() == before.keys()
    assert all(after[path] > before[path] for path in before)


def test_one_stage_made_anew_leaves_the_others(planned, carry_out, tmp_path):
    carry_out(planned())
    images, values = (times(tmp_path / "R", f"{stage}/mine/all/*/*") for stage in ("fuse", "score"))
    assert carry_out(planned(), stages=("score",), fresh=True) == ({}, {"score": 8})
    assert times(tmp_path / "R", "fuse/mine/all/*/*") == images
    after = times(tmp_path / "R", "score/mine/all/*/*")
    assert after.keys() == values.keys()
    assert all(after[path] > values[path] for path in values)


def test_images_made_anew_take_what_was_found_in_them_along(planned, carry_out, tmp_path):
    carry_out(planned())
    failures, reported = carry_out(planned(), stages=("fuse",), fresh=True)
    assert reported == {"fuse": 8}
    # A call that makes the images lacks nothing of the stages that it was not asked for, and keeps nothing of them.
    assert failures == {}
    assert times(tmp_path / "R", "score/mine/all/*/*") == {}


def test_a_stage_without_what_it_rests_on_is_refused_and_nothing_touched(planned, carry_out, tmp_path):
    carry_out(planned())
    shutil.rmtree(tmp_path / "R" / "fuse")
    before = times(tmp_path / "R", "**/*")
    with pytest.raises(UsageError, match="holds nothing of 'fuse average on mine all' as it is now"):
        carry_out(planned(), stages=("score",), fresh=True)
    assert times(tmp_path / "R", "**/*") == before


def test_a_pair_that_fails_is_said_and_has_no_score(planned, carry_out, pair_folder, tmp_path):
    (pair_folder / "ir" / "1.png").write_bytes(b"no image")
    failures, reported = carry_out(planned())
    assert set(failures) == {("fuse", "average", "1"), ("fuse", "laplacian", "1")}
    # A pair without an image counts as finished for the stages after it.
    assert reported == REPORTED
    records = pd.read_parquet(tmp_path / "R" / "records.parquet").set_index(["method", "pair"])
    assert records.loc[("average", "1"), "reason"] == failures["fuse", "average", "1"]


def test_where_the_first_failure_counts_no_further_stage_begins(planned, carry_out, pair_folder, tmp_path):
    (pair_folder / "ir" / "1.png").write_bytes(b"no image")
    failures, reported = carry_out(planned(fail_fast=True))
    assert set(failures) == {("fuse", "average", "1")}
    assert reported == {"fuse": 2}
    assert not (tmp_path / "R" / "score").exists()
    assert (tmp_path / "R" / "manifest.json").is_file()


def test_the_run_directory_is_locked_while_work_is_done(planned, tmp_path):
    run = store.open_run(tmp_path / "R")
    seen = set()
    pipeline.carry_out(planned(), run, device="cpu", on_pair=lambda *_: seen.add((run / "lock").is_file()))
    assert seen == {True}
    assert not (run / "lock").exists()


def test_a_stage_that_passes_a_pair_over_in_silence_has_failed_there(planned, carry_out, monkeypatch):
    def lazy(self, share, runtime):
        (unit,) = share.units
        yield Outcome(unit, share.waiting[1][0], reason="too dark")

    monkeypatch.setattr(Fuse, "work", lazy)
    failures, reported = carry_out(planned(methods=["average"]))
    assert failures == {
        ("fuse", "average", pair): "too dark" if pair == "1" else "the stage gave no result for this pair"
        for pair in "0123"
    }
    assert reported["fuse"] == 4


def test_a_share_is_carried_out_as_the_run_says(planned, carry_out, tmp_path, monkeypatch):
    seen = []
    work = Fuse.work

    def watched(self, share, runtime):
        seen.append(runtime)
        yield from work(self, share, runtime)

    monkeypatch.setattr(Fuse, "work", watched)
    carry_out(planned(methods=["average"], precision="bf16", seed=7, fail_fast=True))
    assert seen == [Runtime(tmp_path / "R", "cpu", "bf16", 7, threads_per_job(1), True, ())]


@pytest.fixture
def jobs(monkeypatch):
    """The jobs that stand-ins of workers are given, and the number of workers; none is carried out."""
    given = []

    class Idle:
        def submit(self, job):
            given.append(job)
            future = Future()
            future.set_result(True)
            return future

    @contextmanager
    def pool(workers):
        given.append(workers)
        yield Idle()

    monkeypatch.setattr(pools, "pool", pool)
    return given


def test_the_pairs_of_a_stage_are_shared_among_its_workers(planned, jobs, carry_out, tmp_path):
    carry_out(planned(jobs=3, seed=7, options={"laplacian": {}}))
    workers, *shares = [job for job in jobs if isinstance(job, int) or job.stage == "fuse"]
    assert workers == 3
    found = [
        (job.share.units[0].method.label, job.share.number, [pair.id for pair, _ in job.share.waiting])
        for job in shares
    ]
    assert found == [
        (method, number, pairs)
        for method in ("average", "laplacian")
        for number, pairs in enumerate((["0", "3"], ["1"], ["2"]))
    ]
    assert all(units == job.share.units for job in shares for _, units in job.share.waiting)
    assert {job.runtime for job in shares} == {Runtime(tmp_path / "R", "cpu", "fp32", 7, threads_per_job(3), False, ())}
    assert len({job.progress for job in shares}) == len(shares)
    assert {job.progress.parent.parent for job in shares} == {tmp_path / "R" / "progress"}
    # Nothing was done by these, which is said.
    assert not (tmp_path / "R" / "progress").exists()


def test_the_progress_of_a_job_is_seen_from_outside_with_each_pair(planned, jobs, carry_out, monkeypatch):
    carry_out(planned(jobs=3))
    job = next(job for job in jobs if not isinstance(job, int))
    job.progress.parent.mkdir(parents=True)
    sizes, append = [], store.append

    def watch(*result):
        sizes.append(job.progress.stat().st_size)
        append(*result)

    monkeypatch.setattr(store, "append", watch)
    assert job()
    assert [pair.id for pair, _ in job.share.waiting] == ["0", "3"]
    assert (sizes, job.progress.stat().st_size) == ([0, 1], 2)


def test_no_more_workers_are_started_than_there_are_shares(planned, jobs, carry_out):
    carry_out(planned(methods=["average"], limit=2, jobs=3))
    assert jobs[0] == 2
    assert [job.share.number for job in jobs[1:]] == [0, 1]


def test_methods_that_are_scored_together_wait_only_for_what_they_lack(planned, carry_out, jobs, tmp_path):
    one = planned()
    carry_out(one)
    unit = one.units["score"][0]
    kept = store.results(tmp_path / "R", unit)
    store.begin(tmp_path / "R", unit, {pair: result for pair, result in kept.items() if pair != "2"})
    carry_out(planned(jobs=2))
    (job,) = [job for job in jobs if not isinstance(job, int)]
    # A worker learns of the pairs of its share only.
    (pair,) = [pair for pair in unit.dataset.pairs if pair.id == "2"]
    assert [(pair.id, units) for pair, units in job.share.waiting] == [("2", (unit.on(unit.dataset.only([pair])),))]
    assert job.share.units == tuple(unit.on(unit.dataset.only([pair])) for unit in one.units["score"])


def test_a_pool_ends_with_its_block_and_its_workers_leave_ctrl_c_to_their_parent():
    number = "__import__('uaabench.running.executors.job', fromlist=['x'])._worker_number"
    look = f"(__import__('signal').getsignal({{0}}), {number})"
    with pools.pool(1) as pool:
        on_interrupt, number = pool.submit(eval, look.format(2)).result()
        on_termination, _ = pool.submit(eval, look.format(15)).result()
        faults = pool.submit(eval, "__import__('uaabench.core.errors', fromlist=['x']).faults()").result()
        process = next(iter(pool._processes.values()))
    assert (on_interrupt.name, on_termination.name, number, faults) == ("SIG_IGN", "SIG_DFL", 0, (BaseException,))
    assert not process.is_alive()


def test_a_pool_whose_block_raises_ends_at_once():
    processes = []

    def broken():
        with pools.pool(1) as pool:
            assert pool.submit(abs, -1).result() == 1
            processes.extend(pool._processes.values())
            pool.submit(eval, "__import__('time').sleep(600)")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        broken()
    (process,) = processes
    deadline = time.monotonic() + 60
    # Not `join`: the pool's own thread waits for the process too, and the second of two to do so is told nothing.
    while process.exitcode is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.exitcode == -9
