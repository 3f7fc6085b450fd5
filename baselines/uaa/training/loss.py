"""The terms of UAAFusion's joint loss: the three of the paper, and two of ours that recipes can name.

The paper's loss asks for the plain average wherever the attribution is undecided and both sources are flat. The terms
`intensity` and `edges` say what to do there, and stand in recipes under these names.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from uaabench.baselines.uaa.attribution import SourceWeights
from uaabench.baselines.uaa.training.recipe import LossWeights
from uaabench.baselines.uaa.training.segmenter import segmenter_loss
from uaabench.training.crops import Batch
from uaabench.training.losses import sobel, stronger_edges

# The release pads with zeros, so that the frame of a patch counts as an edge.
BORDER = "constant"


def terms(f: Tensor, ir: Tensor, y: Tensor, weights: SourceWeights, loss: LossWeights) -> dict[str, Tensor]:
    """The unweighted terms of the fusion loss that count, by the names of `LossWeights`.

    Args:
        f: Fused images, (B,1,H,W) in [0,1].
        ir: Infrared images.
        y: Luminances.
        weights: Weights of the sources; constants here.
        loss: Which terms count.
    """
    computed: dict[str, Callable[[], Tensor]] = {
        "attribution": lambda: attribution(f, ir, y, weights),
        "gradient": lambda: stronger_edges(f, ir, y, BORDER),
        "edges": lambda: signed_edges(f, ir, y),
        "intensity": lambda: (f - intensity(ir, y, loss)).abs().mean(),
    }
    return {name: compute() for name, compute in computed.items() if name in loss.terms()}


def attribution(f: Tensor, ir: Tensor, y: Tensor, weights: SourceWeights) -> Tensor:
    """Attribution fusion loss: mean square of w_i (f - i) plus that of w_v (f - v), the weights held constant."""
    to_ir = (weights.ir.detach() * (f - ir)).square().mean()
    return to_ir + (weights.vi.detach() * (f - y)).square().mean()


def signed_edges(f: Tensor, ir: Tensor, y: Tensor) -> Tensor:
    """Mean distance of both Sobel responses to those of the source where they are stronger, sign included."""
    of_ir, of_y = sobel(ir), sobel(y)
    return (sobel(f) - torch.where(of_ir.abs() > of_y.abs(), of_ir, of_y)).abs().mean()


def intensity(ir: Tensor, y: Tensor, loss: LossWeights) -> Tensor:
    """The brighter source plus a share g of what the darker one has beyond a level, in [0,1].

    With g = 0 it is the pixel-wise maximum, in which the darker source is lost: where both have a structure, one of
    them disappears, which shows as a low sum of the correlations of differences (SCD).
    """
    darker = torch.minimum(ir, y) - loss.level
    return (torch.maximum(ir, y) + loss.darker * darker).clamp(0, 1)


def segmentation(segmenter: nn.Module, f: Tensor, ir: Tensor, y: Tensor, crops: Batch, kind: str) -> Tensor:
    """Mean segmentation loss of the fused images and both sources, over the patches that have label maps."""
    known = crops.has_label.to(f.device)
    if not known.any():
        return f.new_zeros(())
    images = torch.cat([f[known], ir[known], y[known]])
    labels = crops.label.to(f.device)[known].repeat(3, 1, 1)
    return segmenter_loss(segmenter(images), labels, kind)


def one_hot(labels: Tensor, classes: int, like: Tensor) -> Tensor:
    """Label maps (B,H,W) as masks (B,C,H,W) of the type of `like`."""
    return functional.one_hot(labels, classes).permute(0, 3, 1, 2).to(like.dtype)
