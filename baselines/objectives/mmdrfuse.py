"""Loss of MMDRFuse (Deng et al., ACM Multimedia 2024), as far as it needs no other network."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from uaabench.baselines.mmdrfuse import Network
from uaabench.core.interface import luminance
from uaabench.training.crops import Batch
from uaabench.training.objective import Objective, Terms

EDGES = 0.1


class MMDRFuseObjective(Objective):
    """Intensity and edges of the brighter source."""

    loss: ClassVar[str] = "L1 to the maximum of both sources + 0.1 squared error of Laplacians"
    differs: ClassVar[str] = (
        "No VGG features, no distillation from the authors' teacher and no memory of earlier outputs."
    )

    def __init__(self) -> None:
        super().__init__(Network())

    def terms(self, batch: Batch) -> Terms:
        """See `Objective.terms`."""
        y = luminance(batch.vi)
        found, brighter = self.run(batch.ir, y), torch.maximum(batch.ir, y)
        return {
            "intensity": (found - brighter).abs().mean(),
            "edges": EDGES * (laplacian(found) - laplacian(brighter)).square().mean(),
        }


def laplacian(image: Tensor) -> Tensor:
    """The Laplacian over eight neighbours of (B,1,H,W), edges replicated."""
    kernel = image.new_ones(1, 1, 3, 3)
    kernel[..., 1, 1] = -8
    return conv2d(pad(image, (1, 1, 1, 1), mode="replicate"), kernel)
