"""Loss and initialisation of SHIP (Zheng et al., CVPR 2024), as in the authors' options."""

from __future__ import annotations

from typing import ClassVar

import torch

from uaabench.baselines.ship import InvertibleMix, Network
from uaabench.core.interface import luminance
from uaabench.training.crops import Batch
from uaabench.training.losses import saliency, stronger_edges
from uaabench.training.objective import Objective, Terms

MASKED, BRIGHTER, GRADIENT = 3.0, 10.0, 10.0


class SHIPObjective(Objective):
    """Each source where it is salient, the brighter one, and the stronger gradient."""

    loss: ClassVar[str] = (
        "3 (L1 to the visible image inside a mask and black outside + L1 to the infrared one outside it and black "
        "inside) + 10 L1 to the maximum + 10 L1 to the stronger gradient"
    )
    differs: ClassVar[str] = "Masks from the grey-level saliency of both sources instead of those the authors drew."

    def __init__(self) -> None:
        super().__init__(Network())
        for mix in self.network.modules():
            if isinstance(mix, InvertibleMix):
                _rotate(mix)

    def terms(self, batch: Batch) -> Terms:
        """See `Objective.terms`."""
        ir, y = batch.ir, luminance(batch.vi)
        mask = (saliency(y) > saliency(ir)).to(y.dtype)
        found = self.run(y, ir)
        masked = (mask * y - found).abs().mean() + ((1 - mask) * ir - found).abs().mean()
        return {
            "masked": MASKED * masked,
            "brighter": BRIGHTER * (found - torch.maximum(ir, y)).abs().mean(),
            "gradient": GRADIENT * stronger_edges(found, ir, y),
        }


def _rotate(mix: InvertibleMix) -> None:
    """Start from the factors of a random rotation."""
    rotation = torch.linalg.qr(torch.randn(len(mix.p), len(mix.p)))[0]
    p, lower, upper = torch.linalg.lu(rotation)
    with torch.no_grad():
        mix.p.copy_(p)
        mix.lower.copy_(lower)
        mix.upper.copy_(upper.triu(1))
        mix.sign_s.copy_(upper.diagonal().sign())
        mix.log_s.copy_(upper.diagonal().abs().log())
