"""Running detectors that keep to torchvision's interface: images in, boxes with labels and scores out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from uaabench.core.arrays import ByteImage
from uaabench.core.boxes import Detections
from uaabench.core.errors import WeightsError

if TYPE_CHECKING:
    from torch import nn


def run(network: nn.Module, image: ByteImage) -> Detections:
    """What one of torchvision's detectors finds in an (H,W,3) RGB image; labels as the network counts them.

    Raises:
        WeightsError: A score or box is not finite.
    """
    import torch

    device = next(network.parameters()).device
    tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).to(device).float() / 255
    with torch.inference_mode():
        (found,) = network([tensor])
    corners, labels, scores = (found[name].cpu().numpy() for name in ("boxes", "labels", "scores"))
    if not (np.isfinite(corners).all() and np.isfinite(scores).all()):
        raise WeightsError("A detector finds boxes or scores that are NaN or infinite; its weights are damaged.")
    return Detections(corners.astype(np.float64), labels.astype(np.int64), scores.astype(np.float64))
