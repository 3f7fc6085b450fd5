"""What lets a training survive being killed: checkpoints from which it goes on as if nothing had happened, and logs."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch

from uaabench.core.errors import StorageError, UsageError, WeightsError
from uaabench.core.files import replacing, write_text


class Stateful(Protocol):
    """Something whose state a checkpoint holds: a module, an optimiser, a schedule, a sampler."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that decides what it does next."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> Any:
        """Go on from such a state."""
        ...


class Loop:
    """The steps of a training, with a checkpoint every so often; a new loop on the same file goes on from the last.

    The state of torch's random numbers is part of a checkpoint. On one thread of one machine, a training that was
    killed and resumed gives the same weights as one that was not.

    Args:
        file: The checkpoint; None keeps none.
        parts: What has a state, by name.
        steps: Number of steps in all.
        every: Steps between two checkpoints; there is one after the last step, too.

    Attributes:
        done: Steps that were made before, by an earlier process.

    Raises:
        WeightsError: The file is there but is no checkpoint of this training.
    """

    def __init__(self, file: Path | None, parts: Mapping[str, Stateful], *, steps: int, every: int) -> None:
        self._file, self._parts, self._steps, self._every = file, parts, steps, every
        self._seconds = 0.0
        self.done = self._load(file) if file is not None and file.is_file() else 0
        self._started = time.monotonic()

    def __iter__(self) -> Iterator[int]:
        """Give the number of each step that is left, from 0."""
        step = self.done - 1
        while (step := step + 1) < self._steps:
            yield step
            if (step + 1) % self._every == 0 or step + 1 == self._steps:
                self._save(step + 1)

    def end_at(self, steps: int) -> None:
        """Make so many steps in all; a training may find out on its way when it is done."""
        self._steps = steps

    @property
    def seconds(self) -> float:
        """Time of all steps so far, those of earlier processes included."""
        return self._seconds + time.monotonic() - self._started

    def _save(self, done: int) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        states = {name: part.state_dict() for name, part in self._parts.items()}
        content = {"done": done, "seconds": self.seconds, "random": torch.get_rng_state(), "states": states}
        # Into an open file, as torch says of a path on a full disk only that its writer failed.
        with replacing(self._file) as aside, aside.open("wb") as stream:
            torch.save(content, stream)

    def _load(self, file: Path) -> int:
        try:
            content = torch.load(file, map_location="cpu", weights_only=True)
            self._seconds = float(content["seconds"])
            for name, part in self._parts.items():
                part.load_state_dict(content["states"][name])
            torch.set_rng_state(content["random"])
            return int(content["done"])
        except Exception as error:  # whatever a foreign or truncated file makes the unpickler stumble over
            raise WeightsError(
                f"{file} is no checkpoint of this training ({type(error).__name__}); delete it to start anew."
            ) from error


class Log:
    """A CSV file with one row a step; rows after the step that a resumed training goes on from are dropped.

    Args:
        file: Where; None keeps no log.
        columns: Names of the values, `step` first.
        done: Rows up to this step are kept.
    """

    def __init__(self, file: Path | None, columns: Sequence[str], done: int) -> None:
        self._file, self._columns = file, list(columns)
        if file is None:
            return
        kept = [row for row in self._rows(file) if int(row["step"]) <= done] if done and file.is_file() else []
        with replacing(file) as aside, aside.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, self._columns)
            writer.writeheader()
            writer.writerows(kept)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Append the row of a step (from 1)."""
        if self._file is None:
            return
        with self._file.open("a", encoding="utf-8", newline="") as stream:
            csv.DictWriter(stream, self._columns).writerow({"step": step} | {k: f"{v:.6g}" for k, v in values.items()})

    def _rows(self, file: Path) -> list[dict[str, str]]:
        with file.open(encoding="utf-8", newline="") as stream:
            return [row for row in csv.DictReader(stream) if row.keys() == set(self._columns) and row["step"]]


def claim(folder: Path, description: str) -> None:
    """Say in a folder which training it holds; another one must not go on from its checkpoints.

    Args:
        folder: Folder of the training; it is made.
        description: Everything that decides the outcome of the training, as text.

    Raises:
        UsageError: It holds another training.
        StorageError: It cannot be written.
    """
    file = folder / "training.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        earlier = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    except OSError as error:
        raise StorageError.of(file, error) from error
    # An empty file, as a power cut may leave it, says of no training that it is another one.
    if earlier and earlier != description:
        raise UsageError(f"{folder} holds a training with other data or settings; choose another --out.")
    if not earlier:
        write_text(file, description)
