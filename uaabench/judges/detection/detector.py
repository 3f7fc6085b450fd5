"""The contract of a detector: a frozen network that finds objects in 8-bit images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from uaabench.core.arrays import ByteImage
from uaabench.core.boxes import Detections

if TYPE_CHECKING:
    import torch


class Detector(ABC):
    """Something that finds objects of known classes.

    Attributes:
        name: Name in records and below tables, for example `fasterrcnn_mobilenet_v3_large_fpn`.
        classes: Names of what it finds, in the order of its labels; names that data sets use are translated by
            the protocol, not here.
        key: Everything its detections depend on, as JSON values: version, hash of the weights or file, thresholds.
        precisions: The arithmetic it can be run in, `fp32` and perhaps `bf16`.
        takes_batches: Whether `detect_all` works on several images at once.
    """

    precisions: ClassVar[tuple[str, ...]] = ("fp32",)
    takes_batches: ClassVar[bool] = False

    name: str
    classes: tuple[str, ...]
    key: Mapping[str, Any]

    @abstractmethod
    def load(self, device: torch.device, precision: str = "fp32") -> None:
        """Get ready on a device; called once in the process that detects.

        Args:
            device: Where to run.
            precision: One of `precisions`.

        Raises:
            WeightsError: Its weights or file are not here, or not what they should be.
            UsageError: What runs the file is not installed.
        """

    @abstractmethod
    def detect(self, image: ByteImage) -> Detections:
        """Find objects in one (H,W,3) RGB image; deterministic on one device."""

    def detect_all(self, images: Sequence[ByteImage]) -> list[Detections]:
        """Find objects in images of one size; in one after the other unless overridden."""
        return [self.detect(image) for image in images]
