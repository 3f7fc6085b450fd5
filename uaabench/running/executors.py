"""Where units run: in this process, or in a pool of spawned workers.

Both are a `concurrent.futures.Executor`, so that any other one, such as that of a cluster, can take their place.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_finished_pairs: SimpleQueue[str] | None = None


class InlineExecutor(Executor):
    """Runs what is submitted at once, in this process and thread."""

    def submit(
        self, fn: Callable[Parameters, Result], /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Future[Result]:
        """Run the call; the future that is returned is finished."""
        future: Future[Result] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def threads_per_job(jobs: int) -> int:
    """Processor threads that each of `jobs` workers may use: an equal share, at least one.

    `$OMP_NUM_THREADS`, by which users and schedulers of clusters limit numeric libraries, may make it less.
    """
    share = max(1, len(os.sched_getaffinity(0)) // jobs) if hasattr(os, "sched_getaffinity") else 1
    limit = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return min(share, int(limit)) if limit.isdecimal() and int(limit) else share


def make_pool(jobs: int, plugins: Sequence[Path], events: SimpleQueue[str]) -> ProcessPoolExecutor:
    """A pool of spawned workers that know the plugins and report every finished pair to `events`."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, context, _start_worker, (threads_per_job(jobs), list(plugins), events))


def _start_worker(threads: int, plugins: Sequence[Path], events: SimpleQueue[str]) -> None:
    global _finished_pairs  # noqa: PLW0603 - a worker process has exactly one channel
    _finished_pairs = events
    limit_threads(threads)
    from uaabench.core import registry

    registry.load_plugins(plugins)


def limit_threads(threads: int) -> None:
    """Let the numeric libraries of this process use so many threads."""
    import cv2
    import torch

    torch.set_num_threads(threads)
    # Metrics run in threads of their own, one pair each.
    cv2.setNumThreads(1)


def report_pair(stage: str) -> None:
    """Tell the parent process that a pair is finished; called in a worker."""
    if _finished_pairs is not None:
        _finished_pairs.put(stage)
