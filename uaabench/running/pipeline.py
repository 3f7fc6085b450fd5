"""Carries a plan out: its fuse units, then its score and segment units, then the records and the reports."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from uaabench.core.errors import UsageError
from uaabench.core.interface import Pair
from uaabench.metrics.profiles import profile
from uaabench.running import executors, manifest, store
from uaabench.running.config import RunConfig
from uaabench.running.plan import Plan, Unit
from uaabench.running.stages.fuse import Runtime, explain, fuse_unit
from uaabench.running.stages.score import Share, divide, finish, score_share
from uaabench.running.stages.segment import segment_unit
from uaabench.running.store import Failure

STAGES = ("fuse", "score", "segment")
OnPair = Callable[[str], None]


@dataclass(frozen=True)
class Job:
    """What an executor is given: a call that returns its failures, and what has failed if it never returns."""

    units: tuple[Unit, ...]
    pairs: tuple[Pair, ...]
    run: Callable[[], list[Failure]]


def pick_device(requested: str) -> str:
    """The torch device that a request such as `auto` or `cuda:1` means here.

    Raises:
        UsageError: There is no such GPU.
    """
    if requested == "cpu":
        return "cpu"
    import torch

    available = torch.cuda.device_count()
    if requested == "auto":
        return "cuda" if available else "cpu"
    number = int(requested.partition(":")[2] or 0)
    if number >= available:
        raise UsageError(f"There is no device '{requested}': torch sees {available} GPUs; use --device cpu.")
    return requested


def carry_out(
    plan: Plan, run: Path, *, device: str, stages: Sequence[str] = STAGES, fresh: bool = False, on_pair: OnPair
) -> list[Failure]:
    """Do the stages of a plan that are not done yet, and collect the records.

    Args:
        plan: What to do.
        run: The run directory.
        device: As torch names it.
        stages: Which of `STAGES`, in their order.
        fresh: Compute everything anew.
        on_pair: Called with the stage after every pair.

    Returns:
        All pairs that failed, in this call or, in a stage that was not run now, before.
    """
    if fresh:
        # What was found in images that are made anew is no longer theirs, whatever the stages of this call.
        anew = STAGES if "fuse" in stages else stages
        store.discard(run, [unit for stage in anew for unit in getattr(plan, stage)])
    manifest.write(run, plan, device)
    config = plan.config
    runtime = Runtime(
        run, device, config.precision, config.seed, executors.threads_per_job(config.jobs), config.fail_fast
    )
    with _executor(config, on_pair) as (executor, report):
        for stage in stages:
            if WORK[stage](plan, runtime, executor, report) and config.fail_fast:
                break
    store.consolidate(run, plan)
    return store.read_failures(run, [unit.folder for unit in (*plan.fuse, *plan.score, *plan.segment)])


def _fuse_work(plan: Plan, runtime: Runtime, executor: Executor, report: OnPair | None) -> list[Failure]:
    """Fuse, unit by unit."""
    waiting = _skip_done(plan.fuse, runtime, report)
    jobs = [Job((unit,), unit.dataset.pairs, partial(_fuse, unit, runtime, report)) for unit in waiting]
    return _run_all(executor, jobs, runtime)


def _score_work(plan: Plan, runtime: Runtime, executor: Executor, report: OnPair | None) -> list[Failure]:
    """Score the methods of each data set together, in as many shares of its pairs as there are workers.

    Profile and metrics go to workers by name, as the functions of a metric need not be picklable.
    """
    waiting = _skip_done(plan.score, runtime, report)
    for unit in waiting:
        store.begin(runtime.run, unit)
    names = tuple(metric.name for metric in plan.metrics)
    jobs = [
        Job(share.units, share.pairs, partial(_score, share, plan.profile.name, names, runtime, report))
        for share in divide(waiting, plan.config.jobs)
    ]
    failures = _run_all(executor, jobs, runtime)
    for unit in waiting:
        finish(unit, runtime, [f for f in failures if (f.method, f.dataset) == (unit.method.label, unit.dataset.label)])
    return failures


def _segment_work(plan: Plan, runtime: Runtime, executor: Executor, report: OnPair | None) -> list[Failure]:
    """Segment, unit by unit."""
    waiting = _skip_done(plan.segment, runtime, report)
    jobs = [Job((unit,), unit.dataset.pairs, partial(_segment, unit, runtime, report)) for unit in waiting]
    return _run_all(executor, jobs, runtime)


WORK = {"fuse": _fuse_work, "score": _score_work, "segment": _segment_work}


def _skip_done(units: Sequence[Unit], runtime: Runtime, report: OnPair | None) -> list[Unit]:
    """The units that are not done; the pairs of the others are reported as finished."""
    waiting = []
    for unit in units:
        if not store.is_done(runtime.run, unit):
            waiting.append(unit)
            continue
        for _ in unit.dataset.pairs:
            (report or executors.report_pair)(unit.stage)
    return waiting


def _fuse(unit: Unit, runtime: Runtime, on_pair: OnPair | None) -> list[Failure]:
    """Fuse one unit; in a worker, where `on_pair` is None, progress goes through the worker's channel."""
    return fuse_unit(unit, runtime, partial(on_pair or executors.report_pair, "fuse"))


def _segment(unit: Unit, runtime: Runtime, on_pair: OnPair | None) -> list[Failure]:
    """Segment one unit, likewise."""
    return segment_unit(unit, runtime, partial(on_pair or executors.report_pair, "segment"))


def _score(
    share: Share, profile_name: str, metrics: Sequence[str], runtime: Runtime, on_pair: OnPair | None
) -> list[Failure]:
    """Score one share, likewise."""
    convention = profile(profile_name)
    report = partial(on_pair or executors.report_pair, "score")
    return score_share(share, convention, convention.select(metrics), runtime, report)


def _run_all(executor: Executor, jobs: Sequence[Job], runtime: Runtime) -> list[Failure]:
    """Submit all jobs and wait for them, or with `fail_fast` only for those that end before the first failure."""
    futures: dict[Future[list[Failure]], Job] = {}
    failures: list[Failure] = []
    for job in jobs:
        future = executor.submit(job.run)
        futures[future] = job
        # In this process a submitted job is done by now.
        if runtime.fail_fast and future.done() and (future.exception() or future.result()):
            break
    for future in as_completed(futures):
        if future.cancelled():
            continue
        failures += _outcome(future, futures[future], runtime.run)
        if failures and runtime.fail_fast:
            for waiting in futures:
                waiting.cancel()
    return failures


def _outcome(future: Future[list[Failure]], job: Job, run: Path) -> list[Failure]:
    """The failures of a job; one that died as a whole, with its worker, has failed for each of its pairs."""
    try:
        return future.result()
    except Exception as error:
        reason = explain(error)
        lost = []
        for unit in job.units:
            of_unit = [
                Failure(unit.stage, unit.method.label, unit.dataset.label, pair.id, reason) for pair in job.pairs
            ]
            store.begin(run, unit)
            store.finish(run, unit, of_unit)
            lost += of_unit
        return lost


def _listen(events: SimpleQueue[str], on_pair: OnPair) -> None:
    """Pass on what the workers report, until the empty text that ends the run."""
    for stage in iter(events.get, ""):
        on_pair(stage)


@contextmanager
def _executor(config: RunConfig, on_pair: OnPair) -> Iterator[tuple[Executor, OnPair | None]]:
    """The executor of a run, and what its units call after every pair (None in workers)."""
    if config.jobs == 1:
        executors.limit_threads(executors.threads_per_job(1))
        yield executors.InlineExecutor(), on_pair
        return
    events = multiprocessing.get_context("spawn").SimpleQueue()
    listener = threading.Thread(target=_listen, args=(events, on_pair), daemon=True)
    listener.start()
    with executors.make_pool(config.jobs, config.plugins, events) as pool:
        try:
            yield pool, None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            events.put("")
            listener.join()
