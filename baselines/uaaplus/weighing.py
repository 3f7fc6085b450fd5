"""How UAAFusion+ weighs the sources: a soft maximum that the attribution of each region shifts.

What the sources contribute is asked for by `uaa.preference`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from uaabench.baselines.uaa.attribution import SourceWeights
from uaabench.baselines.uaa.preference import preferred

RADIUS = 4
"""Pixels by which the borders of regions are softened, since the segmenter knows them no better than that."""


def direction(attribution: Tensor, labels: Tensor) -> Tensor:
    """Which source each region needs: `preference.preferred`, soft at the borders of regions.

    Args:
        attribution: Contributions of infrared and visible, (2,B,C); see `preference.of_classes`.
        labels: Region of each pixel, (B,H,W).

    Returns:
        (B,1,H,W) in [-1,1], from visible to infrared.
    """
    return smooth(preferred(attribution, labels))


def smooth(image: Tensor) -> Tensor:
    """Mean over a square of 9x9 pixels, of those that lie in the image: (B,1,H,W) to the same."""
    return functional.avg_pool2d(image, 2 * RADIUS + 1, stride=1, padding=RADIUS, count_include_pad=False)


def weigh(ir: Tensor, vi: Tensor, towards_ir: Tensor, preference: float, softness: float) -> Tensor:
    """Weight w_i = sigmoid((i - v) / softness + k o) of the infrared image; that of the visible one is 1 - w_i.

    Args:
        ir: Infrared image i, (B,1,H,W) in [0,1].
        vi: Visible luminance v, likewise.
        towards_ir: Direction o, (B,1,H,W) in [-1,1]; zero leaves a soft maximum of the sources.
        preference: Factor k.
        softness: Difference of the sources that counts as decisive.
    """
    return torch.sigmoid((ir - vi) / softness + preference * towards_ir)


def source_weights(
    ir: Tensor, vi: Tensor, labels: Tensor, attribution: Tensor, *, preference: float, softness: float
) -> SourceWeights:
    """The weights of the sources by the attribution (2,B,C) of the regions (B,H,W)."""
    w_ir = weigh(ir, vi, direction(attribution, labels), preference, softness)
    return SourceWeights(w_ir, 1 - w_ir, attribution)
