"""TarDAL: target-aware dual adversarial learning (Liu et al., CVPR 2022).

One generator serves all releases: infrared and visible luminance enter as two channels, a densely connected encoder
widens them to 128, and four convolutions fuse them to one. Entry names follow the authors' checkpoints, which therefore
load as they are.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from uaabench.baselines.network import NetworkMethod
from uaabench.core.interface import LuminanceMethod, MethodCard

BatchNorm = Literal["image", "running"]

WIDTH = 32
DEPTH = 3


class TarDAL(NetworkMethod, LuminanceMethod):
    """The generator with weights.

    Args:
        batch_norm: Where the batch normalisation takes its statistics from: the `image` itself, as the authors run
            their first release (on batches of one; here each image of a batch on its own), or the `running` ones of
            the checkpoint. The same file gives very different images.
    """

    card = MethodCard.beside(__file__)

    def __init__(self, batch_norm: BatchNorm = "running") -> None:
        super().__init__(Generator(NORMS[batch_norm]))

    def fuse_luminance(self, ir: Tensor, y: Tensor) -> Tensor:
        """Run the generator; negative values of its tanh are black."""
        fused: Tensor = self._network(ir, y)
        return fused.clamp(0, 1)


class ImageNorm(nn.BatchNorm2d):
    """What batch normalisation in training does at batch one, for each image of a batch: its own biased statistics."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name in torch
        """Normalise (B,C,H,W) over H and W."""
        return functional.instance_norm(input, weight=self.weight, bias=self.bias, eps=self.eps)


NORMS: dict[BatchNorm, type[nn.BatchNorm2d]] = {"image": ImageNorm, "running": nn.BatchNorm2d}


class Generator(nn.Module):
    """Infrared and luminance (B,1,H,W) in [0,1] to the fused luminance (B,1,H,W) in (-1,1).

    Args:
        norm: Class of the normalisation layers.
    """

    def __init__(self, norm: type[nn.BatchNorm2d] = nn.BatchNorm2d) -> None:
        super().__init__()
        self.encoder = _convolution(2, WIDTH, norm(WIDTH), nn.ReLU())
        self.dense = nn.ModuleList(_convolution(WIDTH * (i + 1), WIDTH, norm(WIDTH), nn.ReLU()) for i in range(DEPTH))
        self.fuse = nn.Sequential(
            _convolution(4 * WIDTH, 4 * WIDTH, nn.ReLU()),
            _convolution(4 * WIDTH, 2 * WIDTH, norm(2 * WIDTH), nn.ReLU()),
            _convolution(2 * WIDTH, WIDTH, norm(WIDTH), nn.ReLU()),
            _convolution(WIDTH, 1, nn.Tanh()),
        )

    def forward(self, ir: Tensor, y: Tensor) -> Tensor:
        """Fuse a batch."""
        features = self.encoder(torch.cat([ir, y], dim=1))
        for layer in self.dense:
            features = torch.cat([features, layer(features)], dim=1)
        fused: Tensor = self.fuse(features)
        return fused


def _convolution(inputs: int, outputs: int, *after: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel_size=3, padding=1), *after)
