"""Loss of IFCNN (Zhang et al., Information Fusion 2020): differently focused images give back the sharp one."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from uaabench.baselines.ifcnn import DEVIATION, MEAN, Network
from uaabench.training.crops import Batch
from uaabench.training.objective import Objective, Terms

# The blur of what is out of focus, in pixels, and the one that makes the border of a focused region of noise.
BLUR, REGION = (1.0, 3.0), 8.0


class IFCNNObjective(Objective):
    """An image is blurred in one region and, for the second source, in the rest."""

    loss: ClassVar[str] = "squared error to the sharp image of two differently focused ones, as in its first phase"
    differs: ClassVar[str] = (
        "Focused pairs from the images of the budget instead of NYU-D2; no second phase with the features of an "
        "ImageNet ResNet, and a first layer that is trained instead of taken from it."
    )

    def __init__(self) -> None:
        super().__init__(Network())

    def terms(self, batch: Batch) -> Terms:
        """See `Objective.terms`."""
        sharp = torch.cat([batch.ir.expand_as(batch.vi), batch.vi])
        shift, scale = (torch.tensor(values, device=sharp.device).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
        first, second = focused(sharp)
        found = self.run((first - shift) / scale, (second - shift) / scale)
        return {"intensity": (found - (sharp - shift) / scale).square().mean()}


def focused(sharp: Tensor) -> tuple[Tensor, Tensor]:
    """Two images (B,3,S,S), each blurred where the other is sharp."""
    sigma = float(torch.empty(()).uniform_(*BLUR))
    blurred = gaussian_blur(sharp, [2 * round(3 * sigma) + 1] * 2, [sigma] * 2)
    noise = gaussian_blur(torch.randn_like(sharp[:, :1]), [2 * round(2 * REGION) + 1] * 2, [REGION] * 2)
    region = noise > 0
    return torch.where(region, sharp, blurred), torch.where(region, blurred, sharp)
