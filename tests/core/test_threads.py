"""The processor is shared out among workers, within what the user allows."""

import os

import pytest

from uaabench.core.threads import threads_per_job


@pytest.mark.parametrize(
    ("limit", "jobs", "threads"),
    [(None, 1, 8), (None, 3, 2), (None, 16, 1), ("1", 1, 1), ("3", 1, 3), ("3", 4, 2), ("16", 1, 8), ("2,4", 1, 2),
     ("", 1, 8), ("many", 1, 8), ("0", 1, 8)],
)  # fmt: skip
def test_a_worker_takes_its_share_and_no_more_than_omp_num_threads(monkeypatch, limit, jobs, threads):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if limit is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", limit)
    assert threads_per_job(jobs) == threads
