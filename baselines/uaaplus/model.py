"""Fusion network of UAAFusion+ with the segmenter that guides it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from uaabench.baselines.uaa.attribution import PathAttention, SourceWeights
from uaabench.baselines.uaa.layers import use_channels_last
from uaabench.baselines.uaa.model import Fusion, Trace
from uaabench.baselines.uaa.network import Attend
from uaabench.baselines.uaa.preference import joint_scores, of_classes
from uaabench.baselines.uaaplus.config import UAAPlusConfig
from uaabench.baselines.uaaplus.network import CorrectingUnfolding
from uaabench.baselines.uaaplus.weighing import smooth, source_weights


@dataclass(frozen=True, slots=True)
class RelativeAttention:
    """Attention of the iterates in units of its own root mean square over each image, smoothed.

    Args:
        attend: Gives att_n, (B,1,H,W); its scale depends on the size of the image and the number of classes.
    """

    attend: Attend

    def __call__(self, f: Tensor) -> Tensor:
        """Give the attention of the next iterate, (B,1,H,W); 0 where it is 0 everywhere, as for the first."""
        attention = self.attend(f)
        rms = attention.square().mean((1, 2, 3), keepdim=True).sqrt()
        return smooth(attention / rms.clamp(min=torch.finfo(rms.dtype).tiny))


class UAAPlusModel(nn.Module):
    """The fusion network `model_f` and the frozen segmenter `model_s`.

    Args:
        config: Shape of the fusion network.
        segmenter: Gives scores, (B,1,H,W) to (B,C,H,W).
    """

    def __init__(self, config: UAAPlusConfig, segmenter: nn.Module) -> None:
        super().__init__()
        self.config = config
        self.model_f = CorrectingUnfolding(config)
        self.model_s = segmenter.eval().requires_grad_(False)
        use_channels_last(self)

    def forward(
        self,
        ir: Tensor,
        vi: Tensor,
        mask: Tensor | None = None,
        trace: Trace | None = None,
        weights: SourceWeights | None = None,
    ) -> Fusion:
        """Fuse a batch as `uaa.model.UAAModel.forward` does; the image may go a little beyond [0,1]."""
        if mask is None:
            mask = self.mask(ir, vi)
        if weights is None:
            weights = self.weigh(ir, vi, mask)
        attend: Attend = torch.zeros_like
        if self.config.attention:
            attend = RelativeAttention(PathAttention(self.model_s, mask))
        if trace is not None:
            attend = trace.follow(attend)
        return Fusion(self.model_f(ir, vi, weights.ir * ir + weights.vi * vi, attend), weights)

    def mask(self, ir: Tensor, vi: Tensor) -> Tensor:
        """One-hot regions (B,C,H,W) of what either source or their average shows; see `preference.joint_regions`."""
        scores = joint_scores(self.model_s, ir, vi)
        return functional.one_hot(scores.argmax(1), scores.shape[1]).permute(0, 3, 1, 2).to(ir.dtype)

    def weigh(self, ir: Tensor, vi: Tensor, mask: Tensor) -> SourceWeights:
        """Weights of the sources in the regions that a mask (B,C,H,W) shows."""
        labels = mask.argmax(1)
        found = self.contributions(labels, torch.stack([ir, vi]), mask.shape[1])
        c = self.config
        return source_weights(ir, vi, labels, found, preference=c.preference, softness=c.softness)

    def contributions(self, labels: Tensor, sources: Tensor, classes: int) -> Tensor:
        """What each of one or two sources (S,B,1,H,W) contributes to each class, (S,B,C); see `of_classes`."""
        return of_classes(self.model_s, labels, sources[0], sources[-1], classes)[: len(sources)]
