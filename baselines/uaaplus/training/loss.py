"""The terms of the loss of UAAFusion+: each asks for the source that the attribution of the region prefers."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from uaabench.baselines.uaa.attribution import SourceWeights
from uaabench.baselines.uaaplus.training.recipe import LossWeights
from uaabench.training.losses import sobel, ssim_map


def terms(
    f: Tensor, ir: Tensor, y: Tensor, weights: SourceWeights, towards_ir: Tensor, loss: LossWeights
) -> dict[str, Tensor]:
    """The unweighted terms that count, by the names of `LossWeights`.

    Args:
        f: Fused images, (B,1,H,W), about in [0,1].
        ir: Infrared images.
        y: Luminances.
        weights: Weights of the sources; constants here.
        towards_ir: Direction o of each pixel, (B,1,H,W) in [-1,1]; see `weighing.direction`.
        loss: Which terms count.
    """
    computed: dict[str, Callable[[], Tensor]] = {
        "intensity": lambda: (f - intensity(ir, y, weights, loss)).abs().mean(),
        "edges": lambda: directed_edges(f, ir, y, towards_ir),
        "ssim": lambda: 1 - (weights.ir * ssim_map(f, ir) + weights.vi * ssim_map(f, y)).mean(),
    }
    return {name: computed[name]() for name in loss.terms()}


def intensity(ir: Tensor, y: Tensor, weights: SourceWeights, loss: LossWeights) -> Tensor:
    """The weighted sources T = w_i i + w_v v and a share g of what the darker one has beyond a level, in [0,1]."""
    darker = torch.minimum(ir, y) - loss.level
    return (weights.ir * ir + weights.vi * y + loss.darker * darker).clamp(0, 1)


def directed_edges(f: Tensor, ir: Tensor, y: Tensor, towards_ir: Tensor) -> Tensor:
    """Mean distance of both Sobel responses to those of the source where they are stronger, sign included.

    A region that needs one source lets its responses count (1 + o) / (1 - o) times as much, up to nine times.
    """
    o = 0.8 * towards_ir
    of_ir, of_y = sobel(ir), sobel(y)
    return (sobel(f) - torch.where((1 + o) * of_ir.abs() > (1 - o) * of_y.abs(), of_ir, of_y)).abs().mean()
