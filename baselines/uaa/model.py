"""Fusion network and segmenter together: what a checkpoint holds and what fuses a pair."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from uaabench.baselines.uaa.attribution import PathAttention, SourceWeights, attribute, source_weights
from uaabench.baselines.uaa.config import UAAConfig
from uaabench.baselines.uaa.layers import use_channels_last
from uaabench.baselines.uaa.network import Attend, Unfolding
from uaabench.baselines.uaa.segmenter import build_segmenter


@dataclass(frozen=True, slots=True)
class Fusion:
    """A fused image (B,1,H,W) in (0,1), and the weights of the sources it was fused with."""

    image: Tensor
    weights: SourceWeights


@dataclass(slots=True)
class Trace:
    """Intermediate results of a fusion, for analysis and tests.

    Attributes:
        iterates: f^0 .. f^(N-1), each before its data step, (B,1,H,W).
        attentions: att_0 .. att_(N-1), (B,1,H,W).
    """

    iterates: list[Tensor] = field(default_factory=list)
    attentions: list[Tensor] = field(default_factory=list)

    def follow(self, attend: Attend) -> Attend:
        """Wrap an attention so that what passes through it is kept."""

        def recorded(f: Tensor) -> Tensor:
            attention = attend(f)
            self.iterates.append(f.detach())
            self.attentions.append(attention)
            return attention

        return recorded


class UAAModel(nn.Module):
    """The fusion network `model_f` and the segmenter `model_s` that guides it.

    Args:
        config: Shape of both.
        segmenter: Another segmenter to use in place of the one the configuration names.
    """

    def __init__(self, config: UAAConfig, segmenter: nn.Module | None = None) -> None:
        super().__init__()
        self.config = config
        self.model_f = Unfolding(config)
        self.model_s = segmenter or build_segmenter(config.segmenter, config.classes)
        use_channels_last(self)

    def forward(
        self,
        ir: Tensor,
        vi: Tensor,
        mask: Tensor | None = None,
        trace: Trace | None = None,
        weights: SourceWeights | None = None,
    ) -> Fusion:
        """Fuse a batch of luminance images.

        Args:
            ir: Infrared, (B,1,H,W) in [0,1].
            vi: Visible luminance, (B,1,H,W) in [0,1].
            mask: Class scores or one-hot labels, (B,C,H,W); by default the segmenter's scores of the average.
            trace: Collects the intermediate results.
            weights: Weights of the sources, where they are known already; by default those of the attribution.
        """
        if mask is None:
            mask = self.mask(ir, vi)
        if weights is None:
            weights = source_weights(self.model_s, mask, ir, vi, self.config.steps)
        attend: Attend = PathAttention(self.model_s, mask) if self.config.attention else torch.zeros_like
        if trace is not None:
            attend = trace.follow(attend)
        return Fusion(self.model_f(ir, vi, weights.ir * ir + weights.vi * vi, attend), weights)

    @torch.no_grad()
    def mask(self, ir: Tensor, vi: Tensor) -> Tensor:
        """The segmenter's scores (B,C,H,W) of the average, whose argmax are the regions."""
        return scores_of(self.model_s, (ir + vi) / 2)

    def contributions(self, labels: Tensor, sources: Tensor, classes: int) -> Tensor:
        """What each source (S,B,1,H,W) contributes to each class, (S,B,C); see `attribution.attribute`."""
        return attribute(self.model_s, labels, sources, self.config.steps, classes)


def scores_of(segmenter: nn.Module, image: Tensor) -> Tensor:
    """Scores of a segmenter in eval mode: (B,1,H,W) to (B,C,H,W); in full precision also under autocast."""
    training = segmenter.training
    segmenter.eval()
    with torch.autocast(image.device.type, enabled=False):
        scores: Tensor = segmenter(image)
    segmenter.train(training)
    return scores
