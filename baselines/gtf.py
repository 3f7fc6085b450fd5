"""GTF: brightness of infrared with gradients of visible, by total variation (Ma et al., Information Fusion 2016).

The fused image x minimises |x - ir| + 4 |grad(x - y)|, both norms L1; with u = x - y that is denoising of ir - y by
total variation with an L1 data term. It is solved by the primal-dual algorithm of Chambolle and Pock (2011); the
authors use iteratively reweighted norms for the same problem.
"""

from __future__ import annotations

import torch
from torch import Tensor

from uaabench.core.interface import LuminanceMethod, MethodCard

# As published.
WEIGHT = 4.0
# From here on the image moves by less than a tenth of a grey level on average.
ITERATIONS = 400
# Steps of the algorithm for the image and its dual, in proportion to the sizes of both; their product times 8, the
# squared norm of the gradient, must not exceed 1.
PRIMAL = 0.01
DUAL = 1 / (8 * PRIMAL)


class GTF(LuminanceMethod):
    """The published problem with its published weight."""

    card = MethodCard.beside(__file__)

    def fuse_luminance(self, ir: Tensor, y: Tensor) -> Tensor:
        """Solve for a batch; overshoot is clipped."""
        return (y + smooth(ir - y, WEIGHT)).clamp(0, 1)


def smooth(image: Tensor, weight: float) -> Tensor:
    """Minimise |u - image| + weight * TV(u), isotropic total variation, for (B,1,H,W)."""
    solution = ahead = image
    dual = torch.zeros_like(image).repeat(1, 2, 1, 1)
    for _ in range(ITERATIONS):
        dual = dual + DUAL * _gradient(ahead)
        dual = dual / (dual.norm(dim=1, keepdim=True) / weight).clamp(min=1)
        moved = solution + PRIMAL * _divergence(dual) - image
        # The proximal map of the L1 norm shrinks towards the data.
        shrunk = image + moved.sign() * (moved.abs() - PRIMAL).clamp(min=0)
        ahead = 2 * shrunk - solution
        solution = shrunk
    return solution


def _gradient(image: Tensor) -> Tensor:
    """Forward differences (B,2,H,W), zero at the last row and column."""
    gradient = torch.zeros_like(image).repeat(1, 2, 1, 1)
    gradient[:, :1, :-1] = image[:, :, 1:] - image[:, :, :-1]
    gradient[:, 1:, :, :-1] = image[:, :, :, 1:] - image[:, :, :, :-1]
    return gradient


def _divergence(field: Tensor) -> Tensor:
    """The negative adjoint of `_gradient`: (B,2,H,W) to (B,1,H,W)."""
    rows, columns = field[:, :1].clone(), field[:, 1:].clone()
    rows[:, :, -1], columns[:, :, :, -1] = 0, 0
    divergence = rows + columns
    divergence[:, :, 1:] -= rows[:, :, :-1]
    divergence[:, :, :, 1:] -= columns[:, :, :, :-1]
    return divergence
