"""MMDRFuse: a distilled network of 113 parameters (Deng et al., ACM Multimedia 2024)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from uaabench.baselines.network import ScriptMethod
from uaabench.baselines.scripts import pil_grey, stretched
from uaabench.core.interface import MethodCard


class MMDRFuse(ScriptMethod):
    """The student network; its result is stretched, as the function that the authors save with does."""

    card = MethodCard.beside(__file__)
    smallest = 2

    def __init__(self) -> None:
        super().__init__(Network())

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the grey images; see `FusionMethod.fuse`."""
        return stretched(self._network(ir, pil_grey(vi)))


class Network(nn.Module):
    """Infrared and grey visible (B,1,H,W) in [0,1] to the fused image (B,1,H,W) in (-1,1)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(2, 4, 3), nn.ReLU())
        self.conv2 = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(4, 1, 3), nn.Tanh())

    def forward(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse a batch."""
        fused: Tensor = self.conv2(self.conv1(torch.cat([ir, vi], dim=1)))
        return fused
