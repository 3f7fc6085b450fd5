"""Loss of SeAFusion (Tang et al., Information Fusion 2022) as in its first round, which knows no segmentation."""

from __future__ import annotations

from typing import ClassVar

import torch

from uaabench.baselines.seafusion import GradientBlock, Network
from uaabench.core.interface import luminance
from uaabench.training.crops import Batch
from uaabench.training.losses import stronger_edges
from uaabench.training.objective import Objective, Terms

GRADIENT = 10.0


class SeAFusionObjective(Objective):
    """Maximum intensity and gradient."""

    loss: ClassVar[str] = "L1 to the maximum + 10 L1 to the stronger gradient, as in its first round"
    differs: ClassVar[str] = (
        "No later rounds with a segmentation loss: they need a segmenter trained to convergence between rounds on "
        "label maps that most pairs of the budget do not have."
    )

    def __init__(self) -> None:
        super().__init__(Network())
        for block in self.network.modules():
            if isinstance(block, GradientBlock):
                _start_as_sobel(block)

    def terms(self, batch: Batch) -> Terms:
        """See `Objective.terms`."""
        ir, y = batch.ir, luminance(batch.vi)
        fused = self.run(ir, y)
        return {
            "intensity": (fused - torch.maximum(ir, y)).abs().mean(),
            "gradient": GRADIENT * stronger_edges(fused, ir, y),
        }


def _start_as_sobel(block: GradientBlock) -> None:
    kernel = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
    with torch.no_grad():
        for name, values in (("convx", kernel), ("convy", kernel.T)):
            block.sobelconv.get_submodule(name).get_parameter("weight").copy_(values)
