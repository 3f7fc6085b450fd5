"""Loss of LIRP for infrared and visible images."""

from __future__ import annotations

from typing import ClassVar

import torch

from uaabench.baselines.lirp import PATCH, Network
from uaabench.baselines.objectives.autoencoder import single_images
from uaabench.baselines.objectives.stronger import StrongerSource
from uaabench.training.crops import Batch
from uaabench.training.objective import Terms

# The share of hidden patches; masked autoencoders of whole images hide more, but see more.
HIDDEN = 0.5


class LIRPObjective(StrongerSource):
    """The fused image, and the prior's restoration of hidden patches of the sources."""

    loss: ClassVar[str] = f"{StrongerSource.loss} + L1 of hidden patches of both sources as the prior restores them"
    differs: ClassVar[str] = (
        "The authors compare with a given image, train the prior before the network, and have a second masked "
        "autoencoder in the loss, which hides spectral bands; here is no such image, the prior is trained along, and "
        "there are no bands to hide."
    )

    def __init__(self) -> None:
        super().__init__(Network())

    def terms(self, batch: Batch) -> Terms:
        """See `Objective.terms`."""
        image = single_images(batch)
        hide = torch.rand(len(image), 1, *(-(-length // PATCH) for length in image.shape[2:])) < HIDDEN
        with self.precision(image):
            restored = self.network.prior(image, hide.to(image.device))  # type: ignore[operator,unused-ignore]
        of_hidden = hide.to(image).repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3)
        of_hidden = of_hidden[..., : image.shape[2], : image.shape[3]]
        distance = ((restored - image).abs() * of_hidden).sum() / of_hidden.sum().clamp(min=1)
        return {**super().terms(batch), "reasoning": distance}
