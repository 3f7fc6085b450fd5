"""Attribution analysis: how much each source, and each change of the iterate, contributes to the segmentation.

Both parts only ask a segmenter for gradients with respect to its input. They run with the segmenter in eval mode and
its parameters frozen, whatever the caller's state, and treat every image of a batch by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from uaabench.baselines.uaa.coarse import CoarseSegmenter, RegionalSegmenter

EPS = 1e-8
PIXELS_PER_PASS = 400_000
"""Pixels a segmenter sees at once, at least one image: bounds memory, and more are slower, not faster."""


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


def _precision(segmenter: nn.Module, image: Tensor) -> AbstractContextManager[Any]:
    """Single precision under autocast, since bfloat16 ruins attributions; a `RegionalSegmenter` sees to that itself."""
    if isinstance(segmenter, RegionalSegmenter):
        return nullcontext()
    return torch.autocast(image.device.type, enabled=False)


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

    The path leads from black to each source in `steps` steps (right Riemann sum). Steps and sources share forward
    passes, and backward passes for each class present.

    Args:
        segmenter: Gives scores, (B,1,H,W) to (B,C,H,W).
        labels: Region of each pixel, (B,H,W) class indices.
        sources: Images to attribute to, (S,B,1,H,W).
        steps: Number K of steps.
        classes: Number C of classes.

    Returns:
        Contributions a_j, (S,B,C), not negative; 0 for a class without a region.
    """
    fractions = torch.arange(1, steps + 1, device=sources.device, dtype=sources.dtype) / steps
    slopes = sources.new_zeros(len(sources), len(labels), classes)
    for index, regions in enumerate(labels):
        path = fractions.view(-1, 1, 1, 1, 1) * sources[:, index]
        per_point = _slopes_along(segmenter, path.flatten(0, 1), regions, classes)
        # The path runs through zero, so x is the last point itself and x . grad sums over the region.
        slopes[:, index] = (per_point.view(steps, -1, classes) / fractions.view(-1, 1, 1)).mean(0)
    return functional.relu(slopes)


def _slopes_along(segmenter: nn.Module, path: Tensor, labels: Tensor, classes: int) -> Tensor:
    """`region_slopes` of a path of any length, so many points at a time that memory stays bounded."""
    passes = math.ceil(path.numel() / PIXELS_PER_PASS)
    with differentiable(segmenter), _precision(segmenter, path):
        if isinstance(segmenter, RegionalSegmenter):
            return torch.cat([segmenter.region_slopes(points, labels, classes) for points in path.chunk(passes)])
        return torch.cat([region_slopes(segmenter, points, labels, classes) for points in path.chunk(passes)])


def region_slopes(segmenter: nn.Module, points: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Inner product of each point, restricted to and averaged over a region, with the gradient of its class's score.

    Args:
        segmenter: Gives scores, (B,1,H,W) to (B,C,H,W); in eval mode.
        points: Images on the path, (P,1,H,W).
        labels: Regions, the same for all points, (H,W).
        classes: Number C of classes.

    Returns:
        (P,C); 0 for a class without a region.
    """
    slopes = points.new_zeros(len(points), classes)
    inputs = points.detach().requires_grad_()
    score = _scorer(segmenter, inputs)
    for index in torch.unique(labels).tolist():
        region = (labels == index).to(points.dtype)
        share = region / region.sum()
        scores = score(index)
        (gradient,) = torch.autograd.grad(scores, inputs, share.expand_as(scores), retain_graph=True)
        slopes[:, index] = (gradient * points)[:, 0].mul(share).sum((1, 2))
    return slopes


def pixel_contributions(segmenter: nn.Module, labels: Tensor, image: Tensor, steps: int) -> Tensor:
    """Integrated gradients of `attribute`, pixel by pixel: their mean over a region is its class's contribution.

    Args:
        segmenter: Gives scores, (B,1,H,W) to (B,C,H,W).
        labels: Region of each pixel, (H,W) class indices.
        image: Image to attribute to, (1,1,H,W).
        steps: Number K of steps.

    Returns:
        (H,W), with sign.
    """
    regions = [(index, (labels == index).to(image.dtype)) for index in torch.unique(labels).tolist()]
    total = torch.zeros_like(image)
    with differentiable(segmenter), _precision(segmenter, image):
        for step in range(1, steps + 1):
            point = (image.detach() * (step / steps)).requires_grad_()
            score = _scorer(segmenter, point)
            for index, region in regions:
                scores, share = score(index), region / region.sum()
                (gradient,) = torch.autograd.grad(scores, point, share.expand_as(scores), retain_graph=True)
                total += gradient * region
    return (total * image / steps)[0, 0]


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
    with differentiable(segmenter), _precision(segmenter, f):
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
