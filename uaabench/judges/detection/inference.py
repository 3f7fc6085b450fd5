"""Running detectors that keep to torchvision's interface: images in, boxes with labels and scores out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from uaabench.core.arithmetic import arithmetic
from uaabench.core.arrays import ByteImage
from uaabench.core.boxes import Detections
from uaabench.core.errors import UsageError, WeightsError
from uaabench.judges.detection.detector import Detector

if TYPE_CHECKING:
    from torch import Tensor, nn


class TorchDetector(Detector):
    """A detector whose `load` sets the network that is run, and its arithmetic."""

    precisions: ClassVar[tuple[str, ...]] = ("fp32", "bf16")
    takes_batches: ClassVar[bool] = True
    _network: nn.Module | None = None
    _precision = "fp32"

    def detect(self, image: ByteImage) -> Detections:
        """See `Detector.detect`."""
        return self.detect_all([image])[0]

    def detect_all(self, images: Sequence[ByteImage]) -> list[Detections]:
        """Find objects in images of one size at once; see `Detector.detect_all`.

        Raises:
            UsageError: `load` was not called.
            WeightsError: A score or box is not finite.
        """
        if self._network is None:
            raise UsageError(f"The detector {self.name} has not been loaded; call load first.")
        return run(self._network, images, self._precision)


def run(network: nn.Module, images: Sequence[ByteImage], precision: str) -> list[Detections]:
    """What one of torchvision's detectors finds in (H,W,3) RGB images; labels as the network counts them.

    Raises:
        WeightsError: A score or box is not finite.
    """
    import torch

    device = next(network.parameters()).device
    tensors = [
        torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).to(device).float() / 255 for image in images
    ]
    with torch.inference_mode(), arithmetic(device, precision):
        found: list[dict[str, Tensor]] = network(tensors)
    return [_detections(one["boxes"].float(), one["scores"].float(), one["labels"]) for one in found]


def _detections(corners: Tensor, scores: Tensor, labels: Tensor) -> Detections:
    if not (corners.isfinite().all() and scores.isfinite().all()):
        raise WeightsError("A detector finds boxes or scores that are NaN or infinite; its weights are damaged.")
    return Detections(
        corners.cpu().numpy().astype(np.float64),
        labels.cpu().numpy().astype(np.int64),
        scores.cpu().numpy().astype(np.float64),
    )
