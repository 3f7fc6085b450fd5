"""Attribution analysis: how much each source, and each change of the iterate, contributes to the segmentation.

Both parts only ask a segmenter for gradients with respect to its input. They run with the segmenter in eval mode and
its parameters frozen, whatever the caller's state, and treat every image of a batch by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from uaabench.baselines.uaa.segmenter import CoarseSegmenter

EPS = 1e-8
PIXELS_PER_PASS = 2_000_000
"""Pixels a segmenter sees at once; bounds the memory of the attribution, not its result."""


@contextmanager
def differentiable(segmenter: nn.Module) -> Iterator[None]:
    """Make only the input of a segmenter differentiable: eval mode, frozen parameters, gradients enabled."""
    training = segmenter.training
    thawed = [parameter for parameter in segmenter.parameters() if parameter.requires_grad]
    try:
        segmenter.eval()
        for parameter in thawed:
            parameter.requires_grad_(False)
        with torch.enable_grad():
            yield
    finally:
        segmenter.train(training)
        for parameter in thawed:
            parameter.requires_grad_(True)


@dataclass(frozen=True, slots=True)
class SourceWeights:
    """Share of each source in each region.

    Attributes:
        ir: Weight w_i of the infrared image, (B,1,H,W) in (0,1), constant on each region.
        vi: Weight w_v of the visible image; w_i + w_v = 1.
        attribution: The contributions a_j of infrared and visible they come from, (2,B,C), not negative.
    """

    ir: Tensor
    vi: Tensor
    attribution: Tensor


def source_weights(segmenter: nn.Module, mask: Tensor, ir: Tensor, vi: Tensor, steps: int) -> SourceWeights:
    """Weigh the sources by their contribution to each region.

    Args:
        segmenter: Gives scores, (B,1,H,W) to (B,C,H,W).
        mask: Class scores or one-hot labels, (B,C,H,W); the regions are its argmax.
        ir: Infrared image, (B,1,H,W).
        vi: Visible luminance, (B,1,H,W).
        steps: Number K of integrated-gradient steps.
    """
    labels = mask.argmax(1)
    return spread(attribute(segmenter, labels, torch.stack([ir, vi]), steps, mask.shape[1]), labels)


def spread(attribution: Tensor, labels: Tensor) -> SourceWeights:
    """Turn contributions (2,B,C) of infrared and visible into weights of each pixel of the regions (B,H,W)."""
    a_ir, a_vi = (per_class.gather(1, labels.flatten(1)).view_as(labels[:, None]) for per_class in attribution)
    total = a_ir + a_vi + 2 * EPS
    return SourceWeights((a_ir + EPS) / total, (a_vi + EPS) / total, attribution)


def attribute(segmenter: nn.Module, labels: Tensor, sources: Tensor, steps: int, classes: int) -> Tensor:
    """Integrated gradients of each class's mean score over its region, averaged over that region.

    The path leads from black to each source in `steps` steps (right Riemann sum). All steps of all sources share one
    forward pass, and one backward pass for each class present.

    Args:
        segmenter: Gives scores, (B,1,H,W) to (B,C,H,W).
        labels: Region of each pixel, (B,H,W) class indices.
        sources: Images to attribute to, (S,B,1,H,W).
        steps: Number K of steps.
        classes: Number C of classes.

    Returns:
        Contributions a_j, (S,B,C), not negative; 0 for a class without a region.
    """
    count, batch = sources.shape[:2]
    fractions = torch.arange(1, steps + 1, device=sources.device, dtype=sources.dtype) / steps
    path = (fractions.view(-1, 1, 1, 1, 1, 1) * sources).flatten(0, 2)
    owner = torch.arange(batch, device=sources.device).repeat(steps * count)
    at_once = max(1, PIXELS_PER_PASS // labels[0].numel())
    slopes = [
        _slopes(segmenter, points, labels[owners], classes)
        for points, owners in zip(torch.split(path, at_once), torch.split(owner, at_once), strict=True)
    ]
    # The path runs through zero, so x is the last point itself and x . grad sums over the region: see `_slopes`.
    per_step = torch.cat(slopes).view(steps, count, batch, classes) / fractions.view(-1, 1, 1, 1)
    return functional.relu(per_step.mean(0))


def _slopes(segmenter: nn.Module, points: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Inner product of each point, restricted to and averaged over a region, with the gradient of its class's score.

    Args:
        segmenter: Gives scores, (B,1,H,W) to (B,C,H,W).
        points: Images on the path, (P,1,H,W).
        labels: Regions of each, (P,H,W).
        classes: Number C of classes.

    Returns:
        (P,C).
    """
    slopes = points.new_zeros(len(points), classes)
    with differentiable(segmenter):
        inputs = points.detach().requires_grad_()
        score = _scorer(segmenter, inputs)
        for index in torch.unique(labels).tolist():
            region = (labels == index).to(points.dtype)
            share = region / region.sum((1, 2), keepdim=True).clamp(min=1)
            (gradient,) = torch.autograd.grad(score(index), inputs, share, retain_graph=True)
            slopes[:, index] = (gradient * points)[:, 0].mul(share).sum((1, 2))
    return slopes


def _scorer(segmenter: nn.Module, images: Tensor) -> Callable[[int], Tensor]:
    """Run a segmenter and give a function from the index of a class to its scores, (P,H,W)."""
    if isinstance(segmenter, CoarseSegmenter):
        logits = segmenter.logits(images)
        size = (images.shape[-2], images.shape[-1])
        return lambda index: segmenter.upsample(logits[:, index : index + 1], size)[:, 0]
    scores = segmenter(images)
    return lambda index: scores[:, index]


def score_gradient(segmenter: nn.Module, mask: Tensor, f: Tensor) -> Tensor:
    """Gradient g of the mean of M * S(f) over the C*H*W entries of each image, with respect to f.

    Args:
        segmenter: Gives scores, (B,1,H,W) to (B,C,H,W).
        mask: Class scores or one-hot labels M, (B,C,H,W).
        f: Iterate, (B,1,H,W).

    Returns:
        (B,1,H,W), without a graph.
    """
    with differentiable(segmenter):
        iterate = f.detach().requires_grad_()
        scores = segmenter(iterate)
        (gradient,) = torch.autograd.grad(scores, iterate, mask.detach() / mask[0].numel())
    return gradient


class PathAttention:
    """Attention att_n of the iterates: integrated gradients along the path that the fusion itself takes.

    Call it with f^0, f^1, ... in turn.

    Args:
        segmenter: Gives scores, (B,1,H,W) to (B,C,H,W).
        mask: Class scores or one-hot labels M, (B,C,H,W).
    """

    def __init__(self, segmenter: nn.Module, mask: Tensor) -> None:
        self._segmenter = segmenter
        self._mask = mask
        self._previous: Tensor | None = None
        self._total: Tensor | None = None
        self._count = 0

    def __call__(self, f: Tensor) -> Tensor:
        """Give att_n for the next iterate f^n: the mean of g_m (f^m - f^(m-1)) for m = 1..n, and 0 for n = 0."""
        f = f.detach()
        if self._previous is None or self._total is None:
            self._total = torch.zeros_like(f)
        else:
            self._count += 1
            self._total = self._total + score_gradient(self._segmenter, self._mask, f) * (f - self._previous)
        self._previous = f
        return self._total / max(self._count, 1)
