"""Loss of Res2Fusion (Wang et al., IEEE TIM 2022), the weights of the authors' checkpoint '1e3'."""

from __future__ import annotations

from typing import ClassVar

from uaabench.baselines.objectives.autoencoder import GreyLevelAutoencoder
from uaabench.baselines.res2fusion import Network


class Res2FusionObjective(GreyLevelAutoencoder):
    """Single images are reconstructed."""

    loss: ClassVar[str] = "reconstruction of single images, squared error of grey levels + 1000 (1 - MS-SSIM)"
    structure: ClassVar[float] = 1000.0

    def __init__(self) -> None:
        super().__init__(Network())
