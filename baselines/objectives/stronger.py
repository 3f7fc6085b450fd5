"""The loss of networks whose authors never fused infrared and visible images: the brighter pixel, the stronger slope.

One for all of them, so that their rows differ in the network alone.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from uaabench.core.interface import luminance
from uaabench.training.crops import Batch
from uaabench.training.losses import sobel
from uaabench.training.objective import Objective, Terms

SLOPES = 10.0


class StrongerSource(Objective):
    """Maximum intensity, and in each direction the slope of the source where it is steeper, with its sign."""

    loss: ClassVar[str] = "L1 to the maximum + 10 L1 to the steeper Sobel slope of both sources, with its sign"

    def terms(self, batch: Batch) -> Terms:
        """See `Objective.terms`."""
        y = luminance(batch.vi)
        return stronger(self.run(batch.ir, y), batch.ir, y)


def stronger(fused: Tensor, ir: Tensor, y: Tensor) -> Terms:
    """Both terms of the loss for images (B,1,H,W) in [0,1].

    Magnitudes alone would allow an image whose contrast is inverted, hence the signs.
    """
    of_ir, of_y = sobel(ir), sobel(y)
    steeper = torch.where(of_ir.abs() > of_y.abs(), of_ir, of_y)
    return {
        "intensity": (fused - torch.maximum(ir, y)).abs().mean(),
        "slopes": SLOPES * (sobel(fused) - steeper).abs().mean(),
    }
