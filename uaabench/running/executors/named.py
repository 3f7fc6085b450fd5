"""From the option `--executor` to workers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from uaabench.core import registry
from uaabench.core.errors import UsageError
from uaabench.core.threads import threads_per_job
from uaabench.running.config import RunConfig
from uaabench.running.executors.pool import Pool
from uaabench.running.executors.workers import Tell, Workers
from uaabench.running.units import Unit

LOCAL = "dask"
RUNNING = "dask://"


def needs_workers(config: RunConfig) -> bool:
    """Whether workers do the work of a run: some were asked for, or code of others could end this process."""
    return bool(config.executor) or config.jobs > 1 or bool(config.plugins) or registry.has_code_of_others()


def pool_of(config: RunConfig) -> Workers | None:
    """Workers of this machine; None where this process does the work itself."""
    return Pool(config.jobs) if needs_workers(config) else None


def workers_of(config: RunConfig, run: Path, units: Sequence[Unit], device: str, tell: Tell) -> Workers | None:
    """The workers of a run, not started yet; None where this process does the work itself.

    Args:
        config: The description of the run.
        run: The run directory.
        units: What it consists of.
        device: As torch names it.
        tell: What shows the user a sentence.

    Raises:
        UsageError: There is no such executor, or no such GPU.
        ClusterError: The packages of clusters are not installed.
    """
    if not config.executor:
        return pool_of(config)
    # Only here, as Dask takes a second to import.
    from uaabench.running.executors import cluster, jobqueue
    from uaabench.running.executors.surroundings import Surroundings

    gpu = device.startswith("cuda")
    start: Callable[[], cluster.Started]
    if config.executor == LOCAL:
        gpus = cluster.gpus_of_this_machine() if gpu else []
        workers = len(gpus) if config.jobs == 1 and gpus else config.jobs
        start, threads = partial(cluster.local, workers, gpus), threads_per_job(workers)
    elif is_file(config.executor):
        asked = jobqueue.read(Path(config.executor))
        start, threads = partial(jobqueue.start, asked), asked.cores
    else:
        start, threads = partial(cluster.running, address_of(config.executor)), 1
    return cluster.Cluster(start, Surroundings.of(run, config, units), gpu=gpu, threads=threads, tell=tell)


def kind_of_device(requested: str, executor: str) -> str:
    """The kind of device of the workers of an executor that may be on other machines.

    Raises:
        UsageError: There is no such executor, or what its workers have cannot be known here.
    """
    if not is_file(executor):
        address_of(executor)
        if requested == "auto":
            raise UsageError(
                f"Write --device cpu or --device cuda: what the workers of '{executor}' have cannot be known here."
            )
        return requested
    from uaabench.running.executors import jobqueue

    gpus = jobqueue.read(Path(executor)).gpus
    if requested == "cuda" and not gpus:
        raise UsageError(f"With --device cuda workers need a GPU: write 'gpus: 1' in {executor}.")
    return "cuda" if gpus and requested != "cpu" else "cpu"


def is_file(executor: str) -> bool:
    """Whether an executor is named by the file that describes it."""
    return executor.endswith((".yaml", ".yml"))


def address_of(executor: str) -> str:
    """HOST:PORT of `dask://HOST:PORT`.

    Raises:
        UsageError: It is no such name.
    """
    address = executor.removeprefix(RUNNING)
    if not executor.startswith(RUNNING) or not re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}", address, re.ASCII):
        raise UsageError(
            f"There is no executor '{executor}'; write `dask` for workers of this machine, `dask://HOST:PORT` for a "
            "scheduler that runs, or the name of a YAML file that describes a batch system."
        )
    return address
