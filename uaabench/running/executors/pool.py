"""Workers that are processes of this machine: `--jobs`."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from uaabench.core import plugins
from uaabench.core.errors import enter_worker
from uaabench.core.threads import threads_per_job
from uaabench.running.executors.job import Job, number_worker
from uaabench.running.executors.workers import Workers


class Pool(Workers):
    """So many processes of this machine, new ones for each stage and after each death."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self.threads = threads_per_job(jobs)

    @property
    def deaths(self) -> tuple[type[BaseException], ...]:
        """What the standard library says of a pool one of whose workers died."""
        return (BrokenProcessPool,)

    @contextmanager
    def open(self, jobs: int) -> Iterator[ProcessPoolExecutor]:
        """A pool for so many jobs at most."""
        with pool(min(self._jobs, jobs)) as executor:
            yield executor

    def shares(self, pairs: int) -> int:
        """As many as there are workers."""
        return min(self._jobs, pairs)

    def ahead(self, *, fail_fast: bool) -> int:
        """All, unless the first failure counts: what a pool holds ready cannot be taken back."""
        return self._jobs if fail_fast else sys.maxsize

    def second_tries(self, unfinished: Sequence[Job]) -> list[list[Job]]:
        """Each of those that were started by itself: which of the workers of a broken pool died is not known."""
        return [[job] for job in unfinished if job.progress.exists()] or [[job] for job in unfinished[:1]]


@contextmanager
def pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of spawned workers that end with this process, and at once where the block raises."""
    executor = spawn(workers)
    try:
        yield executor
    except BaseException:
        end_at_once(executor)
        raise
    executor.shutdown(wait=True, cancel_futures=True)


def spawn(workers: int) -> ProcessPoolExecutor:
    """Spawned workers that end with this process."""
    context = multiprocessing.get_context("spawn")
    numbers = context.Value("i", 0)
    return ProcessPoolExecutor(workers, context, _start_worker, (os.getpid(), numbers))


def end_at_once(executor: ProcessPoolExecutor) -> None:
    """End a pool without waiting for the jobs that run: their pairs are worked on again next time."""
    processes = list((getattr(executor, "_processes", None) or {}).values())
    executor.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()


def _start_worker(parent: int, numbers: Any) -> None:
    with numbers.get_lock():
        number_worker(numbers.value)
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
