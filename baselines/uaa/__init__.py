"""UAAFusion: a deep unfolding network whose fidelity term is weighted by what a segmenter attributes to each source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from uaabench.baselines.uaa.checkpoint import read_model
from uaabench.baselines.uaa.explain import explain_fused, explain_unfolding
from uaabench.baselines.uaa.model import UAAModel
from uaabench.core.errors import WeightsError
from uaabench.core.interface import LuminanceMethod, MethodCard
from uaabench.methods.explanation import Explanation

# An image of a smaller range counts as constant: stretching it would show nothing but rounding errors.
GREY_LEVEL = 1 / 255


class UAA(LuminanceMethod):
    """Fuse by unfolding, guided by attribution; see docs/uaa.md.

    Args:
        stretch: Stretch each fused image to the whole range from its own minimum to its own maximum, as the authors'
            test script does.
        data_step: Take the gradient step on the fidelity term; None for what the checkpoint was trained with.
        segmenter: Configuration file of mmsegmentation for the segmenter inside, where the weights were trained with
            one of the user's: such a file is code, which does not run on the word of a weights file.
    """

    card = MethodCard.beside(__file__)

    def __init__(self, *, stretch: bool = True, data_step: bool | None = None, segmenter: str = "") -> None:
        self._stretch = stretch
        self._segmenter = segmenter
        self._data_step = data_step
        self._model: UAAModel | None = None

    def load(self, weights: Path | None, device: torch.device) -> None:
        """Load shipped weights, or a checkpoint in the layout of the authors' release.

        Raises:
            WeightsError: There is no file, or it is neither of the two.
        """
        if weights is None:
            raise WeightsError("UAAFusion needs weights; name a checkpoint as uaa@PATH.")
        model = read_model(weights, self._segmenter)
        if self._data_step is not None:
            model.model_f.data_step = self._data_step
        self._model = model.to(device).eval().requires_grad_(False)

    def fuse_luminance(self, ir: Tensor, y: Tensor) -> Tensor:
        """Fuse (B,1,H,W) infrared and luminance in [0,1]; enables gradients for the attribution by itself."""
        return self._finish(self._loaded()(ir, y).image)

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
            return explain_fused(model.model_s, ir, vi, fused, steps=model.config.steps, mask=mask, iterates=iterates)
        return explain_unfolding(model, ir, vi, steps=model.config.steps, mask=mask, finish=self._finish)

    def _loaded(self) -> UAAModel:
        if self._model is None:
            raise WeightsError("UAAFusion was not loaded; call load() before fuse() or explain().")
        return self._model

    def _finish(self, fused: Tensor) -> Tensor:
        return stretch(fused) if self._stretch else fused


def stretch(image: Tensor) -> Tensor:
    """Map the range of each image (B,1,H,W) to [0,1]; one that is constant but for rounding stays as it is."""
    low, high = image.amin((1, 2, 3), keepdim=True), image.amax((1, 2, 3), keepdim=True)
    return torch.where(high - low > GREY_LEVEL, (image - low) / (high - low).clamp(min=GREY_LEVEL), image)
