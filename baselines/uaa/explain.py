"""An explanation of a fusion: regions, weights, attributions, iterates and attentions of one pair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from uaabench.baselines.uaa.attribution import PathAttention, SourceWeights, attribute, source_weights
from uaabench.baselines.uaa.model import Fusion, Trace, scores_of
from uaabench.core.errors import UsageError
from uaabench.core.interface import luminance
from uaabench.methods.explanation import Explanation, FloatMap, Mask


class Guided(Protocol):
    """A fusion network with its segmenter, as `UAAModel` is one."""

    @property
    def model_f(self) -> Any:
        """The fusion network; says by `data_step` whether its stages take one."""

    @property
    def model_s(self) -> Any:
        """The segmenter, (B,1,H,W) to (B,C,H,W)."""

    def __call__(self, ir: Tensor, vi: Tensor, mask: Tensor, trace: Trace) -> Fusion:
        """Fuse as `UAAModel.forward`."""

    def mask(self, ir: Tensor, vi: Tensor) -> Tensor:
        """The mask (B,C,H,W) that it fuses with by default."""

    def contributions(self, labels: Tensor, sources: Tensor, classes: int) -> Tensor:
        """What each source (S,B,1,H,W) contributes to each class, (S,B,C)."""


def as_it_is(image: Tensor) -> Tensor:
    """No post-processing."""
    return image


@torch.no_grad()
def explain_unfolding(
    model: Guided,
    ir: Tensor,
    vi: Tensor,
    *,
    steps: int,
    mask: Tensor | None = None,
    default: Mask = "scores",
    finish: Callable[[Tensor], Tensor] = as_it_is,
) -> Explanation:
    """Fuse a pair and keep what led to the fused image.

    Args:
        model: Fusion network with its segmenter.
        ir: Infrared, (1,1,H,W) in [0,1].
        vi: Visible RGB, (1,3,H,W) in [0,1].
        steps: Number K of integrated-gradient steps that the explanation states.
        mask: One-hot label map, (1,C,H,W); by default the one that the network fuses with.
        default: What that one is.
        finish: Post-processing of the fused image, (1,1,H,W) to the same.

    Raises:
        UsageError: The mask has another number of classes than the segmenter.
    """
    y = luminance(vi)
    m = _fitting(mask, model.mask(ir, y))
    trace = Trace()
    fusion = model(ir, y, m, trace)
    fused = finish(fusion.image)
    return Explanation(
        ir=_map(ir),
        vi=_map(vi),
        regions=m.argmax(1)[0].cpu().numpy(),
        weight_ir=_map(fusion.weights.ir),
        weight_vi=_map(fusion.weights.vi),
        attribution=_named(fusion.weights, model.contributions(m.argmax(1), fused[None], m.shape[1])),
        iterates=tuple(_map(image) for image in (*trace.iterates, fusion.image)),
        attentions=tuple(_map(attention) for attention in trace.attentions),
        fused=_map(fused),
        segmenter=type(model.model_s).__name__,
        steps=steps,
        mask=default if mask is None else "labels",
        stages=len(trace.attentions),
        facts=(f"data step {'on' if model.model_f.data_step else 'off'}",),
    )


@torch.no_grad()
def explain_fused(
    segmenter: nn.Module,
    ir: Tensor,
    vi: Tensor,
    fused: Tensor,
    *,
    steps: int,
    mask: Tensor | None = None,
    iterates: Sequence[Tensor] = (),
) -> Explanation:
    """Explain what any method made of a pair by a segmenter alone.

    The attentions are what `PathAttention` gives: of the iterates of an unfolding, or of a path of one step, from the
    average to the fused image.

    Args:
        segmenter: Gives scores, (B,1,H,W) to (B,C,H,W).
        ir: Infrared, (1,1,H,W) in [0,1].
        vi: Visible RGB, (1,3,H,W) in [0,1].
        fused: The fused image, (1,1,H,W) or (1,3,H,W) in [0,1].
        steps: Number K of integrated-gradient steps.
        mask: One-hot label map, (1,C,H,W); by default the segmenter's scores of the average.
        iterates: f^0 to f^N, (1,1,H,W) each, of a method that unfolds an algorithm.

    Raises:
        UsageError: The mask has another number of classes than the segmenter.
    """
    y = luminance(vi)
    f = fused if fused.shape[1] == 1 else luminance(fused)
    average = (ir + y) / 2
    m = _fitting(mask, scores_of(segmenter, average))
    weights = source_weights(segmenter, m, ir, y, steps)
    path = list(iterates) or [average, f]
    attentions = list(map(PathAttention(segmenter, m), path))
    return Explanation(
        ir=_map(ir),
        vi=_map(vi),
        regions=m.argmax(1)[0].cpu().numpy(),
        weight_ir=_map(weights.ir),
        weight_vi=_map(weights.vi),
        attribution=_named(weights, attribute(segmenter, m.argmax(1), f[None], steps, m.shape[1])),
        iterates=tuple(map(_map, path)),
        attentions=tuple(map(_map, attentions[:-1] if iterates else attentions[1:])),
        fused=_map(fused),
        segmenter=type(segmenter).__name__,
        steps=steps,
        mask="scores" if mask is None else "labels",
        stages=len(iterates) - 1 if iterates else None,
    )


def _fitting(given: Tensor | None, default: Tensor) -> Tensor:
    """The given mask if it has the classes of the default one, which stands where none is given."""
    if given is None:
        return default
    if given.shape[1] != default.shape[1]:
        raise UsageError(
            f"The label map is of {given.shape[1]} classes but the segmenter scores {default.shape[1]}; leave the "
            "labels out, or take a segmenter of the same classes."
        )
    return given.to(default.dtype)


def _named(weights: SourceWeights, of_fused: Tensor) -> dict[str, FloatMap]:
    of_ir, of_vi = weights.attribution[:, 0]
    named = {"infrared": of_ir, "visible": of_vi, "fused": of_fused[0, 0]}
    return {name: a.cpu().numpy() for name, a in named.items()}


def _map(image: Tensor) -> FloatMap:
    """(1,1,H,W) to (H,W), (1,3,H,W) to (H,W,3)."""
    channels = image.detach()[0].cpu().numpy()
    return np.asarray(channels[0] if len(channels) == 1 else channels.transpose(1, 2, 0))
