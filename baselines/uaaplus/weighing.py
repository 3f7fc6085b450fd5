"""How UAAFusion+ weighs the sources: a soft maximum that the attribution of each region shifts.

Integrated gradients of a class's mean score over its region, from any baseline b to a source x over the whole image,
add up to S(x) - S(b), whatever the path: that is their completeness. Between the sources the baseline cancels, and no
gradient has to be computed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from uaabench.baselines.uaa.attribution import EPS, SourceWeights

BACKGROUND = 0
RADIUS = 4
"""Pixels by which the borders of regions are softened, since the segmenter knows them no better than that."""


@torch.no_grad()
def contributions(segmenter: nn.Module, labels: Tensor, sources: Tensor, classes: int) -> Tensor:
    """Mean score of each class over its region in each source.

    Args:
        segmenter: Gives scores, (B,1,H,W) to (B,C,H,W).
        labels: Region of each pixel, (B,H,W) class indices.
        sources: Images to attribute to, (S,B,1,H,W).
        classes: Number C of classes.

    Returns:
        (S,B,C) in [0,1]; 0 for a class without a region.
    """
    training = segmenter.training
    scores = segmenter.eval()(sources.flatten(0, 1)).unflatten(0, sources.shape[:2])
    segmenter.train(training)
    regions = functional.one_hot(labels, classes).permute(0, 3, 1, 2).to(scores.dtype)
    means: Tensor = (scores * regions).sum((-2, -1)) / regions.sum((-2, -1)).clamp(min=1)
    return means


def direction(attribution: Tensor, labels: Tensor) -> Tensor:
    """Which source each region needs: o = (a_i - a_v) / (a_i + a_v), which changes its sign when both change places.

    The background takes no side: a source in which nothing was recognised says nothing in its favour.

    Args:
        attribution: Contributions of infrared and visible, (2,B,C), not negative.
        labels: Region of each pixel, (B,H,W).

    Returns:
        (B,1,H,W) in [-1,1], from visible to infrared; soft at the borders of regions.
    """
    a_ir, a_vi = attribution
    of_class = (a_ir - a_vi) / (a_ir + a_vi + EPS)
    of_class = torch.cat([torch.zeros_like(of_class[:, :1]), of_class[:, 1:]], 1)
    sharp = of_class.gather(1, labels.flatten(1)).view_as(labels[:, None])
    return smooth(sharp)


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
