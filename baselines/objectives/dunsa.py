"""Loss of DUN-SA for infrared and visible images, of which every other pair is misaligned on purpose."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from uaabench.baselines.dunsa import Network, Unfolded, moved
from uaabench.baselines.objectives.stronger import StrongerSource, stronger
from uaabench.core.interface import luminance
from uaabench.training.crops import Batch
from uaabench.training.objective import Objective, Terms

FARTHEST = 8
DISPLACEMENT = 0.05


class DUNSAObjective(Objective):
    """The fused image of the registered pair, and the displacement that was made."""

    loss: ClassVar[str] = (
        f"{StrongerSource.loss} (infrared as registered) + 0.05 L1 in pixels of the displacement after each stage"
    )
    differs: ClassVar[str] = (
        "The authors compare with a given image alone. Here is none; and infrared of every other crop is moved by up "
        "to 8 pixels down or up and right or left, which is known and therefore asked for."
    )

    def __init__(self) -> None:
        super().__init__(Network())

    def terms(self, batch: Batch) -> Terms:
        """See `Objective.terms`."""
        y, moves = luminance(batch.vi), _moves(batch.ir)
        with self.precision(y):
            found: Unfolded = self.network.unfold(moved(batch.ir, -moves), y)  # type: ignore[operator]
        distances = torch.stack([(displacement - moves).abs().mean() for displacement in found.displacements])
        return {**stronger(found.iterates[-1].float(), batch.ir, y), "displacement": DISPLACEMENT * distances.mean()}


def _moves(image: Tensor) -> Tensor:
    """A displacement for each image, (B,2) in whole pixels; none for every other one on average."""
    moves = torch.randint(-FARTHEST, FARTHEST + 1, (len(image), 2)) * torch.randint(2, (len(image), 1))
    return moves.to(image)
