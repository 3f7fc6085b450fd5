"""SAGE: the small network into which priors of Segment Anything were distilled (Wu et al., CVPR 2025)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d

from uaabench.baselines.network import ScriptMethod
from uaabench.baselines.scripts import from_ycrcb, opencv_ycrcb
from uaabench.core.interface import MethodCard

WIDTH = 32


class SAGE(ScriptMethod):
    """The distilled network, which needs no segmenter, and the colours of the authors' script."""

    card = MethodCard.beside(__file__)
    smallest = 4

    def __init__(self) -> None:
        super().__init__(Network())

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse OpenCV's luminance and take its chroma; see `FusionMethod.fuse`."""
        y, cr, cb = opencv_ycrcb(vi)
        return from_ycrcb(self._network(y, ir), cr - 0.5, cb - 0.5).clamp(0, 1)


def _layers(inputs: int, size: int, count: int) -> nn.Sequential:
    """As many normalised convolutions, all to 32 channels."""
    layers: list[nn.Module] = []
    for channels in (inputs, *[WIDTH] * (count - 1)):
        layers += [nn.Conv2d(channels, WIDTH, size, padding=size // 2), nn.BatchNorm2d(WIDTH), nn.LeakyReLU(0.01)]
    return nn.Sequential(*layers)


class Network(nn.Module):
    """Luminance and infrared (B,1,H,W) in [0,1] to the fused luminance (B,1,H,W) in (-1,1); a U-Net of three scales."""

    def __init__(self) -> None:
        super().__init__()
        self.module1 = _layers(2, size=3, count=3)
        for stage in (2, 3, 4, 5):
            self.add_module(f"module{stage}", _layers(WIDTH, size=3, count=3))
        for stage in (4, 5):
            self.add_module(f"adjust_channels{stage}", _layers(2 * WIDTH, size=1, count=1))
        self.final_decoder = nn.Sequential(nn.Conv2d(WIDTH, 1, 3, padding=1), nn.Tanh())

    def forward(self, y: Tensor, ir: Tensor) -> Tensor:
        """Fuse a batch."""
        full = self.module1(torch.cat([y, ir], dim=1))
        half = self.get_submodule("module2")(max_pool2d(full, 2))
        quarter = self.get_submodule("module3")(max_pool2d(half, 2))
        fused: Tensor = self.final_decoder(self._up(5, self._up(4, quarter, half), full))
        return fused

    def _up(self, stage: int, coarse: Tensor, fine: Tensor) -> Tensor:
        """Coarse features enlarged and joined with the fine ones of the way down."""
        enlarged = interpolate(coarse, size=fine.shape[2:], mode="bilinear", align_corners=False)
        joined = self.get_submodule(f"adjust_channels{stage}")(torch.cat([enlarged, fine], dim=1))
        found: Tensor = self.get_submodule(f"module{stage}")(joined)
        return found
