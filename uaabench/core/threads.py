"""How many processor threads are used, and telling the numeric libraries."""

from __future__ import annotations

import os


def threads_per_job(jobs: int) -> int:
    """Processor threads that each of `jobs` workers may use: an equal share, at least one.

    `OMP_NUM_THREADS`, where it is set, is what one worker may use at most.
    """
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    share = max(1, available // jobs)
    return min(share, int(asked)) if asked.isdecimal() and int(asked) > 0 else share


def limit_threads(threads: int) -> None:
    """Let the numeric libraries of this process use so many threads."""
    import cv2
    import torch

    torch.set_num_threads(threads)
    # Metrics run in threads of their own, one pair each.
    cv2.setNumThreads(1)
