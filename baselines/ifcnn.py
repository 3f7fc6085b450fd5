"""IFCNN-MAX: two branches with one set of weights, fused by the maximum (Zhang et al., Information Fusion 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from uaabench.baselines.network import ScriptMethod
from uaabench.baselines.scripts import truncated
from uaabench.core.interface import MethodCard

# Mean and standard deviation of ImageNet's RGB.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class IFCNN(ScriptMethod):
    """The network on RGB.

    Args:
        normalise: Take ImageNet's mean and deviation off the input and put them back on the output. The authors'
            published images were made so; their script leaves it out for infrared-visible pairs and gives others.
    """

    card = MethodCard.beside(__file__)

    def __init__(self, normalise: bool = True) -> None:
        super().__init__(Network())
        self._normalise = normalise

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the infrared image in three channels with the visible one; see `FusionMethod.fuse`."""
        shift, scale = (torch.tensor(values, device=ir.device).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
        if not self._normalise:
            shift, scale = torch.zeros_like(shift), torch.ones_like(scale)
        fused = self._network((ir.expand_as(vi) - shift) / scale, (vi - shift) / scale)
        return truncated(fused * scale + shift)


class Block(nn.Module):
    """Convolution with repeated borders, batch normalisation, ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(64, 64, 3, padding=1, padding_mode="replicate", bias=False)
        self.bn = nn.BatchNorm2d(64)

    def forward(self, features: Tensor) -> Tensor:
        """(B,64,H,W) to (B,64,H,W)."""
        return torch.relu(self.bn(self.conv(features)))


class Network(nn.Module):
    """Two RGB images (B,3,H,W), normalised, to the fused one (B,3,H,W), normalised likewise."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, padding=3, padding_mode="replicate", bias=False)
        self.conv2 = Block()
        self.conv3 = Block()
        self.conv4 = nn.Conv2d(64, 3, 1)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Fuse a batch."""
        strongest = torch.maximum(self.conv2(self.conv1(first)), self.conv2(self.conv1(second)))
        fused: Tensor = self.conv4(self.conv3(strongest))
        return fused
