"""Pulling a gradient back through 3x3 convolutions where it can differ from zero, and nowhere else.

The score of a class depends, through a few convolutions, on its region and a thin rim around it. Pixels are gathered
into a list, so that thin and scattered regions cost what their area says.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from uaabench.baselines.uaa.upsampled import Window

ROWS_AT_ONCE = 2048
"""Pixels whose nine neighbours are gathered at a time: few enough for the gathered copy to stay small."""


@dataclass(frozen=True, slots=True)
class Support:
    """Where on a grid a gradient can differ from zero.

    Attributes:
        mask: True there, (h,w).
        pixels: Flat indices of these n pixels, (n,).
    """

    mask: Tensor
    pixels: Tensor

    @classmethod
    def of(cls, mask: Tensor) -> Support:
        """The support that a mask (h,w) shows."""
        return cls(mask, mask.flatten().nonzero()[:, 0])

    def window(self) -> Window:
        """The smallest window with all pixels."""
        rows, columns = self.mask.any(1).nonzero(), self.mask.any(0).nonzero()
        return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)

    def grown(self) -> Support:
        """With the pixels that a 3x3 convolution reaches from here."""
        reached = functional.max_pool2d(self.mask[None, None].float(), 3, stride=1, padding=1)
        return Support.of(reached[0, 0] > 0)

    def gather(self, features: Tensor) -> Tensor:
        """The pixels of features with channels last: (B,h,w,c) to (B,n,c)."""
        return features.flatten(1, 2).index_select(1, self.pixels)

    def scatter(self, values: Tensor) -> Tensor:
        """The opposite of `gather`, zero elsewhere: (B,n,c) to (B,h,w,c)."""
        features = values.new_zeros(len(values), self.mask.numel(), values.shape[-1])
        return features.index_copy_(1, self.pixels, values).view(len(values), *self.mask.shape, -1)


def pull_back(gradient: Tensor, support: Support, weight: Tensor) -> tuple[Tensor, Support]:
    """Gradient with respect to the input of a zero-padded 3x3 convolution.

    Args:
        gradient: Gradient with respect to its output on the support, (B,n,c).
        support: The n pixels of the output.
        weight: Weight of the convolution, (c,a,3,3).

    Returns:
        The gradient on the pixels that the support reaches, (B,m,a), and these pixels.
    """
    reached = support.grown()
    neighbours = _neighbours(reached, support)
    padded = torch.cat([gradient, gradient.new_zeros(len(gradient), 1, gradient.shape[-1])], 1)
    matrix = weight.permute(2, 3, 0, 1).reshape(-1, weight.shape[1])
    parts = [
        padded.index_select(1, rows.flatten()).view(len(gradient), len(rows), -1) @ matrix
        for rows in torch.split(neighbours, max(1, ROWS_AT_ONCE // len(gradient)))
    ]
    return torch.cat(parts, 1), reached


def _neighbours(at: Support, of: Support) -> Tensor:
    """For each pixel of `at` and each tap, the place in `of` of the output that reads it so; (m,9), n for none."""
    height, width = of.mask.shape
    places = of.pixels.new_full((height + 2, width + 2), len(of.pixels))
    places[1:-1, 1:-1][of.mask] = torch.arange(len(of.pixels), device=of.pixels.device)
    row, column = at.pixels // width, at.pixels % width
    taps = [(y, x) for y in range(3) for x in range(3)]
    # An output at p reads p + tap - 1; in the padded table, p stands at p + 1.
    return torch.stack([places[row + 2 - y, column + 2 - x] for y, x in taps], 1)
