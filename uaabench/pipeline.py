"""Carries a plan out: its fuse units, then its score units, then the records and the reports."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from contextlib import contextmanager
from functools import partial
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from uaabench import executors, manifest, store
from uaabench.config import RunConfig
from uaabench.errors import UsageError
from uaabench.metrics.profiles import profile
from uaabench.plan import Plan, Unit
from uaabench.stages.fuse import Runtime, explain, fuse_unit
from uaabench.stages.score import score_unit
from uaabench.store import Failure

STAGES = ("fuse", "score")
OnPair = Callable[[str], None]


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
        # Scores of images that are made anew are no longer theirs, whatever the stages of this call.
        store.discard(run, plan.score)
        store.discard(run, plan.fuse if "fuse" in stages else ())
    manifest.write(run, plan, device)
    config = plan.config
    runtime = Runtime(
        run, device, config.precision, config.seed, executors.threads_per_job(config.jobs), config.fail_fast
    )
    with _executor(config, on_pair) as (executor, report):
        for stage in stages:
            units: tuple[Unit, ...] = getattr(plan, stage)
            names = tuple(metric.name for metric in plan.metrics)
            tasks = [partial(_run_unit, unit, plan.profile.name, names, runtime, report) for unit in units]
            if _run_all(executor, tasks, units, runtime) and config.fail_fast:
                break
    store.consolidate(run, plan)
    return store.read_failures(run, [unit.folder for unit in (*plan.fuse, *plan.score)])


def _run_unit(
    unit: Unit, profile_name: str, metrics: Sequence[str], runtime: Runtime, on_pair: OnPair | None
) -> list[Failure]:
    """Do one unit; in a worker, where `on_pair` is None, progress goes through the worker's channel.

    Profile and metrics come by name, as the functions of a metric need not be picklable.
    """
    report = partial(on_pair or executors.report_pair, unit.stage)
    if store.is_done(runtime.run, unit):
        for _ in unit.dataset.pairs:
            report()
        return []
    if unit.stage == "fuse":
        return fuse_unit(unit, runtime, report)
    convention = profile(profile_name)
    return score_unit(unit, convention, convention.select(metrics), runtime, report)


def _run_all(
    executor: Executor, tasks: Sequence[Callable[[], list[Failure]]], units: Sequence[Unit], runtime: Runtime
) -> list[Failure]:
    """Submit all units and wait for them, or with `fail_fast` only for those that end before the first failure."""
    futures: dict[Future[list[Failure]], Unit] = {}
    failures: list[Failure] = []
    for task, unit in zip(tasks, units, strict=True):
        future = executor.submit(task)
        futures[future] = unit
        # In this process a submitted unit is done by now.
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


def _outcome(future: Future[list[Failure]], unit: Unit, run: Path) -> list[Failure]:
    """The failures of a unit; one that died as a whole, with its worker, has failed for each of its pairs."""
    try:
        return future.result()
    except Exception as error:
        lost = [
            Failure(unit.stage, unit.method.label, unit.dataset.label, pair.id, explain(error))
            for pair in unit.dataset.pairs
        ]
        store.begin(run, unit)
        store.finish(run, unit, lost)
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
