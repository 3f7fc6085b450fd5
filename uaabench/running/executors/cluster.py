"""Workers of a Dask cluster: one that runs already, one of this machine, or one that a batch system is asked for.

Each worker process has one thread and carries out one job at a time, so that a worker that dies takes one share along.
Dask would give that share to other workers over and over, three times by default; here a job that was begun is never
begun again: the worker that is given it says so, and the pipeline decides. Progress comes as with a pool, by files in
the run directory, which these workers must see anyway; that a share is done comes from the scheduler.
"""

from __future__ import annotations

import logging
import os
import pickle
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakSet

from uaabench.core.errors import ClusterError, UsageError, sentence
from uaabench.running.executors import remote
from uaabench.running.executors.job import Job
from uaabench.running.executors.surroundings import Surroundings
from uaabench.running.executors.workers import Tell, WorkerDied, Workers

if TYPE_CHECKING:
    from distributed import Client

# Small enough for workers that come and go, large enough that loading a network does not count.
PAIRS_IN_A_SHARE = 32
# A scheduler holds so many jobs ready; all of a million pairs would take gigabytes there.
MOST_AHEAD = 2000
SECONDS_BETWEEN_LOOKS = 5.0
# A cluster that loses all its workers loses them one by one; in that time none of them is trusted with a second try.
SECONDS_OF_LOSS = 5.0
SECONDS_TO_CONNECT = 20.0
MISSING = "A cluster needs further packages: pip install 'uaabench[cluster]'"


@dataclass(frozen=True)
class Started:
    """A cluster that can be connected to.

    Attributes:
        target: What `distributed.Client` takes: an address, or a cluster that was started.
        name: How it is called in messages.
        close: What ends it.
    """

    target: Any
    name: str
    close: Callable[[], object] = lambda: None


class Cluster(Workers):
    """Workers of a Dask scheduler; connected to, or started, when there is something to do.

    Args:
        start: What starts or names the cluster.
        surroundings: What each worker must find.
        gpu: Whether each job needs a GPU, which workers offer as the resource `GPU`.
        threads: Processor threads of each worker.
        tell: What shows the user a sentence.
    """

    lag: ClassVar[float] = 60.0  # the attributes of a folder are cached by NFS for so long

    def __init__(
        self, start: Callable[[], Started], surroundings: Surroundings, *, gpu: bool, threads: int, tell: Tell
    ) -> None:
        self._start, self._surroundings, self._gpu, self._tell = start, surroundings, gpu, tell
        self.threads = threads
        self._started: Started | None = None
        self._connected: Client | None = None
        self._next_look = 0.0
        self._had_workers = True

    @property
    def deaths(self) -> tuple[type[BaseException], ...]:
        """What Dask says of a worker that died."""
        from distributed import KilledWorker

        return (WorkerDied, KilledWorker)

    @contextmanager
    def open(self, jobs: int) -> Iterator[Executor]:  # noqa: ARG002 - a cluster is as large as it is
        """Connect, unless that was done; jobs are given up where the block raises."""
        client = self._client()
        self._refuse_lost()
        sender = Sender(client, self._surroundings, gpu=self._gpu)
        # What runs cannot be cancelled; its worker ends it within a second, as its progress file will be gone.
        try:
            yield sender
        except BaseException:
            with suppress(Exception):
                sender.shutdown(wait=False)
            raise

    def shares(self, pairs: int) -> int:
        """So many that each is small, and that every worker has one."""
        return max(-(-pairs // PAIRS_IN_A_SHARE), min(pairs, len(self._workers())))

    def ahead(self, *, fail_fast: bool) -> int:
        """As many as a scheduler holds easily, or one for each worker."""
        return max(1, len(self._workers())) if fail_fast else MOST_AHEAD

    def second_tries(self, unfinished: Sequence[Job]) -> list[list[Job]]:
        """All of them at one time: each has a worker process for itself, and those of others were not at work."""
        if not unfinished:
            return []
        time.sleep(SECONDS_OF_LOSS)
        return [list(unfinished)]

    def look(self) -> None:
        """Say when the last worker has gone, and when one is there again."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + SECONDS_BETWEEN_LOOKS
        self._refuse_lost()
        # For a while Dask tries to connect again by itself.
        if self._client().status != "running":
            return
        has_workers = bool(self._workers())
        if has_workers != self._had_workers:
            self._tell("There is a worker again." if has_workers else "No worker is left; the run waits for one.")
        self._had_workers = has_workers

    def close(self) -> None:
        """Disconnect, and end the cluster if it was started for this run."""
        with suppress(Exception):
            if self._connected is not None and self._connected.status == "running":
                self._connected.run(remote.end, self._surroundings.token)
        with suppress(Exception):
            if self._connected is not None:
                self._connected.close(timeout=2)
        with suppress(Exception):
            if self._started is not None:
                self._started.close()

    def _workers(self) -> Mapping[str, int]:
        """Number of threads by address of the workers that are there.

        Raises:
            ClusterError: The scheduler does not answer.
        """
        self._refuse_lost()
        try:
            return self._client().nthreads()  # type: ignore[no-any-return]
        except (OSError, TimeoutError, ValueError) as error:
            raise self.lost() from error

    def _refuse_lost(self) -> None:
        """Raise a `ClusterError` where Dask has given the scheduler up."""
        if self._client().status in ("closed", "closing"):
            raise self.lost()

    def lost(self) -> ClusterError:
        """Say that the scheduler, and with it the jobs that it had, is gone."""
        return ClusterError(
            f"The scheduler of {self._name} does not answer any more; what was done is kept: give the command again "
            "when there is one."
        )

    @property
    def _name(self) -> str:
        return self._started.name if self._started else "the cluster"

    def _client(self) -> Client:
        if self._connected is None:
            try:
                from distributed import Client
            except ImportError as error:
                raise ClusterError(f"{MISSING}.") from error
            _silence()
            self._started = self._start()
            try:
                self._connected = Client(self._started.target, timeout=SECONDS_TO_CONNECT, set_as_default=False)
            except (OSError, TimeoutError, ValueError) as error:
                raise ClusterError(
                    f"There is no Dask scheduler at {self._started.name} ({sentence(error)}); start one by `dask "
                    "scheduler`, and workers by `dask worker HOST:PORT --nthreads 1`, or mend the address."
                ) from error
            if find_spec("bokeh") is not None:
                self._tell(f"The workers can be watched at {self._connected.dashboard_link}")
            self._admit(self._connected)
        return self._connected

    def _admit(self, client: Client) -> None:
        """Wait for the first worker, and refuse workers that cannot work on this run.

        Raises:
            ClusterError: A worker has several threads or no GPU, or does not find what it needs.
        """
        began, told = time.monotonic(), False
        while not (threads := self._workers()):
            if not told and time.monotonic() - began > SECONDS_BETWEEN_LOOKS:
                self._tell(f"{self._name} has no worker yet; the run waits for one.")
                told = True
            time.sleep(0.2)
        if several := [address for address, number in threads.items() if number != 1]:
            raise ClusterError(
                f"The worker at {several[0]} of {self._name} has {threads[several[0]]} threads, but fusing seeds and "
                "sets what all threads of a process share: start workers with --nthreads 1."
            )
        known = client.scheduler_info(n_workers=-1)["workers"]
        if self._gpu and not any(worker["resources"].get("GPU") for worker in known.values()):
            raise ClusterError(
                f"No worker of {self._name} offers a GPU: start each with --resources GPU=1 and a GPU of its own, or "
                "take --device cpu."
            )
        with self._surroundings.shown():
            faults = client.run(self._surroundings.fault, on_error="return")
        for address, fault in faults.items():
            if isinstance(fault, BaseException):
                raise ClusterError(
                    f"The worker at {address} cannot run uaabench ({sentence(fault)}): install the same version there."
                )
            if fault:
                raise ClusterError(fault)


def _silence() -> None:
    """What dies is told by the pipeline, once, and not by every part of Dask."""
    for name in logging.root.manager.loggerDict:
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)


class Sender(Executor):
    """Sends jobs to workers, with what these must find.

    Not the executor that Dask has itself: where a worker dies between the end of its job and the fetching of the
    result, fetching raises, and the future of that executor never ends.

    Args:
        client: Is connected to the scheduler.
        surroundings: What each worker must find.
        gpu: Whether each job needs a GPU.
    """

    def __init__(self, client: Client, surroundings: Surroundings, *, gpu: bool = False) -> None:
        self._client, self._surroundings = client, surroundings
        self._options: dict[str, Any] = {"pure": False, "retries": 0, **({"resources": {"GPU": 1}} if gpu else {})}
        self._asked: WeakSet[Any] = WeakSet()

    def submit(self, job: Any, /, *_: Any, **__: Any) -> Future[Any]:
        """Have a worker carry a job out.

        As bytes: Dask would take the job apart and put it together again twice on its way, ten times slower.
        """
        asked = self._client.submit(remote.work, pickle.dumps((self._surroundings, job)), **self._options)
        self._asked.add(asked)
        given: Future[Any] = Future()
        asked.add_done_callback(partial(_hand_on, given))
        return given

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Give up the jobs that no worker has begun."""
        self._client.cancel(list(self._asked))


def _hand_on(given: Future[Any], asked: Any) -> None:
    """Let a future end as that of Dask has; called in a thread for that."""
    try:
        result = asked.result()
    except CancelledError:
        given.cancel()
        # Who waits for several futures is woken by this only.
        given.set_running_or_notify_cancel()
    except BaseException as error:
        given.set_exception(error)
    else:
        given.set_result(result)


def running(address: str) -> Started:
    """The cluster of a scheduler that runs already, at `HOST:PORT`."""
    return Started(f"tcp://{address}", address)


def local(workers: int, gpus: Sequence[str]) -> Started:
    """A cluster of this machine.

    Args:
        workers: How many; with GPUs these take one after another.
        gpus: What CUDA calls each of the GPUs that may be used; empty for none.

    Raises:
        ClusterError: Dask is not installed, or cannot start workers.
    """
    try:
        from distributed import Nanny, Scheduler, SpecCluster
    except ImportError as error:
        raise ClusterError(f"{MISSING}.") from error

    specification = {number: {"cls": Nanny, "options": options_of(number, gpus)} for number in range(workers)}
    scheduler = {"cls": Scheduler, "options": {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}}
    try:
        cluster = SpecCluster(specification, scheduler, silence_logs=logging.CRITICAL)
    except (OSError, RuntimeError, TimeoutError) as error:
        raise ClusterError(f"Dask cannot start {workers} workers on this machine: {sentence(error)}.") from error
    return Started(cluster, "this machine", cluster.close)


def options_of(worker: int, gpus: Sequence[str]) -> dict[str, Any]:
    """What Dask must know of a worker of this machine, by its number; of several GPUs it has one for itself."""
    options = {"nthreads": 1, "memory_limit": 0, "silence_logs": logging.CRITICAL, "dashboard": False}
    if not gpus:
        return options
    return {**options, "env": {"CUDA_VISIBLE_DEVICES": gpus[worker % len(gpus)]}, "resources": {"GPU": 1}}


def gpus_of_this_machine() -> list[str]:
    """What CUDA calls each GPU that this process may use.

    Raises:
        UsageError: There is none.
    """
    import torch

    count = torch.cuda.device_count()
    if not count:
        raise UsageError("There is no device 'cuda': torch sees 0 GPUs; use --device cpu.")
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",")[:count] if visible else [str(number) for number in range(count)]
