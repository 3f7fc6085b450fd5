"""Detectors that were trained here: their weights with a card, shipped or exported by `uaabench train detector`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from uaabench.core import weights
from uaabench.core.errors import WeightsError
from uaabench.judges.detection.inference import TorchDetector

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class TrainedCard:
    """What a trained detector is.

    Attributes:
        name: How tables name it: its network and the images it was trained on.
        classes: Classes it finds, in the order of its labels.
        trained_on: The images it was trained on: data set, split, how they are seen, number of pairs.
        steps: Optimiser steps.
        seed: Seed of the training.
        recipe: Loss, schedule and augmentation.
        command: What trained it.
        validation: Its figures on images that it was not trained on, and which they were.
        minutes: Training time.
        version: Raised whenever its detections change.
        sha256: Hash of its weights; filled in by `export`.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = weights.ONLY_ITS_ENTRIES

    name: str
    classes: tuple[str, ...]
    trained_on: str
    steps: int
    seed: int
    recipe: str
    command: str = ""
    validation: str = ""
    minutes: float = 0.0
    version: int = 1
    sha256: str = field(default="")


class TrainedDetector(TorchDetector):
    """A detector that was trained here.

    Args:
        path: Its weights, `.safetensors`, with their card beside them.

    Raises:
        WeightsError: The card is missing or is no such card.
    """

    def __init__(self, path: Path) -> None:
        card = read_card(path)
        self.name, self.classes = card.name, card.classes
        self.key = {"version": card.version, "sha256": card.sha256}
        self._file, self._sha256 = path, card.sha256

    def load(self, device: torch.device, precision: str = "fp32") -> None:
        """See `Detector.load`."""
        from uaabench.judges.detection.network import build

        weights.ResolvedWeights(self._file, self._sha256).verify()
        state, _ = weights.read(self._file)
        network = build(len(self.classes))
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            raise WeightsError(
                f"The weights {self._file} do not fit the network of {len(self.classes)} classes that its card names: "
                f"{str(error).splitlines()[-1].strip()}"
            ) from error
        self._network, self._precision = network.to(device).eval(), precision


def read_card(path: Path) -> TrainedCard:
    """Read the card beside exported weights.

    Raises:
        WeightsError: It is missing or is no card.
    """
    return weights.read_card(TrainedCard, path.with_suffix(".json"))


def shipped_folder() -> Path:
    """Where the weights of detectors that come with the package lie, each with its card."""
    return Path(__file__).parent / "weights"


def shipped_names() -> list[str]:
    """Names of the detectors that come with the package: the data sets they are for."""
    return sorted(path.stem for path in shipped_folder().glob("*.safetensors"))


def shipped(name: str) -> Path | None:
    """File of a shipped detector, or None."""
    path = shipped_folder() / f"{name}.safetensors"
    return path if path.is_file() else None
