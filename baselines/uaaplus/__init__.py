"""UAAFusion+: UAAFusion with an attribution that acts, by stages that correct and weights that decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from uaabench.baselines.uaa.explain import explain_fused, explain_unfolding
from uaabench.baselines.uaa.road import CLASSES
from uaabench.baselines.uaaplus.checkpoint import read_model
from uaabench.baselines.uaaplus.model import UAAPlusModel
from uaabench.core.errors import WeightsError
from uaabench.core.interface import LuminanceMethod, MethodCard
from uaabench.methods.explanation import Explanation

# Integrated-gradient steps in explanations of other methods' images, as many as the shipped UAAFusion takes.
STEPS = 3


class UAAPlus(LuminanceMethod):
    """Fuse by unfolding towards the source that each region needs; see docs/uaa.md."""

    card = MethodCard.beside(__file__)

    def __init__(self) -> None:
        self._model: UAAPlusModel | None = None

    def load(self, weights: Path | None, device: torch.device) -> None:
        """Load shipped weights, or those that `uaabench train uaaplus` wrote.

        Raises:
            WeightsError: There is no file, it is something else, or it was trained with another segmenter.
        """
        if weights is None:
            raise WeightsError("UAAFusion+ needs weights; name a file as uaaplus@PATH.")
        self._model = read_model(weights).to(device).eval().requires_grad_(False)

    def fuse_luminance(self, ir: Tensor, y: Tensor) -> Tensor:
        """Fuse (B,1,H,W) infrared and luminance in [0,1]; enables gradients for the attention by itself."""
        image: Tensor = self._loaded()(ir, y).image
        return image.clamp(0, 1)

    def explain(
        self,
        ir: Tensor,
        vi: Tensor,
        *,
        fused: Tensor | None = None,
        mask: Tensor | None = None,
        iterates: Sequence[Tensor] = (),
    ) -> Explanation:
        """Explain a pair as this method fuses it, or as another one did; see `explanation.Explains`."""
        model = self._loaded()
        if fused is not None:
            found = explain_fused(model.model_s, ir, vi, fused, steps=STEPS, mask=mask, iterates=iterates)
        else:
            found = explain_unfolding(
                model, ir, vi, steps=1, mask=mask, default="joint", finish=lambda image: image.clamp(0, 1)
            )
        return replace(found, names=CLASSES)

    def _loaded(self) -> UAAPlusModel:
        if self._model is None:
            raise WeightsError("UAAFusion+ was not loaded; call load() before fuse() or explain().")
        return self._model
