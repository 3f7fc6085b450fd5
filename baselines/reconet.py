"""ReCoNet: three recurrent corrections of the brighter source (Huang et al., ECCV 2022); the first release's fusion."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from uaabench.baselines.network import ScriptMethod
from uaabench.baselines.scripts import opencv_grey
from uaabench.core.interface import MethodCard

LOOPS, WIDTH, DILATIONS = 3, 64, (1, 2, 3)


class ReCoNet(ScriptMethod):
    """The fusion network without the registration, which pairs that are registered do not need."""

    card = MethodCard.beside(__file__)

    def __init__(self) -> None:
        super().__init__(Network())

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the grey images; negative values of the tanh are black, as in the authors' files."""
        fused: Tensor = self._network(ir, opencv_grey(vi))
        return fused.clamp(0, 1)


class Network(nn.Module):
    """Infrared and grey visible (B,1,H,W) in [0,1] to the fused image (B,1,H,W) in (-1,1)."""

    def __init__(self) -> None:
        super().__init__()
        self.att_a_conv = nn.Conv2d(2, 1, 3, padding=1, bias=False)
        self.att_b_conv = nn.Conv2d(2, 1, 3, padding=1, bias=False)
        for dilation in DILATIONS:
            convolution = nn.Conv2d(3, WIDTH, 3, padding=dilation, dilation=dilation)
            layer = nn.Sequential(convolution, nn.BatchNorm2d(WIDTH), nn.ReLU())
            self.add_module(f"dil_conv_{dilation}", layer)
        self.fus_conv = nn.Sequential(nn.Conv2d(len(DILATIONS) * WIDTH, 1, 3, padding=1), nn.BatchNorm2d(1), nn.Tanh())

    def forward(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse a batch."""
        fused = torch.maximum(ir, vi)
        for _ in range(LOOPS):
            weighted_ir = ir * self._attention(self.att_a_conv, ir, fused)
            weighted_vi = vi * self._attention(self.att_b_conv, vi, fused)
            stacked = torch.cat([weighted_ir, fused, weighted_vi], dim=1)
            features = [self.get_submodule(f"dil_conv_{dilation}")(stacked) for dilation in DILATIONS]
            fused = self.fus_conv(torch.cat(features, dim=1))
        return fused

    @staticmethod
    def _attention(convolution: nn.Conv2d, source: Tensor, fused: Tensor) -> Tensor:
        """Where a source should count, from it and the present estimate."""
        both = torch.cat([source, fused], dim=1)
        summary = torch.cat([both.amax(1, keepdim=True), both.mean(1, keepdim=True)], dim=1)
        return torch.sigmoid(convolution(summary))
