"""Where shares are carried out: in this process, or by a `concurrent.futures.Executor` such as our pool of workers.

What an executor is given is a `Job`, which can be pickled and brings everything along: what to do, which plug-ins to
load, and where to report progress, a file that grows by a byte with every pair. So a worker needs nothing but the run
directory, and any executor whose workers see that directory can take the place of the pool.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from uaabench.core import plugins, registry
from uaabench.core.errors import enter_worker
from uaabench.core.interface import Pair
from uaabench.core.threads import limit_threads
from uaabench.running import stage, store
from uaabench.running.units import Outcome, Runtime, Share, Unit


@dataclass(frozen=True)
class Job:
    """One share of one stage, as an executor gets it.

    Attributes:
        stage: Name of the stage.
        options: Its options.
        share: What to do.
        runtime: Where and how.
        progress: File that grows by a byte with every pair of every unit; exists once the job was started.
    """

    stage: str
    share: Share
    runtime: Runtime
    progress: Path
    options: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self) -> bool:
        """Carry the share out, keeping each result; whether no pair failed."""
        ready(self.runtime)
        runtime = replace(self.runtime, device=device_of_worker(self.runtime.device))
        with self.progress.open("ab", buffering=0) as progress:
            return carry_out(self, runtime, lambda: progress.write(b"."))


def carry_out(job: Job, runtime: Runtime, on_pair: Callable[[], object]) -> bool:
    """Carry a job out in this process; whether no pair failed."""
    failed = False
    left = {(unit.folder, pair.id): (unit, pair) for pair, units in job.share.waiting for unit in units}
    work = stage.make(job.stage, {job.stage: job.options}).work(job.share, runtime)
    for outcome in chain(work, _forgotten(left)):
        left.pop((outcome.unit.folder, outcome.pair.id), None)
        result = store.Result(outcome.value, outcome.reason)
        store.append(runtime.run, outcome.unit, job.share.number, outcome.pair.id, result)
        on_pair()
        if outcome.reason:
            failed = True
            if runtime.fail_fast:
                break
    return not failed


def _forgotten(left: Mapping[Any, tuple[Unit, Pair]]) -> Iterator[Outcome]:
    """What a stage passed over in silence has failed."""
    yield from [Outcome(unit, pair, reason="the stage gave no result for this pair") for unit, pair in left.values()]


@contextmanager
def pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of spawned workers that end with this process, and at once where the block raises."""
    context = multiprocessing.get_context("spawn")
    numbers = context.Value("i", 0)
    executor = ProcessPoolExecutor(workers, context, _start_worker, (os.getpid(), numbers))
    try:
        yield executor
    except BaseException:
        _end(executor)
        raise
    executor.shutdown(wait=True, cancel_futures=True)


def _end(executor: ProcessPoolExecutor) -> None:
    """End a pool without waiting for the jobs that run: their pairs are worked on again next time."""
    processes = list((getattr(executor, "_processes", None) or {}).values())
    executor.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()


_worker_number: int | None = None


def _start_worker(parent: int, numbers: Any) -> None:
    global _worker_number  # noqa: PLW0603 - a worker process has exactly one number
    with numbers.get_lock():
        _worker_number = numbers.value
        numbers.value += 1
    # Ctrl-C arrives at all processes of the terminal; the parent decides what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    enter_worker()
    _die_with(parent)


def _die_with(parent: int) -> None:
    """End this process when its parent ends, however that happens: at once on Linux, within a second elsewhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        plugins.end_now(1)

    threading.Thread(target=watch, daemon=True).start()


_ready: set[Path] = set()


def ready(runtime: Runtime) -> None:
    """Get this process ready for a job: threads, and the plug-ins it does not know yet."""
    limit_threads(runtime.threads)
    new = [path for path in runtime.plugins if path not in _ready]
    registry.load_plugins(new)
    _ready.update(new)


def device_of_worker(device: str) -> str:
    """The device of this worker: of several GPUs the workers of a pool take one after another."""
    if device != "cuda" or _worker_number is None:
        return device
    import torch

    return f"cuda:{_worker_number % max(torch.cuda.device_count(), 1)}"
