"""EMMA: a U-shaped fusion network trained to be equivariant (Zhao et al., CVPR 2024)."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from uaabench.baselines.cddfuse import BaseBlock
from uaabench.baselines.network import ScriptMethod
from uaabench.baselines.scripts import opencv_rounded_grey, stretched
from uaabench.core.interface import MethodCard

HEADS = 8
# Channels of the levels, each of half the size of the one before.
WIDTHS = (8, 16, 32, 32)
# The authors' script gives the network sides of multiples of this only.
TILE = 32


class EMMA(ScriptMethod):
    """The network on grey images; each image is put together and stretched, as in the authors' script."""

    card = MethodCard.beside(__file__)

    def __init__(self) -> None:
        super().__init__(Network())

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the grey images; see `FusionMethod.fuse`."""
        height, width = ir.shape[-2:]
        missing = (0, max(TILE - width, 0), 0, max(TILE - height, 0))
        sources = (pad(image, missing, mode="replicate") for image in (ir, opencv_rounded_grey(vi)))
        return stretched(self._from_corners(*sources)[..., :height, :width])

    def _from_corners(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the largest part of fitting sides at each corner; the upper left one counts wherever it reaches."""
        height, width = ir.shape[-2:]
        inner_height, inner_width = height - height % TILE, width - width % TILE
        fused = torch.empty_like(ir)
        for top, left in product(sorted({0, height - inner_height}), sorted({0, width - inner_width})):
            part = (..., slice(top, top + inner_height), slice(left, left + inner_width))
            found = self._network(ir[part], vi[part])
            rows, columns = (inner_height - top) if top else 0, (inner_width - left) if left else 0
            fused[..., top + rows : top + inner_height, left + columns : left + inner_width] = found[
                ..., rows:, columns:
            ]
        return fused


def convolution(inputs: int, outputs: int, *, stride: int = 1, bias: bool = False) -> nn.Conv2d:
    """A 3x3 convolution with reflected borders."""
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=bias, padding_mode="reflect")


class Residual(nn.Module):
    """Two convolutions, added to what they are made of."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second = (convolution(channels, channels, bias=True) for _ in range(2))
        self.conv = nn.Sequential(first, nn.ReLU(), second)

    def forward(self, features: Tensor) -> Tensor:
        """(B,C,H,W) to the same."""
        added: Tensor = self.conv(features) + features
        return added


class TwoScales(nn.Module):
    """Features of the whole image by attention beside those of the surroundings by convolutions, mixed."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.embed = convolution(inputs, outputs)
        self.GlobalFeature = BaseBlock(outputs, HEADS, border="reflect")
        self.LocalFeature = nn.ModuleDict({"Extraction": nn.Sequential(Residual(outputs), Residual(outputs))})
        self.FFN = convolution(2 * outputs, outputs)

    def forward(self, features: Tensor) -> Tensor:
        """(B,inputs,H,W) to (B,outputs,H,W)."""
        features = self.embed(features)
        both = [self.GlobalFeature(features), self.LocalFeature["Extraction"](features)]
        mixed: Tensor = self.FFN(torch.cat(both, dim=1))
        return mixed


class Network(nn.Module):
    """Infrared and grey visible (B,1,H,W) in [0,1], sides multiples of 8, to the fused image (B,1,H,W) in (0,1)."""

    def __init__(self) -> None:
        super().__init__()
        for level, (inputs, width) in enumerate(zip((1, *WIDTHS), WIDTHS, strict=False), start=1):
            last = level == len(WIDTHS)
            for source in "IV":
                self.add_module(f"{source}_en_{level}", TwoScales(inputs, width))
                if not last:
                    self.add_module(f"{source}_down{level}", convolution(width, width, stride=2))
            self.add_module(f"f_{level}", TwoScales(2 * width, width))
            self.add_module(f"de_{level}", TwoScales(width if last else 2 * width, width))
            if level > 1:
                up = nn.ConvTranspose2d(width, inputs, 4, stride=2, padding=1, bias=False)
                self.add_module(f"up{level}", nn.Sequential(up, nn.ReLU()))
        self.last = nn.Sequential(convolution(WIDTHS[0], 1, bias=True), nn.Sigmoid())

    def forward(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse a batch: level by level on the way down, and from the coarsest level up."""
        pairs = zip(self._levels("I", ir), self._levels("V", vi), strict=True)
        fused = [self._part("f", level)(torch.cat(pair, dim=1)) for level, pair in enumerate(pairs, start=1)]
        decoded = self._part("de", len(fused))(fused[-1])
        for level in range(len(fused) - 1, 0, -1):
            raised = self.get_submodule(f"up{level + 1}")(decoded)
            decoded = self._part("de", level)(torch.cat([raised, fused[level - 1]], dim=1))
        image: Tensor = self.last(decoded)
        return image

    def _levels(self, source: str, features: Tensor) -> list[Tensor]:
        """The features of a source, from full size to an eighth."""
        levels: list[Tensor] = []
        for level in range(1, len(WIDTHS) + 1):
            features = self.get_submodule(f"{source}_down{level - 1}")(features) if level > 1 else features
            features = self._part(f"{source}_en", level)(features)
            levels.append(features)
        return levels

    def _part(self, name: str, level: int) -> nn.Module:
        return self.get_submodule(f"{name}_{level}")
