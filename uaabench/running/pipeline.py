"""Carries a plan out, stage by stage, in shares; then collects the records."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any
from uuid import uuid4

from uaabench.core.errors import UsageError, sentence
from uaabench.core.threads import limit_threads, threads_per_job
from uaabench.running import manifest, records, store
from uaabench.running.config import RunConfig
from uaabench.running.executors import named
from uaabench.running.executors.job import Growth, Job
from uaabench.running.executors.job import carry_out as carry_out_here
from uaabench.running.executors.workers import Tell, Workers
from uaabench.running.lock import locked
from uaabench.running.plan import Plan
from uaabench.running.stage import Stage
from uaabench.running.store import Result
from uaabench.running.units import Failure, Runtime, Share, Unit, Waiting

# Called with the name of a stage and what is worked on, for example `uaa on msrs test`.
OnPair = Callable[[str, str], None]
# How often progress is looked at, in seconds.
GLANCE = 0.2
DIED = (
    "the worker process died while it worked on this pair or one beside it, also when it was tried alone: the system "
    "may have run out of memory, or the code of the method or metric ended the process"
)


def pick_device(requested: str, executor: str = "") -> str:
    """The torch device that a request such as `auto` or `cuda:1` means here, or for the workers of an executor.

    Raises:
        UsageError: There is no such GPU, or what workers elsewhere have cannot be known here.
    """
    if executor and requested.startswith("cuda:"):
        raise UsageError(f"With --executor every worker has a GPU of its own: write --device cuda, not {requested}.")
    if executor and executor != named.LOCAL:
        return named.kind_of_device(requested, executor)
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
    plan: Plan,
    run: Path,
    *,
    device: str,
    stages: Sequence[str] | None = None,
    fresh: bool = False,
    on_pair: OnPair,
    tell: Tell = lambda _: None,
) -> list[Failure]:
    """Do what is not done yet of a plan, and collect the records.

    Args:
        plan: What to do.
        run: The run directory.
        device: As torch names it.
        stages: Names of the stages to do; all unless given. Without `fuse` the images must be there.
        fresh: Compute these stages anew, and what rests on them.
        on_pair: Called with the name of the stage and what is worked on after every pair of every unit.
        tell: Called with a sentence for the user, for example where the workers of a cluster can be watched.

    Returns:
        All pairs that failed, in this call or, in a stage that was not run now, before.

    Raises:
        UsageError: Another process works in the directory, or the stages that are not done are not as they were.
        StorageError: Results cannot be written; what was kept so far is used next time.
        ClusterError: There are no workers, they are lost, or they do not find what they need.
    """
    with locked(run), _interrupted_by_sigterm(), _workers(plan, run, device, tell) as workers:
        chosen = [stage for stage in plan.stages if stages is None or stage.name in stages]
        # Fusing needs nothing of an earlier call, and may begin a run.
        if plan.stages[0] not in chosen:
            manifest.refuse_other(run, plan.of(), [stage.name for stage in chosen])
            store.refuse_absent(run, plan.of([stage.name for stage in plan.stages if stage not in chosen]))
        if fresh:
            # What was found in images that are made anew is no longer theirs, whatever the stages of this call.
            names = None if plan.stages[0] in chosen else [stage.name for stage in chosen]
            store.discard(run, plan.of(names))
        stopped = False
        for stage in chosen:
            work = _Work(stage, plan.units[stage.name], plan.config, run, device, on_pair, workers)
            done = work.carry_out()
            if not done and plan.config.fail_fast:
                stopped = True
                break
        tables = records.collect(run, plan)
        manifest.write(run, plan, device, tables)
        # A call that begins a run lacks nothing of the stages that it was not asked for; others rest on all of them.
        expected = plan.of([stage.name for stage in (chosen if plan.stages[0] in chosen else plan.stages)])
        return [*store.failures(run, plan.of()), *([] if stopped else store.missing(run, expected))]


def work_on(stage: Stage, units: Sequence[Unit], run: Path, config: RunConfig, *, device: str, on_pair: OnPair) -> bool:
    """Do what is not done yet of some units of one stage; whether no pair failed.

    The caller holds the lock of the run directory; see `carry_out` for the arguments.
    """
    return _Work(stage, units, config, run, device, on_pair, named.pool_of(config)).carry_out()


@contextmanager
def _workers(plan: Plan, run: Path, device: str, tell: Tell) -> Iterator[Workers | None]:
    workers = named.workers_of(plan.config, run, plan.of(), device, tell)
    try:
        yield workers
    finally:
        if workers is not None:
            workers.close()


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does: stop in order, keeping what is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@dataclass(frozen=True)
class _Work:
    """One stage of a run, being carried out."""

    stage: Stage
    units: Sequence[Unit]
    config: RunConfig
    run: Path
    device: str
    on_pair: OnPair
    workers: Workers | None

    def carry_out(self) -> bool:
        """Work on what waits; whether no pair failed."""
        groups = self._groups()
        if not groups:
            return True
        shutil.rmtree(self.run / "progress", ignore_errors=True)
        # A name of its own, so that a worker that an earlier call left cannot take this one for that.
        progress = self.run / "progress" / uuid4().hex[:12]
        progress.mkdir(parents=True)
        try:
            jobs = self._jobs(groups, progress)
            return self._in_workers(self.workers, jobs) if self.workers else self._inline(jobs)
        finally:
            shutil.rmtree(self.run / "progress", ignore_errors=True)

    def _groups(self) -> list[tuple[tuple[Unit, ...], list[Waiting]]]:
        """What waits, by units that are worked on together; what does not is reported as finished."""
        found = []
        for units in self.stage.groups(self.units):
            waiting = [self._waiting(unit) for unit in units]
            work = [
                (pair, tuple(unit for unit, pairs in zip(units, waiting, strict=True) if pair.id in pairs))
                for pair in units[0].dataset.pairs
            ]
            open_work = [(pair, lacking) for pair, lacking in work if lacking]
            for _ in range(len(units) * len(work) - sum(len(lacking) for _, lacking in open_work)):
                self.on_pair(self.stage.name, _what(units))
            if open_work:
                found.append((units, open_work))
        return found

    def _waiting(self, unit: Unit) -> set[str]:
        """The pairs of a unit without a result that stands, but with an artefact if the stage reads one."""
        kept = store.finished(self.run, unit, self.stage.holds(self.run, unit))
        ready = store.ready(self.run, unit)
        waiting = ready - kept.keys()
        if waiting or len(kept) < len(unit.dataset.pairs):
            store.begin(self.run, unit, kept)
        return waiting

    def _jobs(self, groups: Sequence[tuple[tuple[Unit, ...], list[Waiting]]], progress: Path) -> list[Job]:
        """Divide what waits in each group into shares."""
        config, workers = self.config, self.workers
        runtime = Runtime(
            self.run,
            self.device,
            config.precision,
            config.seed,
            workers.threads if workers else threads_per_job(1),
            config.fail_fast,
            tuple(config.plugins),
            config.compiled,
        )
        options = config.options.get(self.stage.name, {})
        return [
            Job(
                self.stage.name,
                Share(units, tuple(waiting[number::shares]), number),
                runtime,
                progress / f"{group}-{number}",
                options,
            )
            for group, (units, waiting) in enumerate(groups)
            for shares in [workers.shares(len(waiting)) if workers else 1]
            for number in range(shares)
        ]

    def _reporter(self, job: Job) -> Callable[[], None]:
        """What is called after every pair of a job."""
        return partial(self.on_pair, self.stage.name, _what(job.share.units))

    def _inline(self, jobs: Sequence[Job]) -> bool:
        limit_threads(threads_per_job(1))
        done = True
        for job in jobs:
            done &= carry_out_here(job, job.runtime, self._reporter(job))
            if not done and job.runtime.fail_fast:
                break
        return done

    def _in_workers(self, workers: Workers, jobs: Sequence[Job]) -> bool:
        """Carry jobs out in workers; those that were at work when a worker died are tried once more, each alone."""
        done, waiting = True, list(jobs)
        while waiting:
            good, unfinished = self._submit(workers, waiting)
            done &= good
            groups = workers.second_tries(unfinished)
            for group in groups:
                done &= self._alone(workers, group)
            tried = {job.progress for group in groups for job in group}
            waiting = [job for job in unfinished if job.progress not in tried]
            if not done and self.config.fail_fast:
                break
        if done:
            self._see(workers.lag, jobs)
        return done

    def _alone(self, workers: Workers, jobs: Sequence[Job]) -> bool:
        """Try what is left of jobs once more, each in a worker of its own; its pairs have failed where that dies."""
        left = [self._again(job) for job in self._left(jobs)]
        if not left:
            return True
        good, unfinished = self._submit(workers, left)
        for job in self._left(unfinished):
            self._fail(job, DIED)
        return good and not unfinished

    def _again(self, job: Job) -> Job:
        """A job with files of its own, as its first try may yet be at work somewhere."""
        number = job.share.number + len(job.share.units[0].dataset.pairs)
        return replace(
            job, share=replace(job.share, number=number), progress=job.progress.with_name(f"{job.progress.name}-again")
        )

    def _see(self, seconds: float, jobs: Sequence[Job]) -> None:
        """Wait until what workers of other machines have kept is seen here too, but not longer than it may take."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self._left(jobs):
            time.sleep(GLANCE)

    def _left(self, jobs: Sequence[Job]) -> list[Job]:
        """Jobs without the pairs that have a result by now; those that have any left."""
        units = {unit.folder: unit for job in jobs for unit in job.share.units}
        known = {folder: store.results(self.run, unit).keys() for folder, unit in units.items()}
        found = []
        for job in jobs:
            work = (
                (pair, tuple(unit for unit in waits if pair.id not in known[unit.folder]))
                for pair, waits in job.share.waiting
            )
            left = tuple((pair, waits) for pair, waits in work if waits)
            found += [replace(job, share=replace(job.share, waiting=left))] if left else []
        return found

    def _fail(self, job: Job, reason: str) -> None:
        for pair, units in job.share.waiting:
            for unit in units:
                store.append(self.run, unit, job.share.number, pair.id, Result(None, reason))
                self.on_pair(self.stage.name, _what(job.share.units))

    def _submit(self, workers: Workers, jobs: Sequence[Job]) -> tuple[bool, list[Job]]:
        """Have workers carry out jobs; whether no pair failed, and which jobs a dead worker left unfinished."""
        progress = Growth(jobs[0].progress.parent, {job.progress.name: self._reporter(job) for job in jobs})
        finished: SimpleQueue[tuple[Job, Future[bool]]] = SimpleQueue()
        done, unfinished, later, submitted = True, [], deque(jobs), 0
        with workers.open(len(jobs)) as executor:
            most = workers.ahead(fail_fast=self.config.fail_fast)
            while submitted or later:
                while later and submitted < most:
                    job = later.popleft()
                    future = _try_to_submit(executor, job, workers.deaths)
                    future.add_done_callback(lambda future, job=job: finished.put((job, future)))  # type: ignore[misc]
                    submitted += 1
                for job, future in _all_of(finished):
                    submitted -= 1
                    good = self._outcome(workers, future, job)
                    if good is None:
                        unfinished.append(job)
                    else:
                        progress.end(job.progress)
                    done &= good is not False
                if not done and self.config.fail_fast:
                    later.clear()
                progress.look()
                workers.look()
        progress.look()
        left = {job.progress for job in unfinished}
        return done, [job for job in jobs if job.progress in left]

    def _outcome(self, workers: Workers, future: Future[bool], job: Job) -> bool | None:
        """Whether no pair of a job failed; None where its worker died. A job that raised has failed as a whole."""
        if future.cancelled():
            raise workers.lost()
        # Asked for, not raised: a KeyboardInterrupt that code in a worker raised is none of this process.
        error = future.exception()
        if isinstance(error, workers.deaths):
            return None
        if error is not None:
            for left in self._left([job]):
                self._fail(left, sentence(error))
            return False
        return future.result()


def _try_to_submit(executor: Executor, job: Job, deaths: tuple[type[BaseException], ...]) -> Future[bool]:
    """Submit a job; to an executor that is broken already, give back a future that says so."""
    try:
        return executor.submit(job.lean())
    except deaths as error:
        future: Future[bool] = Future()
        future.set_exception(error)
        return future


def _all_of(queue: SimpleQueue[Any]) -> Iterator[Any]:
    """All entries that are there, after a wait for the first one."""
    try:
        yield queue.get(timeout=GLANCE)
        while True:
            yield queue.get_nowait()
    except Empty:
        return


def _what(units: Sequence[Unit]) -> str:
    """What is worked on: `uaa on msrs test`, or the data set where all methods are."""
    first = units[0]
    return f"{first.method.label} on {first.dataset.name}" if len(units) == 1 else first.dataset.name
