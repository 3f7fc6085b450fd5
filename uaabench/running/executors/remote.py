"""What runs in a worker of a Dask cluster: a process of its own for each run, which carries out one job at a time.

A worker outlives runs, and may serve other people beside: it must not keep the plug-ins of one run for the next, take
its random numbers from what ran before, or be ended by a method.
"""

from __future__ import annotations

import multiprocessing
import pickle
import threading
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from uaabench.core.errors import ClusterError
from uaabench.running.executors.job import Job
from uaabench.running.executors.pool import end_at_once, spawn
from uaabench.running.executors.surroundings import Surroundings
from uaabench.running.executors.workers import WorkerDied

SECONDS_BETWEEN_LOOKS = 1.0
# A worker that has several threads against all advice does one job after the other all the same.
_LOCK = threading.Lock()
# The process of this worker by the token of its run: one, or none.
_processes: dict[str, ProcessPoolExecutor] = {}


def work(parcel: bytes) -> bool:
    """Carry a job out; whether no pair failed.

    Args:
        parcel: The surroundings and the job, pickled.

    Raises:
        ClusterError: This worker does not find the run directory or the working directory, or the run is over.
        WorkerDied: The process died; or the job was begun before, by a worker that must have died.
    """
    surroundings: Surroundings
    job: Job
    surroundings, job = pickle.loads(parcel)
    with _LOCK:
        try:
            job.progress.touch(exist_ok=False)
        except FileExistsError as error:
            raise WorkerDied(str(job.progress)) from error
        except OSError as error:
            raise ClusterError(surroundings.not_shared(job.progress.parent)) from error
        future = _process_of(surroundings.token).submit(_carry_out, surroundings, job)
        while not wait([future], timeout=SECONDS_BETWEEN_LOOKS).done:
            # What outlives its launcher must not work beside the one that takes the run up.
            if not job.progress.exists():
                _end_all()
                raise ClusterError(f"The run in {surroundings.run} that gave this job is over.")
        try:
            return future.result()
        except BrokenProcessPool as error:
            _end_all()
            raise WorkerDied(str(job.progress)) from error


def end(token: str) -> None:
    """End the process of a run that is over; one that still works ends by itself."""
    if _LOCK.acquire(blocking=False):
        try:
            if token in _processes:
                _end_all()
        finally:
            _LOCK.release()


def _process_of(token: str) -> ProcessPoolExecutor:
    if token not in _processes:
        _end_all()
        # Dask makes its workers daemons, which may have no children; this one ends with its parent by itself.
        vars(multiprocessing.current_process())["_config"]["daemon"] = False
        _processes[token] = spawn(1)
    return _processes[token]


def _end_all() -> None:
    while _processes:
        end_at_once(_processes.popitem()[1])


def _carry_out(surroundings: Surroundings, job: Job) -> bool:
    surroundings.enter()
    return job()
