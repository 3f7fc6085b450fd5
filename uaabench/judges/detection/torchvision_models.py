"""Detectors of torchvision by name, with the weights that torchvision publishes for them."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from uaabench.core import files
from uaabench.core.arrays import ByteImage
from uaabench.core.boxes import Detections
from uaabench.core.checkpoints import read_checkpoint
from uaabench.core.errors import StorageError, WeightsError
from uaabench.judges.detection.inference import TorchDetector

if TYPE_CHECKING:
    import torch
    from torch import nn

VERSION = 1
# What torchvision calls labels of no class.
_NO_CLASS = ("__background__", "N/A", "no person")


def names() -> list[str]:
    """Names of the detectors of the installed torchvision, for example `ssdlite320_mobilenet_v3_large`."""
    from torchvision.models import detection, list_models

    found: list[str] = list_models(module=detection)
    return found


class TorchvisionDetector(TorchDetector):
    """A detector of torchvision with its default weights, which are fetched where they are not yet.

    Its labels are those classes of the weights that have a name. Sizes and thresholds are torchvision's.

    Args:
        name: One of `names()`.

    Raises:
        WeightsError: The weights are not here and cannot be fetched, or are not those that torchvision publishes.
        StorageError: They cannot be written.
    """

    def __init__(self, name: str) -> None:
        from torchvision.models import get_model_weights

        published: Any = get_model_weights(name).DEFAULT
        self._weights = weights_file(name, published.url)
        self._sha256 = _checked_sha256(self._weights, published.url)
        labels: list[str] = published.meta["categories"]
        self.name = name
        self.classes = tuple(dict.fromkeys(label for label in labels if label not in _NO_CLASS))
        self.key = {"version": VERSION, "weights": str(published), "sha256": self._sha256}
        # Index into `classes` of each label of the network.
        self._indices = np.array([self.classes.index(label) if label in self.classes else -1 for label in labels])

    def load(self, device: torch.device, precision: str = "fp32") -> None:
        """See `Detector.load`."""
        from torchvision.models import get_model

        if files.sha256(self._weights) != self._sha256:
            raise WeightsError(f"{self._weights} has changed since the run was planned; give the command again.")
        network: nn.Module = get_model(self.name, weights=None, weights_backbone=None, num_classes=len(self._indices))
        network.load_state_dict(read_checkpoint(self._weights, f"torchvision's {self.name}"))
        self._network, self._precision = network.to(device).eval(), precision

    def detect_all(self, images: Sequence[ByteImage]) -> list[Detections]:
        """Find objects of the classes that have a name; see `TorchDetector.detect_all`."""
        return [self._named(found) for found in super().detect_all(images)]

    def _named(self, found: Detections) -> Detections:
        labels = self._indices[found.labels]
        named = labels >= 0
        return replace(found, corners=found.corners[named], labels=labels[named], scores=found.scores[named])


def weights_file(name: str, url: str) -> Path:
    """Where torchvision keeps the weights of a detector; they are fetched first where they are not there.

    Args:
        name: Name of the detector, for messages.
        url: Where torchvision publishes them.

    Raises:
        WeightsError: They are not there and cannot be fetched.
        StorageError: They cannot be written.
    """
    import torch

    folder = Path(torch.hub.get_dir()) / "checkpoints"
    file = folder / url.rpartition("/")[2]
    if file.is_file():
        return file
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError.of(folder, error) from error
    print(f"uaabench: fetching {url}", file=sys.stderr)
    try:
        torch.hub.download_url_to_file(url, str(file), hash_prefix=_published_hash(url), progress=sys.stderr.isatty())
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"The weights of {name} cannot be fetched from {url} ({' '.join(str(error).split())}); bring that file to "
            f"{folder} by hand."
        ) from error
    return file


def _published_hash(url: str) -> str:
    """The first digits of the SHA-256 that the name of a published file ends with; empty where it has none."""
    found = re.search(r"-([0-9a-f]{8,})\.[^.]+$", url)
    return found[1] if found else ""


def _checked_sha256(file: Path, url: str) -> str:
    try:
        digest = files.sha256(file)
    except OSError as error:
        raise WeightsError(f"Cannot read the weights {file}: {error.strerror or error}.") from error
    if not digest.startswith(_published_hash(url)):
        raise WeightsError(
            f"{file} has the SHA-256 {digest[:12]}… and is not what torchvision publishes; delete it, and it is "
            "fetched again."
        )
    return digest
