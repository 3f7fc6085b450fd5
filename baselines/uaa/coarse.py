"""What the attribution may know of a segmenter beyond its scores, to be faster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional


class CoarseSegmenter(nn.Module, ABC):
    """A segmenter that decides at a coarse resolution and upsamples its logits bilinearly.

    Saying so lets the attribution upsample one class at a time, which saves most of its work.
    """

    align_corners = False

    @abstractmethod
    def logits(self, image: Tensor) -> Tensor:
        """Coarse logits of grey images: (B,1,H,W) to (B,C,h,w)."""

    def upsample(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        """Scores in (0,1) at a size from coarse logits of any number of classes: (B,c,h,w) to (B,c,*size)."""
        fine = functional.interpolate(logits, size, mode="bilinear", align_corners=self.align_corners)
        return torch.sigmoid(fine)

    def forward(self, image: Tensor) -> Tensor:
        """Score the classes of grey images: (B,1,H,W) to (B,C,H,W) in (0,1)."""
        return self.upsample(self.logits(image), (image.shape[-2], image.shape[-1]))


@runtime_checkable
class RegionalSegmenter(Protocol):
    """A segmenter that knows a faster way to compute `attribution.region_slopes` of itself."""

    def region_slopes(self, points: Tensor, labels: Tensor, classes: int) -> Tensor:
        """Compute the same as `attribution.region_slopes`; called in eval mode with frozen parameters."""
