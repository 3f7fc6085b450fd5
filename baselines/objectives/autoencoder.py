"""What autoencoders share that learn to give back single images, and fuse only in use."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from uaabench.core.interface import luminance
from uaabench.training.crops import Batch
from uaabench.training.losses import ms_ssim
from uaabench.training.objective import Objective, Terms


def single_images(batch: Batch) -> Tensor:
    """Infrared images and luminances one after the other, (2B,1,S,S) in [0,1]."""
    return torch.cat([batch.ir, luminance(batch.vi)])


class GreyLevelAutoencoder(Objective):
    """Squared error of grey levels 0..255, and the loss of multi-scale SSIM.

    The network has `encode` and `decode`, of grey levels 0..255.

    Attributes:
        structure: Weight of 1 - MS-SSIM.
    """

    structure: ClassVar[float]

    def terms(self, batch: Batch) -> Terms:
        """See `Objective.terms`."""
        image = single_images(batch)
        with self.precision(image):
            found = self.network.decode(self.network.encode(image * 255))  # type: ignore[operator]
        return {
            "intensity": (found.float() - image * 255).square().mean(),
            "structure": self.structure * (1 - ms_ssim(found.float() / 255, image)),
        }
