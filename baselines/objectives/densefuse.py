"""Loss of DenseFuse (Li, Wu, IEEE TIP 2019), the weights of the authors' PyTorch version '1e2'."""

from __future__ import annotations

from typing import ClassVar

from uaabench.baselines.densefuse import Autoencoder
from uaabench.baselines.objectives.autoencoder import GreyLevelAutoencoder


class DenseFuseObjective(GreyLevelAutoencoder):
    """Single images are reconstructed."""

    loss: ClassVar[str] = "reconstruction of single images, squared error of grey levels + 100 (1 - MS-SSIM)"
    structure: ClassVar[float] = 100.0

    def __init__(self) -> None:
        super().__init__(Autoencoder())
