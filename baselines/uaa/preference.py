"""Which source shows an object: attribution by other paths and targets than the paper's.

`attribution` is the paper's: integrated gradients from black. Black is itself a picture of something to a segmenter,
the rest, so that this path says little; docs/uaa.md has how often each way of asking points at the source that shows an
object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torchvision.transforms.functional import gaussian_blur

from uaabench.baselines.uaa.attribution import differentiable

EPS = 1e-8
BLUR = 8.0
"""Standard deviation of the blur in pixels: people at the usual sizes of images disappear in it."""

PathKind = Literal["black", "blurred", "between", "difference"]
Target = Literal["score", "logit", "log-probability"]


@dataclass(frozen=True, slots=True)
class Question:
    """How a segmenter is asked which source shows an object.

    Attributes:
        path: What the score is followed along. `black` and `blurred`: from there to each source, by integrated
            gradients within the region; `between`: from the visible to the infrared image, likewise; `difference`: no
            gradients, what the sources score.
        target: What is asked for at each pixel of a region: the sigmoid `score` of its class, its `logit`, or its
            `log-probability`, the logarithm of the score.
        steps: Number K of integrated-gradient steps; of no meaning for the difference.
    """

    path: PathKind
    target: Target
    steps: int = 1


BEST = Question("difference", "score")
"""Chosen on training scenes by `benchmarks/attribution_truth.py`."""


def contributions(
    segmenter: nn.Module, masks: Tensor, classes: Sequence[int], ir: Tensor, vi: Tensor, question: Question
) -> Tensor:
    """What infrared and visible contribute to each region of an image, with their sign.

    Args:
        segmenter: Gives scores, (B,1,H,W) to (B,C,H,W).
        masks: The regions, (R,H,W) bool.
        classes: The class of each.
        ir: Infrared image, (1,1,H,W) in [0,1].
        vi: Visible luminance, likewise.
        question: How to ask.

    Returns:
        (R,2): of infrared and of visible.
    """
    shares = masks.to(ir.dtype) / masks.sum((1, 2), keepdim=True).clamp(min=1)
    with differentiable(segmenter):
        if question.path == "difference":
            with torch.no_grad():
                values = _target(segmenter, torch.cat([ir, vi]), question)
                return torch.stack(
                    [(values[:, k] * share).sum((1, 2)) for k, share in zip(classes, shares, strict=True)]
                )
        if question.path == "between":
            found = _integrated(segmenter, shares, classes, vi, ir, question)
            return torch.stack([found, -found], 1) / 2
        sources = [(image, _baseline(image, question)) for image in (ir, vi)]
        return torch.stack(
            [_integrated(segmenter, shares, classes, start, image, question) for image, start in sources], 1
        )


def preference(segmenter: nn.Module, labels: Tensor, ir: Tensor, vi: Tensor, question: Question = BEST) -> Tensor:
    """How much rather infrared than visible shows what is at each pixel, from -1 to 1.

    Antisymmetric: exchanging the sources changes the sign (`between` aside, whose sum leaves the first point of
    the path out). 0 for the rest, class 0: each source shows its part of it.

    Args:
        segmenter: Gives scores, (B,1,H,W) to (B,C,H,W).
        labels: Class of each pixel, (B,H,W); a class is one region.
        ir: Infrared images, (B,1,H,W) in [0,1].
        vi: Visible luminances, likewise.
        question: How to ask.

    Returns:
        (B,1,H,W), constant on each region, without a graph.
    """
    classes = int(labels.max()) + 1
    return preferred(of_classes(segmenter, labels, ir, vi, classes, question), labels, question)


def of_classes(
    segmenter: nn.Module, labels: Tensor, ir: Tensor, vi: Tensor, classes: int, question: Question = BEST
) -> Tensor:
    """What infrared and visible contribute to each class, a class being one region of an image.

    Args:
        segmenter: Gives scores, (B,1,H,W) to (B,C,H,W).
        labels: Class of each pixel, (B,H,W).
        ir: Infrared images, (B,1,H,W) in [0,1].
        vi: Visible luminances, likewise.
        classes: Number C of classes.
        question: How to ask.

    Returns:
        (2,B,C), with sign; 0 for the rest, class 0, and for a class without a region.
    """
    found = ir.new_zeros(2, len(labels), classes)
    for index, regions in enumerate(labels):
        present = [label for label in torch.unique(regions).tolist() if label]
        if present:
            masks = torch.stack([regions == label for label in present])
            of_sources = contributions(segmenter, masks, present, ir[index][None], vi[index][None], question)
            found[:, index, present] = of_sources.T
    return found


def preferred(attribution: Tensor, labels: Tensor, question: Question = BEST) -> Tensor:
    """The preference (B,1,H,W) at each pixel of the regions (B,H,W), by the contributions (2,B,C); 0 for the rest."""
    of_class = torch.stack([decide(of_image.T, question) for of_image in attribution.unbind(1)])
    of_class[:, 0] = 0
    return of_class.gather(1, labels.flatten(1)).view_as(labels[:, None])


def decide(contributed: Tensor, question: Question) -> Tensor:
    """From contributions (R,2) to a preference (R,) in [-1,1].

    Scores, their logarithms and logits have a scale: the preference is the difference of those of both sources, brought
    into the range. Integrated gradients have none: theirs is the difference's share of the sum of absolute values.
    """
    of_ir, of_vi = contributed.unbind(1)
    if question.path != "difference":
        return (of_ir - of_vi) / (of_ir.abs() + of_vi.abs() + EPS)
    if question.target == "score":
        return of_ir - of_vi
    return torch.tanh((of_ir - of_vi) / 2)


def joint_regions(segmenter: nn.Module, ir: Tensor, vi: Tensor) -> Tensor:
    """Class of each pixel, (B,H,W), where an object counts if either source or their average shows it."""
    return joint_scores(segmenter, ir, vi).argmax(1)


def joint_scores(segmenter: nn.Module, ir: Tensor, vi: Tensor) -> Tensor:
    """Scores (B,C,H,W) of what either source or their average shows; the rest has its lowest score of the three.

    In the average alone, which is what the paper takes, an object that one source shows fades.

    Args:
        segmenter: Gives scores, (B,1,H,W) to (B,C,H,W), class 0 the rest.
        ir: Infrared images, (B,1,H,W) in [0,1].
        vi: Visible luminances, likewise.
    """
    with differentiable(segmenter), torch.no_grad():
        seen = segmenter(torch.cat([ir, vi, (ir + vi) / 2])).unflatten(0, (3, len(ir)))
    return torch.cat([seen[:, :, :1].amin(0), seen[:, :, 1:].amax(0)], 1)


def _baseline(image: Tensor, question: Question) -> Tensor:
    if question.path == "black":
        return torch.zeros_like(image)
    # A kernel may not be larger than what it is reflected at the border of.
    size = min(2 * round(3 * BLUR) + 1, *(side - 1 + side % 2 for side in image.shape[-2:]))
    blurred: Tensor = gaussian_blur(image, [size, size], [BLUR, BLUR])
    return blurred


def _target(segmenter: nn.Module, images: Tensor, question: Question) -> Tensor:
    """What is asked for, (B,C,H,W)."""
    scores: Tensor = segmenter(images)
    if question.target == "logit":
        return torch.logit(scores, 1e-6)
    return scores.clamp(min=1e-6).log() if question.target == "log-probability" else scores


def _integrated(
    segmenter: nn.Module, shares: Tensor, classes: Sequence[int], start: Tensor, end: Tensor, question: Question
) -> Tensor:
    """Integrated gradients within each region of the mean target there: (R,); right Riemann sum, one step at a time."""
    found = end.new_zeros(len(shares))
    for step in range(1, question.steps + 1):
        point = (start + step / question.steps * (end - start)).detach().requires_grad_()
        values = _target(segmenter, point, question)[0]
        for index, (label, share) in enumerate(zip(classes, shares, strict=True)):
            (gradient,) = torch.autograd.grad(values[label], point, share, retain_graph=True)
            found[index] += ((gradient * (end - start))[0, 0] * (share > 0)).sum() / question.steps
    return found
