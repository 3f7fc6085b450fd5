"""The contract between `uaabench train NAME` and whatever trains the method of that name.

Most methods are trained within a budget that is the same for all (`training/method.py`). One that needs a loop of its
own, for example because a part of it is trained first, names a `Trainer` in its card.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

import torch

from uaabench.core.errors import UsageError
from uaabench.training.pairs import TrainingPairs
from uaabench.training.settings import Settings

S = TypeVar("S", bound=Settings)
# Steps between two lines that are said.
REPORTED = 50


class Trainer(ABC, Generic[S]):
    """Trains one method.

    Attributes:
        word: What its settings are called, `budget` or `recipe`: the option that names them.
        default: Name of those that are taken unless others are named.
    """

    word: ClassVar[str]
    default: ClassVar[str]

    @abstractmethod
    def read(self, named: str, changes: dict[str, Any]) -> S:
        """Read settings; see `uaabench.training.settings.read_settings`.

        Args:
            named: Name of built-in settings, or a path.
            changes: Entries that take precedence, by dotted names.

        Raises:
            UsageError: There are none of this name, or an entry is wrong.
        """

    @abstractmethod
    def pairs(self, settings: S, data_root: Path | None) -> TrainingPairs:
        """Find the pairs that the settings name; see `uaabench.training.pairs.find`.

        Raises:
            DataError: A data set is not there or has no pairs.
            UsageError: There is no data set or split of this name.
        """

    @abstractmethod
    def train(
        self, settings: S, pairs: TrainingPairs, device: torch.device, folder: Path, say: Callable[[str], None]
    ) -> Path:
        """Train, or go on with a training that was killed, and export weights and card.

        Args:
            settings: Everything that decides the outcome, but for the pairs.
            pairs: The pairs.
            device: Where to train.
            folder: Folder of checkpoints, logs and weights; `progress.claim` says there which training it holds, with
                the name of the method under `method`.
            say: Called with lines about what is done.

        Returns:
            The file of the weights.

        Raises:
            DataError: A pair cannot be read.
            UsageError: The folder holds another training.
            WeightsError: A checkpoint in the folder cannot be read.
        """

    def export(self, folder: Path, out: Path) -> Path:
        """Write the weights of the last checkpoint of a training, finished or not, and their card.

        Args:
            folder: Folder of the training.
            out: File to write, `NAME.safetensors`.

        Returns:
            `out`.

        Raises:
            UsageError: Its weights are written at the end only.
            WeightsError: There is no checkpoint yet.
        """
        raise UsageError(f"The training in {folder} writes its weights when it ends; let it go on instead of {out}.")


@runtime_checkable
class TrainsItself(Protocol):
    """A class of a user's method with a loop of its own; the harness looks for this function, not for a class."""

    @staticmethod
    def trainer() -> Trainer[Any]:
        """What trains the method."""
        ...
