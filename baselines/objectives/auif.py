"""Loss and initialisation of AUIF (Zhao et al., IEEE TCSVT 2022)."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from uaabench.baselines.auif import Network, Step
from uaabench.baselines.objectives.autoencoder import single_images
from uaabench.training.crops import Batch
from uaabench.training.losses import ssim_map
from uaabench.training.objective import Objective, Terms

STRUCTURE, WINDOW = 5.0, 3


class AUIFObjective(Objective):
    """Single images are reconstructed from their base and detail."""

    loss: ClassVar[str] = "reconstruction of single images, squared error + 5 (1 - SSIM) / 2 with a window of 3"
    differs: ClassVar[str] = "One learning rate instead of one for the detail encoder and ten times that for the rest."

    def __init__(self) -> None:
        super().__init__(Network())
        for step in self.network.modules():
            if isinstance(step, Step):
                nn.init.normal_(step.eta, 0.1, 0.03)
                nn.init.normal_(step.theta, 1e-3, 1e-4)

    def terms(self, batch: Batch) -> Terms:
        """See `Objective.terms`."""
        image = single_images(batch)
        with self.precision(image):
            found = self.network.decode(*self.network.decompose(image))  # type: ignore[operator]
        return {
            "intensity": (found.float() - image).square().mean(),
            "structure": STRUCTURE * (1 - ssim_map(found.float(), image, WINDOW)).mean() / 2,
        }
