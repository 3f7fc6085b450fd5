"""Why an image was fused the way it was: what a segmenter attributes to the sources, and to each step of the fusion.

A method that can say so offers `explain`, see `Explains`; nothing else in the harness knows how it is computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

FloatMap = NDArray[np.floating[Any]]
Mask = Literal["scores", "joint", "labels"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Explanation:
    """What a segmenter attributes in the fusion of one pair of HxW; symbols as in docs/uaa.md.

    Attributes:
        ir: Infrared image i, (H,W) in [0,1].
        vi: Visible image, (H,W,3) RGB in [0,1]; v is its luminance.
        regions: Class j of the region R_j of each pixel, (H,W) integers in 0..C-1.
        weight_ir: Weight w_i of the infrared image, (H,W) in (0,1), constant on each region unless the method lets it
            follow the sources there.
        weight_vi: Weight w_v of the visible image; w_i + w_v = 1.
        attribution: Contributions a_j of each image to the score of each class on its region, (C,), not negative, 0
            for a class without a region, and for the rest where a method asks nothing of it; by `infrared`, `visible`
            and `fused`, the latter of the luminance of `fused`.
        iterates: Luminance (H,W), about in [0,1], on the way to the fused image: f^0 to f^N of an unfolded fusion, the
            last one the network's output; else the average of the sources and the fused image.
        attentions: Attention of the iterates, (H,W): att_0 to att_(N-1) of an unfolded fusion; else one map, gradient
            of the score times change from the average to the fused image.
        fused: What the method returned, (H,W) luminance or (H,W,3) RGB, in [0,1].
        segmenter: What segmented, in one word.
        steps: Number K of integrated-gradient steps.
        mask: Whether the regions come from the segmenter's `scores` of the average, from what it finds in either
            source or the average, `joint`, or from `labels`.
        stages: Number N of unfolded stages; None where none is known, as in the fused image of another method.
        facts: What else the caption says of the fusion, a few words each.
        names: Names of the segmenter's classes, where they are its own and not those of a data set.
    """

    ir: FloatMap
    vi: FloatMap
    regions: NDArray[np.integer[Any]]
    weight_ir: FloatMap
    weight_vi: FloatMap
    attribution: Mapping[str, FloatMap]
    iterates: tuple[FloatMap, ...]
    attentions: tuple[FloatMap, ...]
    fused: FloatMap
    segmenter: str
    steps: int
    mask: Mask
    stages: int | None = None
    facts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def classes(self) -> int:
        """Number C of classes the segmenter scores."""
        return len(self.attribution["infrared"])


@runtime_checkable
class Explains(Protocol):
    """What a fusion method offers that has a segmenter inside and can explain fused images with it."""

    def explain(
        self,
        ir: Tensor,
        vi: Tensor,
        *,
        fused: Tensor | None = None,
        mask: Tensor | None = None,
        iterates: Sequence[Tensor] = (),
    ) -> Explanation:
        """Explain one pair; called after `load`, under `torch.no_grad()`.

        Args:
            ir: Infrared, (1,1,H,W) in [0,1].
            vi: Visible RGB, (1,3,H,W) in [0,1].
            fused: The pair as another method fused it, (1,1,H,W) or (1,3,H,W) in [0,1], which is then explained by the
                segmenter of this method alone; by default the method fuses the pair itself.
            mask: One-hot label map M, (1,C,H,W); by default what the method fuses with by itself.
            iterates: Of `fused`, the images (1,1,H,W) on the way to it, as `Unfolds` gives them.

        Raises:
            UsageError: The mask has another number of classes than the segmenter.
        """
        ...


@runtime_checkable
class Unfolds(Protocol):
    """What a fusion method offers whose network unfolds an algorithm, and that has no segmenter inside."""

    def iterates(self, ir: Tensor, vi: Tensor) -> Sequence[Tensor]:
        """The images f^0 to f^N that the stages hand on; called after `load`, under `torch.no_grad()`.

        Args:
            ir: Infrared, (1,1,H,W) in [0,1].
            vi: Visible RGB, (1,3,H,W) in [0,1].

        Returns:
            N + 1 luminances (1,1,H,W), about in [0,1]: what the unfolding starts from, and the image after each stage.
        """
        ...
