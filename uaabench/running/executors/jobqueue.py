"""A cluster that a batch system is asked for: `--executor slurm.yaml`.

Each worker is a job of its own, so that it comes and goes by itself, and has at most one GPU, which the batch system
chooses. It retires before its walltime ends, each a little apart from the others, and what it was doing is done again.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, ValidationInfo, field_validator

from uaabench.core.errors import ClusterError, sentence
from uaabench.core.mappings import read_mapping
from uaabench.running.config import invalid_entry
from uaabench.running.executors.cluster import MISSING, Started

SHORTEST_WALLTIME = 600
# So many seconds before the walltime, or a tenth of it, every worker has retired.
MARGIN = 300
# A value becomes part of a line of a script.
Line = Annotated[str, Field(pattern=r"^[^\r\n]+$")]


class WorkersAsked(BaseModel):
    """How many workers there may be: as many as there is work for, within these bounds.

    Attributes:
        least: Entry `from`.
        most: Entry `to`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    least: PositiveInt = Field(default=1, alias="from")
    most: PositiveInt = Field(alias="to")

    @field_validator("most")
    @classmethod
    def _not_below_least(cls, most: int, info: ValidationInfo) -> int:
        if most < info.data.get("least", 1):
            raise ValueError(f"it is below 'from', which is {info.data['least']}")
        return most


class BatchSystem(BaseModel):
    """What a batch system is asked for, for each worker.

    Attributes:
        system: Which it is.
        queue: Its queue, or partition.
        account: What is charged.
        walltime: HH:MM:SS.
        cores: Processor cores.
        memory: Such as `16GB`.
        gpus: 1 for a GPU.
        workers: How many.
        setup: Lines of shell before the worker starts, such as `source ~/venv/bin/activate`.
        directives: Further options of a job, as the batch system writes them.
        interface: Network interface between the workers and this machine, such as `ib0`.
        python: The interpreter; that of this process unless given.
        logs: Folder for what workers print; where the batch system puts it unless given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    system: Literal["slurm", "pbs", "lsf", "sge"]
    queue: Line | None = None
    account: Line | None = None
    walltime: Annotated[str, Field(pattern=r"^\d{1,3}:[0-5]\d:[0-5]\d$")]
    cores: PositiveInt = 1
    memory: Annotated[str, Field(pattern=r"^[1-9]\d*[KMGT]B$")]
    gpus: Literal[0, 1] = 0
    workers: WorkersAsked
    setup: list[Line] = []
    directives: list[Line] = []
    interface: Line | None = None
    python: Line | None = None
    logs: Line | None = None

    @field_validator("walltime", mode="before")
    @classmethod
    def _as_text(cls, walltime: Any) -> Any:
        """YAML takes 12:00:00, but not 02:00:00, for a number to the base of 60."""
        if not isinstance(walltime, int) or isinstance(walltime, bool):
            return walltime
        return f"{walltime // 3600:02}:{walltime // 60 % 60:02}:{walltime % 60:02}"

    @field_validator("walltime")
    @classmethod
    def _long_enough(cls, walltime: str) -> str:
        if _seconds(walltime) < SHORTEST_WALLTIME:
            raise ValueError(f"{walltime} is too short for a worker; give it at least 00:10:00")
        return walltime


def _seconds(walltime: str) -> int:
    hours, minutes, seconds = map(int, walltime.split(":"))
    return 3600 * hours + 60 * minutes + seconds


def read(file: Path) -> BatchSystem:
    """Read the description of a batch system.

    Raises:
        UsageError: The file cannot be read, or an entry is unknown, missing or has a value it cannot have.
    """
    entries = read_mapping(file, "executor", "'system: slurm'")
    try:
        return BatchSystem.model_validate(entries)
    except ValidationError as error:
        raise invalid_entry(error, f" in {file}") from error


def start(asked: BatchSystem) -> Started:
    """Ask for the workers.

    Raises:
        ClusterError: The packages are not installed, jobs cannot be submitted from here, or are refused.
    """
    cluster = make(asked)
    command = cluster.job_cls.submit_command.split()[-1]
    try:
        if shutil.which(command) is None:
            raise ClusterError(
                f"There is no `{command}` on this machine: start the run where jobs of {asked.system} can be submitted."
            )
        # Asked for here and now: what is refused would be refused in silence later on.
        for _ in range(asked.workers.least):
            cluster.worker_spec.update(cluster.new_worker_spec())
        cluster.sync(cluster._correct_state)
        cluster.adapt(minimum_jobs=asked.workers.least, maximum_jobs=asked.workers.most)
    except (RuntimeError, OSError) as error:
        _close(cluster)
        raise ClusterError(f"{asked.system} refuses the job of a worker: {sentence(error)}.") from error
    except ClusterError:
        _close(cluster)
        raise
    return Started(cluster, asked.system, lambda: _close(cluster))


def make(asked: BatchSystem) -> Any:
    """The cluster of `dask-jobqueue`, with a scheduler in this process and no workers yet.

    Raises:
        ClusterError: The packages are not installed.
    """
    try:
        import dask_jobqueue
    except ImportError as error:
        raise ClusterError(f"{MISSING}.") from error
    kind = getattr(dask_jobqueue, f"{asked.system.upper()}Cluster")
    seconds = _seconds(asked.walltime)
    margin = min(MARGIN, seconds // 10)
    # A thread for Dask, whatever the number of cores: a worker does one thing at a time.
    common = {
        "cores": 1,
        "processes": 1,
        "memory": asked.memory,
        "queue": asked.queue,
        "walltime": asked.walltime,
        "interface": asked.interface,
        "python": asked.python,
        "log_directory": asked.logs,
        "job_name": "uaabench",
        "job_script_prologue": list(asked.setup),
        "worker_extra_args": [
            *("--lifetime", f"{seconds - 3 * margin // 2}s", "--lifetime-stagger", f"{margin // 2}s"),
            *(("--resources", "GPU=1") if asked.gpus else ()),
        ],
        "silence_logs": logging.CRITICAL,
        # Submitting hands the environment on, but which GPU a worker has is not that of this process.
        "job_cls": type(
            kind.job_cls.__name__,
            (kind.job_cls,),
            {"submit_command": f"env -u CUDA_VISIBLE_DEVICES {kind.job_cls.submit_command}"},
        ),
    }
    own = _asking[asked.system](asked)
    directives = [*own.pop("job_extra_directives", []), *asked.directives]
    return kind(**{**common, **own, "job_extra_directives": directives})


def _slurm(asked: BatchSystem) -> dict[str, Any]:
    gpu = ["--gres=gpu:1"] if asked.gpus else []
    return {"account": asked.account, "job_cpu": asked.cores, "job_extra_directives": gpu}


def _pbs(asked: BatchSystem) -> dict[str, Any]:
    gpu = ":ngpus=1" if asked.gpus else ""
    return {"account": asked.account, "resource_spec": f"select=1:ncpus={asked.cores}{gpu}:mem={asked.memory}"}


def _lsf(asked: BatchSystem) -> dict[str, Any]:
    gpu = ['-gpu "num=1"'] if asked.gpus else []
    # LSF counts in hours and minutes.
    return {
        "project": asked.account,
        "ncpus": asked.cores,
        "walltime": asked.walltime.rpartition(":")[0],
        "job_extra_directives": gpu,
    }


def _sge(asked: BatchSystem) -> dict[str, Any]:
    gpu = ["-l gpu=1"] if asked.gpus else []
    cores = [f"-pe smp {asked.cores}"] if asked.cores > 1 else []
    return {"project": asked.account, "job_extra_directives": [*cores, *gpu]}


# How each batch system is asked for what all have.
_asking: Mapping[str, Any] = {"slurm": _slurm, "pbs": _pbs, "lsf": _lsf, "sge": _sge}


def _close(cluster: Any) -> None:
    # Jobs that have ended already cannot be ended once more.
    with suppress(Exception):
        cluster.close(timeout=20)
