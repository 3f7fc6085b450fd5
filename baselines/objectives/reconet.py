"""Loss of ReCoNet's fusion (Huang et al., ECCV 2022), without the registration."""

from __future__ import annotations

from typing import ClassVar

from uaabench.baselines.reconet import Network
from uaabench.core.interface import luminance
from uaabench.training.crops import Batch
from uaabench.training.losses import ssim_map
from uaabench.training.objective import Objective, Terms

INTENSITY = 20.0


class ReCoNetObjective(Objective):
    """Structure and intensity of both sources, every pixel of both counting the same."""

    loss: ClassVar[str] = "(1 - SSIM) / 2 + 20 L1 to each source"
    differs: ClassVar[str] = (
        "The authors publish no weights of the two terms; these are those of TarDAL, from the same group."
    )

    def __init__(self) -> None:
        super().__init__(Network())

    def terms(self, batch: Batch) -> Terms:
        """See `Objective.terms`."""
        sources = batch.ir, luminance(batch.vi)
        found = self.run(*sources)
        structure = [(1 - ssim_map(found, source)).mean() / 2 for source in sources]
        intensity = [(found - source).abs().mean() for source in sources]
        return {"structure": structure[0] + structure[1], "intensity": INTENSITY * (intensity[0] + intensity[1])}
