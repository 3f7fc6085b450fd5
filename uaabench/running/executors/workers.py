"""What the pipeline knows of workers, whatever they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from typing import ClassVar

from uaabench.core.errors import ClusterError
from uaabench.running.executors.job import Job

# Called with a sentence for the user.
Tell = Callable[[str], None]


class WorkerDied(Exception):  # noqa: N818 - it is what happened, and no mistake of anybody
    """The worker that had begun a job is gone."""


class Workers(ABC):
    """Processes that carry out the shares of a run.

    Attributes:
        lag: So many seconds may pass until this process sees what a worker has written.
        threads: Processor threads of each.
    """

    lag: ClassVar[float] = 0.0
    threads: int

    @property
    @abstractmethod
    def deaths(self) -> tuple[type[BaseException], ...]:
        """The exceptions of a future that mean that the worker of its job died."""

    @abstractmethod
    def open(self, jobs: int) -> AbstractContextManager[Executor]:
        """Workers for at most so many jobs at a time; what runs is given up where the block raises.

        Raises:
            ClusterError: There are none, or they cannot work on this run.
        """

    @abstractmethod
    def shares(self, pairs: int) -> int:
        """How many shares so many pairs are divided into."""

    @abstractmethod
    def ahead(self, *, fail_fast: bool) -> int:
        """How many jobs workers are given at once; with `fail_fast` no more than can be at work."""

    @abstractmethod
    def second_tries(self, unfinished: Sequence[Job]) -> list[list[Job]]:
        """Which of the jobs that a death left unfinished may have caused it: in groups that are tried at one time.

        No two jobs of a group may share a worker process; at least one job is given back.
        """

    def lost(self) -> ClusterError:
        """What to say of a job that was cancelled, though nobody here did so."""
        return ClusterError("The workers are gone; what was done is kept: give the command again.")

    def look(self) -> None:  # noqa: B027 - a pool has nothing to look after
        """Look after the workers, while the pipeline waits for them.

        Raises:
            ClusterError: They are lost.
        """

    def close(self) -> None:  # noqa: B027 - a pool ends with its block
        """Let go of the workers; those that were started for this run end."""
