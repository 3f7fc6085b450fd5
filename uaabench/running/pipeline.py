"""Carries a plan out, stage by stage, in shares; then collects the records."""

from __future__ import annotations

import shutil
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from uaabench.core import registry
from uaabench.core.errors import UsageError, sentence
from uaabench.core.threads import limit_threads, threads_per_job
from uaabench.running import executors, manifest, records, store
from uaabench.running.config import RunConfig
from uaabench.running.executors import Job
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


def needs_workers(config: RunConfig) -> bool:
    """Whether workers do the work of a run: more than one job, or code of others, which could end this process."""
    return config.jobs > 1 or bool(config.plugins) or registry.has_code_of_others()


def carry_out(
    plan: Plan, run: Path, *, device: str, stages: Sequence[str] | None = None, fresh: bool = False, on_pair: OnPair
) -> list[Failure]:
    """Do what is not done yet of a plan, and collect the records.

    Args:
        plan: What to do.
        run: The run directory.
        device: As torch names it.
        stages: Names of the stages to do; all unless given. Without `fuse` the images must be there.
        fresh: Compute these stages anew, and what rests on them.
        on_pair: Called with the name of the stage and what is worked on after every pair of every unit.

    Returns:
        All pairs that failed, in this call or, in a stage that was not run now, before.

    Raises:
        UsageError: Another process works in the directory, or the stages that are not done are not as they were.
        StorageError: Results cannot be written; what was kept so far is used next time.
    """
    with locked(run), _interrupted_by_sigterm():
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
            done = work_on(stage, plan.units[stage.name], run, plan.config, device=device, on_pair=on_pair)
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
    return _Work(stage, units, config, run, device, on_pair).carry_out()


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

    def carry_out(self) -> bool:
        """Work on what waits; whether no pair failed."""
        groups = self._groups()
        if not groups:
            return True
        progress = self.run / "progress"
        shutil.rmtree(progress, ignore_errors=True)
        progress.mkdir()
        try:
            jobs = self._jobs(groups, progress)
            return self._in_workers(jobs) if needs_workers(self.config) else self._inline(jobs)
        finally:
            shutil.rmtree(progress, ignore_errors=True)

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
        """Divide what waits in each group into as many shares as there are workers."""
        config = self.config
        runtime = Runtime(
            self.run,
            self.device,
            config.precision,
            config.seed,
            threads_per_job(config.jobs),
            config.fail_fast,
            tuple(config.plugins),
        )
        options = config.options.get(self.stage.name, {})
        return [
            Job(
                self.stage.name,
                Share(units, tuple(waiting[number :: config.jobs]), number),
                runtime,
                progress / f"{group}-{number}",
                options,
            )
            for group, (units, waiting) in enumerate(groups)
            for number in range(min(config.jobs, len(waiting)))
        ]

    def _reporter(self, job: Job) -> Callable[[], None]:
        """What is called after every pair of a job."""
        return partial(self.on_pair, self.stage.name, _what(job.share.units))

    def _inline(self, jobs: Sequence[Job]) -> bool:
        limit_threads(threads_per_job(1))
        done = True
        for job in jobs:
            done &= executors.carry_out(job, job.runtime, self._reporter(job))
            if not done and job.runtime.fail_fast:
                break
        return done

    def _in_workers(self, jobs: Sequence[Job]) -> bool:
        """Carry jobs out in workers; those that were at work when a worker died are tried once more, each alone."""
        done, waiting = True, list(jobs)
        while waiting:
            with executors.pool(min(self.config.jobs, len(waiting))) as pool:
                good, unfinished = self._submit(pool, waiting)
            done &= good
            suspects = [job for job in unfinished if job.progress.exists()] or unfinished[:1]
            for job in suspects:
                done &= self._alone(job)
            waiting = [job for job in unfinished if job not in suspects]
            if not done and self.config.fail_fast:
                break
        return done

    def _alone(self, job: Job) -> bool:
        """Try what is left of a job in a worker of its own; where that dies as well, its pairs have failed."""
        left = self._left(job)
        if not left.share.waiting:
            return True
        with executors.pool(1) as pool:
            good, unfinished = self._submit(pool, [left])
        if unfinished:
            self._fail(self._left(left), DIED)
        return good and not unfinished

    def _left(self, job: Job) -> Job:
        """A job without the pairs that have a result by now."""
        known = {unit.folder: store.results(self.run, unit).keys() for unit in job.share.units}
        work = [
            (pair, tuple(unit for unit in units if pair.id not in known[unit.folder]))
            for pair, units in job.share.waiting
        ]
        return replace(job, share=replace(job.share, waiting=tuple((pair, units) for pair, units in work if units)))

    def _fail(self, job: Job, reason: str) -> None:
        for pair, units in job.share.waiting:
            for unit in units:
                store.append(self.run, unit, f"{job.share.number}", pair.id, Result(None, reason))
                self.on_pair(self.stage.name, _what(job.share.units))

    def _submit(self, executor: Executor, jobs: Sequence[Job]) -> tuple[bool, list[Job]]:
        """Have an executor carry out jobs; whether no pair failed, and which jobs a dead worker left unfinished."""
        progress = _Progress({job.progress: self._reporter(job) for job in jobs})
        futures: dict[Future[bool], Job] = {}
        waiting: set[Future[bool]] = set()
        done, unfinished, later = True, [], deque(jobs)
        # With fail_fast only as many as there are workers, as what an executor holds ready cannot be taken back.
        most = self.config.jobs if self.config.fail_fast else len(jobs)
        while waiting or later:
            while later and len(waiting) < most:
                job = later.popleft()
                future = _try_to_submit(executor, job)
                futures[future] = job
                waiting.add(future)
            finished, waiting = wait(waiting, timeout=GLANCE, return_when=FIRST_COMPLETED)
            progress.look()
            for future in finished:
                good = self._outcome(future, futures[future])
                if good is None:
                    unfinished.append(futures[future])
                    continue
                done &= good
                if not done and self.config.fail_fast:
                    later.clear()
        progress.look()
        return done, [job for job in jobs if job in unfinished]

    def _outcome(self, future: Future[bool], job: Job) -> bool | None:
        """Whether no pair of a job failed; None where its worker died. A job that raised has failed as a whole."""
        # Asked for, not raised: a KeyboardInterrupt that code in a worker raised is none of this process.
        error = future.exception()
        if isinstance(error, BrokenProcessPool):
            return None
        if error is not None:
            self._fail(self._left(job), sentence(error))
            return False
        return future.result()


def _try_to_submit(executor: Executor, job: Job) -> Future[bool]:
    """Submit a job; to an executor that is broken already, give back a future that says so."""
    try:
        return executor.submit(job)
    except BrokenProcessPool as error:
        future: Future[bool] = Future()
        future.set_exception(error)
        return future


def _what(units: Sequence[Unit]) -> str:
    """What is worked on: `uaa on msrs test`, or the data set where all methods are."""
    first = units[0]
    return f"{first.method.label} on {first.dataset.name}" if len(units) == 1 else first.dataset.name


class _Progress:
    """Reports how files grow from now on.

    Args:
        on_byte: For the file of each job, what is called for every byte.
    """

    def __init__(self, on_byte: Mapping[Path, Callable[[], None]]) -> None:
        self._sizes = {file: _size(file) for file in on_byte}
        self._on_byte = on_byte

    def look(self) -> None:
        """Report what was added since the last look."""
        for file, before in self._sizes.items():
            size = _size(file)
            for _ in range(size - before):
                self._on_byte[file]()
            self._sizes[file] = size


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
