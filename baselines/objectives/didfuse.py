"""Loss of DIDFuse (Zhao et al., IJCAI 2020): base features of both sources alike, detail features different."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from uaabench.baselines.didfuse import Network
from uaabench.baselines.objectives.autoencoder import single_images
from uaabench.training.crops import Batch
from uaabench.training.losses import sobel, ssim_map
from uaabench.training.objective import Objective, Terms

SOURCE, STRUCTURE, DETAIL, GRADIENT = 2.0, 5.0, 0.5, 10.0
# The authors' gradient filter is Sobel's divided by the sum of its magnitudes.
SOBEL_SUM = 8.0


class DIDFuseObjective(Objective):
    """Both sources are reconstructed, and their features compared."""

    loss: ClassVar[str] = (
        "reconstruction of each source, 2 (squared error + 5 (1 - SSIM) / 2), + tanh of the distance of the base "
        "features - 0.5 tanh of that of the detail features + 10 L1 of the visible gradients"
    )

    def __init__(self) -> None:
        super().__init__(Network())

    def terms(self, batch: Batch) -> Terms:
        """See `Objective.terms`."""
        image = single_images(batch)
        with self.precision(image):
            features = self.network.encode(image)  # type: ignore[operator]
            found = self.network.decode(*features).float()  # type: ignore[operator]
        base, detail = (_distance(part.float()) for part in features[2:])
        visible = slice(len(batch.ir), None)
        return {
            # Means over both sources count half of the sum of their means.
            "intensity": 2 * SOURCE * (found - image).square().mean(),
            "structure": 2 * SOURCE * STRUCTURE * (1 - ssim_map(found, image)).mean() / 2,
            "base": base.tanh(),
            "detail": -DETAIL * detail.tanh(),
            "gradient": GRADIENT * (sobel(found[visible]) - sobel(image[visible])).abs().mean() / SOBEL_SUM,
        }


def _distance(features: Tensor) -> Tensor:
    """Mean distance of the features of the infrared images to those of the visible ones."""
    of_ir, of_vi = features.chunk(2)
    return (of_ir - of_vi).abs().mean()
