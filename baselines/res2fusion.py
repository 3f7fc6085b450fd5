"""Res2Fusion: a dense Res2net autoencoder, fused by double nonlocal attention (Wang et al., IEEE TIM 2022)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from uaabench.baselines.network import ScriptMethod
from uaabench.baselines.scripts import pil_grey, stretched
from uaabench.core.interface import MethodCard

MARGIN = 1e-10
POOLED = 8
# Rows of the spatial attention that are computed at a time; all of them take gigabytes.
ROWS = 4096


class Res2Fusion(ScriptMethod):
    """The autoencoder on grey levels 0..255 with the attention strategy; the result is stretched when it is saved."""

    card = MethodCard.beside(__file__)
    smallest = 8

    def __init__(self) -> None:
        super().__init__(Network())

    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse the grey images; see `FusionMethod.fuse`."""
        return stretched(self._network(ir * 255, pil_grey(vi) * 255).clamp(0, 255))


class Convolution(nn.Module):
    """A convolution with reflected borders under the entry name `conv2d`."""

    def __init__(self, inputs: int, outputs: int, size: int = 3) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(inputs, outputs, size, padding=size // 2, padding_mode="reflect")

    def forward(self, features: Tensor) -> Tensor:
        """(B,inputs,H,W) to (B,outputs,H,W)."""
        convolved: Tensor = self.conv2d(features)
        return convolved


class Res2Block(nn.Module):
    """Four groups of channels, each of the first three convolved together with the result of the one before."""

    def __init__(self, inputs: int, outputs: int, width: int) -> None:
        super().__init__()
        self.conv1 = Convolution(inputs, 4 * width, 1)
        self.convs = nn.ModuleList(Convolution(width, width) for _ in range(3))
        self.conv2 = Convolution(4 * width, outputs, 1)
        self.conv3 = Convolution(inputs, outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B,inputs,H,W) to (B,outputs,H,W)."""
        *groups, last = torch.relu(self.conv1(features)).chunk(4, dim=1)
        found: list[Tensor] = []
        for group, convolution in zip(groups, self.convs, strict=True):
            found.append(torch.relu(convolution(group + found[-1] if found else group)))
        return torch.relu(self.conv2(torch.cat([*found, last], dim=1)) + self.conv3(features))


class Network(nn.Module):
    """Infrared and grey visible (B,1,H,W) in 0..255 to the fused image (B,1,H,W), nominally in 0..255."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder_conv = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1, padding_mode="reflect"), nn.ReLU())
        self.RB1, self.RB2 = Res2Block(16, 32, 4), Res2Block(48, 64, 8)
        self.conv1, self.conv2 = Convolution(112, 64), Convolution(64, 32)
        self.conv3, self.conv4 = Convolution(32, 16), Convolution(16, 1)

    def forward(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse a batch, one image at a time: attention is between all places of an image."""
        pairs = zip(self.encode(ir), self.encode(vi), strict=True)
        return self.decode(torch.stack([(by_channel(*pair) + by_place(*pair)) / 2 for pair in pairs]))

    def encode(self, image: Tensor) -> Tensor:
        """One image (B,1,H,W) in 0..255 to its features (B,112,H,W)."""
        start = self.encoder_conv(image)
        dense = torch.cat([start, self.RB1(start)], dim=1)
        return torch.cat([dense, self.RB2(dense)], dim=1)

    def decode(self, features: Tensor) -> Tensor:
        """Features (B,112,H,W) to an image (B,1,H,W)."""
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4):
            features = torch.relu(layer(features))
        return features


def by_channel(first: Tensor, second: Tensor) -> Tensor:
    """Weight two feature maps (C,H,W) by the attention between their channels."""
    maps = []
    for features in (first.flatten(1), second.flatten(1)):
        energy = features @ features.T
        maps.append(features + _stretched(energy, energy.min(), energy.max()).softmax(dim=-1) @ features)
    return _weighted(first, second, *maps)


def by_place(first: Tensor, second: Tensor) -> Tensor:
    """Weight two feature maps (C,H,W) by the attention of each place to the means of 8x8 places."""
    maps = []
    for source in (first, second):
        features, pooled = source.flatten(1), avg_pool2d(source[None], POOLED)[0].flatten(1)
        extremes = torch.stack([torch.stack(energy.aminmax()) for energy in _energies(features, pooled)])
        low, high = extremes[:, 0].min(), extremes[:, 1].max()
        rows = [_stretched(energy, low, high).softmax(dim=-1) @ pooled.T for energy in _energies(features, pooled)]
        maps.append(features + torch.cat(rows).T)
    return _weighted(first, second, *maps)


def _energies(features: Tensor, pooled: Tensor) -> Iterator[Tensor]:
    """Products of each place (C,N) with each mean (C,n), some rows at a time."""
    for start in range(0, features.shape[1], ROWS):
        yield features[:, start : start + ROWS].T @ pooled


def _stretched(energy: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Energies from their range to 0..1; 0, so that all count alike, where a constant source makes them equal."""
    return torch.where(high == low, 0, (energy - low) / (high - low))


def _weighted(first: Tensor, second: Tensor, map1: Tensor, map2: Tensor) -> Tensor:
    total = map1 + map2 + MARGIN
    return (map1 / total).view_as(first) * first + (map2 / total).view_as(second) * second
