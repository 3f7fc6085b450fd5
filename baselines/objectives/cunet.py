"""Loss and initialisation of CU-Net for infrared and visible images, for which its authors trained no network."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from uaabench.baselines.cunet import SIZE, Analysis, Network, Synthesis
from uaabench.baselines.objectives.stronger import StrongerSource

# Of the 81 patterns of 9x9 that the cosine transform has, the coarsest; one for each channel of the codes.
ACROSS = 8


class CUNetObjective(StrongerSource):
    """The network on one channel, from the algorithm that it unrolls."""

    differs: ClassVar[str] = (
        "The authors take 1000 times the squared error to a photograph that is given as the right answer; there is "
        "none here. One channel instead of three. All steps start as soft thresholding with the cosine transform as "
        "dictionary, so that the first image is about the average, instead of at random."
    )

    def __init__(self) -> None:
        super().__init__(Network())
        for module in self.network.modules():
            if isinstance(module, Analysis | Synthesis):
                _start_as_transform(module.weight)
        with torch.no_grad():
            for name in ("conv_1", "conv_3"):
                self.network.get_parameter(f"decoder.{name}.weight").mul_(0.5)


def cosines() -> Tensor:
    """Patterns (64,9,9) of the cosine transform, so scaled that with all 81 convolution and adjoint give the image."""
    places = (torch.arange(SIZE) + 0.5) * math.pi / SIZE
    waves = torch.cos(torch.arange(ACROSS)[:, None] * places) * math.sqrt(2 / SIZE)
    waves[0] /= math.sqrt(2)
    return (waves[:, None, :, None] * waves[None, :, None, :]).reshape(-1, SIZE, SIZE) / SIZE


def _start_as_transform(weight: torch.nn.Parameter) -> None:
    """Give filters (64,C,9,9) or (C,64,9,9) the patterns, the channels C equal shares, the latter turned round."""
    patterns, analyses = cosines(), weight.shape[0] == ACROSS**2
    share = 1 / math.sqrt(weight.shape[1] if analyses else weight.shape[0])
    with torch.no_grad():
        weight.copy_(share * (patterns[:, None] if analyses else patterns.flip(1, 2)[None]))
