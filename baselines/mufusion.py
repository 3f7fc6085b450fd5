"""MUFusion: general unsupervised fusion with a memory unit in its training (Cheng et al., Information Fusion 2023)."""

from __future__ import annotations

from collections import Counter
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from uaabench.baselines.network import ScriptMethod
from uaabench.baselines.scripts import pil_grey, stretched
from uaabench.core.interface import MethodCard

WIDTH = 32
# Side of the patches that the authors' script cuts an image into, and by how much neighbours overlap.
PATCH, OVERLAP = 128, 4


class MUFusion(ScriptMethod):
    """The network on overlapping patches; its result is stretched, as the function that the authors save with does."""

    card = MethodCard.beside(__file__)
    smallest = 3

    def __init__(self) -> None:
        super().__init__(Network())

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the grey images; see `FusionMethod.fuse`."""
        height, width = ir.shape[-2:]
        # To the even sides that the network takes; a patch is no larger than the image.
        missing = (0, width % 2 if width < PATCH else 0, 0, height % 2 if height < PATCH else 0)
        sources = (pad(image, missing, mode="replicate") for image in (ir, pil_grey(vi)))
        return stretched(self._by_patches(*sources)[..., :height, :width])

    def _by_patches(self, ir: Tensor, vi: Tensor) -> Tensor:
        """The mean of the patches over each place; one that the script fuses several times counts as often."""
        total, count = torch.zeros_like(ir), torch.zeros_like(ir)
        rows, columns = (windows(side) for side in ir.shape[-2:])
        for (row, column), times in Counter(product(rows, columns)).items():
            patch = (..., slice(*row), slice(*column))
            total[patch] += times * self._network(ir[patch], vi[patch])
            count[patch] += times
        return total / count


def windows(side: int) -> list[tuple[int, int]]:
    """First and last pixel (exclusive) of the patches along a side: a grid, and one more flush with the edge."""
    length = min(side, PATCH)
    starts = (*range(0, side - length + 1, PATCH - OVERLAP), side - length)
    return [(start, start + length) for start in starts]


def _layer(inputs: int, outputs: int, after: nn.Module, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3, stride), after)


class Network(nn.Module):
    """Infrared and grey visible (B,1,H,W) in [0,1], H and W even, to the fused image (B,1,H,W) in (-1,1)."""

    def __init__(self) -> None:
        super().__init__()
        double = 2 * WIDTH
        self.conv1, self.conv2 = _layer(2, WIDTH, nn.ReLU()), _layer(WIDTH, WIDTH, nn.ReLU())
        self.conv3 = _layer(double, double, nn.ReLU(), stride=2)
        for number, sources in ((4, 1), (5, 2), (6, 3), (66, 1), (55, 2), (44, 2), (33, 2)):
            self.add_module(f"conv{number}", _layer(sources * double, double, nn.ReLU()))
        self.conv22, self.conv11 = _layer(double + WIDTH, WIDTH, nn.ReLU()), _layer(double, 1, nn.Tanh())
        self.up = nn.Upsample(scale_factor=2, mode="bicubic")

    def forward(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse a batch: a dense encoder on half the size, and a decoder that takes each of its maps in turn."""
        first = self.conv1(torch.cat([ir, vi], dim=1))
        second = self.conv2(first)
        dense = [self.conv3(torch.cat([first, second], dim=1))]
        for number in (4, 5, 6):
            dense.append(self.get_submodule(f"conv{number}")(torch.cat(dense, dim=1)))
        features = self.get_submodule("conv66")(dense.pop())
        for number in (55, 44, 33):
            features = self.get_submodule(f"conv{number}")(torch.cat([dense.pop(), features], dim=1))
        features = self.conv22(torch.cat([second, self.up(features)], dim=1))
        fused: Tensor = self.conv11(torch.cat([first, features], dim=1))
        return fused
