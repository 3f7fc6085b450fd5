"""Computing a convolutional function of images strip by strip, so that its intermediates stay small.

Whole feature maps of an image of 480x640 are so large that fetching fresh memory for each takes longer than computing
it; strips stay in the cache and reuse memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

PIXELS = 32_768
"""Pixels of a strip, about."""


@dataclass(frozen=True, slots=True)
class Border:
    """Which ends of a strip are those of the image; a whole image has both."""

    top: bool = True
    bottom: bool = True

    def pad(self, x: Tensor) -> Tensor:
        """Add, by reflection, the pixel that a 3x3 convolution needs around an image, where there is no neighbour."""
        return functional.pad(x, (1, 1, int(self.top), int(self.bottom)), mode="reflect")

    def trim(self, x: Tensor) -> Tensor:
        """Take off the rows that a 3x3 convolution after `pad` takes off."""
        return x[..., int(not self.top) : x.shape[-2] - int(not self.bottom), :]


def by_strips(
    function: Callable[[Sequence[Tensor], Border], Sequence[Tensor]], inputs: Sequence[Tensor], halo: int
) -> list[Tensor]:
    """Apply a function of images strip by strip; for inference only.

    Args:
        function: Gets the same rows of each input, and the border by which it pads them before each of its `halo` 3x3
            convolutions, so that its results have the strip's own rows.
        inputs: Images or features, (B,c,H,W).
        halo: Number of 3x3 convolutions in a row.

    Returns:
        The results for whole images, channels last.
    """
    batch, _, height, width = inputs[0].shape
    strips = max(1, min(batch * height * width // PIXELS, height // (2 * halo)))
    bounds = [height * index // strips for index in range(strips + 1)]
    outputs: list[Tensor] = []
    for first, last in pairwise(bounds):
        rows = slice(max(first - halo, 0), min(last + halo, height))
        border = Border(first == 0, last == height)
        results = function([x[..., rows, :] for x in inputs], border)
        if strips == 1:
            return list(results)
        outputs = outputs or [_empty(result, height) for result in results]
        for output, result in zip(outputs, results, strict=True):
            output[..., first:last, :] = result
    return outputs


def _empty(strip: Tensor, height: int) -> Tensor:
    batch, channels, _, width = strip.shape
    return torch.empty(
        (batch, channels, height, width), dtype=strip.dtype, device=strip.device, memory_format=torch.channels_last
    )
