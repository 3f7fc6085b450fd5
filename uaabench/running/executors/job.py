"""What a worker is given: a share, and everything it needs to carry it out.

A `Job` can be pickled and brings everything along: what to do, which plug-ins to load, and where to report progress, a
file that grows by a byte with every pair. So a worker needs nothing but the run directory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from uaabench.core import registry
from uaabench.core.interface import Pair
from uaabench.core.threads import limit_threads
from uaabench.running import stage, store
from uaabench.running.units import Outcome, Runtime, Share, Unit


@dataclass(frozen=True)
class Job:
    """One share of one stage, as a worker gets it.

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

    def lean(self) -> Job:
        """The same job with no more of its data sets than the share needs, as it travels to a worker.

        Else a set of N pairs in N shares would send N² of them.
        """
        return replace(self, share=self.share.lean())


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


_ready: set[Path] = set()


def ready(runtime: Runtime) -> None:
    """Get this process ready for a job: threads, and the plug-ins it does not know yet."""
    limit_threads(runtime.threads)
    new = [path for path in runtime.plugins if path not in _ready]
    registry.load_plugins(new)
    _ready.update(new)


_worker_number: int | None = None


def number_worker(number: int) -> None:
    """Say which of the workers of this machine this process is, counted from 0."""
    global _worker_number  # noqa: PLW0603 - a worker process has exactly one number
    _worker_number = number


def device_of_worker(device: str) -> str:
    """The device of this worker: of several GPUs the workers of a pool take one after another."""
    if device != "cuda" or _worker_number is None:
        return device
    import torch

    return f"cuda:{_worker_number % max(torch.cuda.device_count(), 1)}"


class Growth:
    """Reports how the progress files of jobs grow; only those of jobs that are at work are looked at.

    Args:
        folder: Where the files lie.
        on_byte: For the name of each file, what is called for every byte.
    """

    def __init__(self, folder: Path, on_byte: Mapping[str, Callable[[], None]]) -> None:
        self._folder = folder
        self._sizes = dict.fromkeys(on_byte, 0)
        self._on_byte = on_byte

    def look(self) -> None:
        """Report what was added since the last look."""
        with suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name in self._sizes:
                    self._report(entry.name, entry.stat().st_size)

    def end(self, file: Path) -> None:
        """Report what a job that is done added, and forget it."""
        with suppress(OSError):
            self._report(file.name, file.stat().st_size)
            file.unlink()

    def _report(self, name: str, size: int) -> None:
        for _ in range(size - self._sizes[name]):
            self._on_byte[name]()
        self._sizes[name] = size
