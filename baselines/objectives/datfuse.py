"""Loss of DATFuse (Tang et al., IEEE TCSVT 2023), as in the authors' training script."""

from __future__ import annotations

from typing import ClassVar

import torch

from uaabench.baselines.datfuse import Network
from uaabench.core.interface import luminance
from uaabench.training.crops import Batch
from uaabench.training.losses import sobel, ssim_map
from uaabench.training.objective import Objective, Terms

STRUCTURE, GRADIENT = 10.0, 100.0


class DATFuseObjective(Objective):
    """Squared error to both sources, structure of the brighter, and a mean gradient."""

    loss: ClassVar[str] = (
        "squared error to each source + 10 (1 - SSIM) to their maximum + 100 |g(F) - max(g(I), g(V))|, "
        "g the mean of the signed Sobel responses of a batch"
    )

    def __init__(self) -> None:
        super().__init__(Network())

    def terms(self, batch: Batch) -> Terms:
        """See `Objective.terms`."""
        ir, y = batch.ir, luminance(batch.vi)
        found = self.run(ir, y)
        slopes = [sobel(image).sum(dim=1).mean() for image in (found, ir, y)]
        return {
            "infrared": (found - ir).square().mean(),
            "visible": (found - y).square().mean(),
            "structure": STRUCTURE * (1 - ssim_map(found, torch.maximum(ir, y))).mean(),
            "gradient": GRADIENT * (slopes[0] - torch.maximum(slopes[1], slopes[2])).abs(),
        }
