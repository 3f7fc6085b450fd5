"""Loss of SeAFusion (Tang et al., Information Fusion 2022): intensity, gradient, and what a segmenter makes of it.

The authors train fusion and segmentation in turns, four times, the segmentation counting 0, 1, 2 and 3 in the fusion's
loss. Here the turns are quarters of the training, and the segmenter takes a step before each step of the fusion.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from uaabench.baselines.seafusion import GradientBlock, Network
from uaabench.baselines.uaa.small import SmallSegmenter
from uaabench.interface import luminance
from uaabench.training.crops import Batch
from uaabench.training.losses import stronger_edges
from uaabench.training.objective import Objective, Terms

TURNS, GRADIENT = 4, 10.0
CLASSES, SEGMENTER_RATE = 9, 1e-3
# Pixels whose loss is larger count, and at least a sixteenth of all.
HARD, AT_LEAST = 0.7, 16


class SeAFusionObjective(Objective):
    """Maximum intensity and gradient, and the segmentation of the fused image."""

    loss: ClassVar[str] = (
        "L1 to the maximum + 10 L1 to the stronger gradient + m times the cross-entropy of the hard pixels of a "
        "segmenter, m = 0, 1, 2, 3 in the quarters of the training"
    )
    differs: ClassVar[str] = (
        "A small segmenter on luminance, trained along on the crops with label maps (demo), instead of BiSeNet in "
        "turns with the fusion on MSRS."
    )

    def __init__(self) -> None:
        super().__init__(Network())
        for block in self.network.modules():
            if isinstance(block, GradientBlock):
                _start_as_sobel(block)
        self.segmenter = SmallSegmenter(CLASSES)
        self.optimiser = torch.optim.Adam(self.segmenter.parameters(), lr=SEGMENTER_RATE)

    def prepare(self, batch: Batch, done: float) -> None:  # noqa: ARG002 - the same all along
        """Train the segmenter on the fused images as they are now."""
        if not batch.has_label.any():
            return
        with torch.no_grad():
            fused = self.run(batch.ir, luminance(batch.vi))
        self.optimiser.zero_grad()
        self._segmentation(fused, batch).backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()

    def terms(self, batch: Batch, done: float) -> Terms:
        """See `Objective.terms`."""
        ir, y = batch.ir, luminance(batch.vi)
        fused = self.run(ir, y)
        turn = int(done * TURNS)
        segmentation = self._segmentation(fused, batch) if turn and batch.has_label.any() else fused.new_zeros(())
        return {
            "intensity": (fused - torch.maximum(ir, y)).abs().mean(),
            "gradient": GRADIENT * stronger_edges(fused, ir, y),
            "segmentation": turn * segmentation,
        }

    def _segmentation(self, fused: Tensor, batch: Batch) -> Tensor:
        scores = self.segmenter.logits(fused[batch.has_label])
        label = batch.label[batch.has_label]
        scores = torch.nn.functional.interpolate(scores, label.shape[1:], mode="bilinear", align_corners=False)
        return hard_cross_entropy(scores, label)

    def get_extra_state(self) -> dict[str, Any]:
        """State of the segmenter's optimiser."""
        return self.optimiser.state_dict()

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Go on from it."""
        self.optimiser.load_state_dict(state)


def hard_cross_entropy(scores: Tensor, label: Tensor) -> Tensor:
    """Mean cross-entropy of logits (B,C,H,W) over the pixels that are predicted with less than 0.7.

    Where these are less than a sixteenth of all, over the hardest sixteenth.
    """
    losses = cross_entropy(scores, label, reduction="none").flatten().sort(descending=True).values
    count = max(int((losses > -torch.tensor(HARD).log()).sum()), len(losses) // AT_LEAST)
    return losses[:count].mean()


def _start_as_sobel(block: GradientBlock) -> None:
    kernel = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
    with torch.no_grad():
        for name, values in (("convx", kernel), ("convy", kernel.T)):
            block.sobelconv.get_submodule(name).get_parameter("weight").copy_(values)
