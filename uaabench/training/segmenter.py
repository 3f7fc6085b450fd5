"""Pre-training of the segmenter inside UAAFusion, on whatever a fused image may look like."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from uaabench.interface import luminance
from uaabench.training.crops import Batch, CropSampler


def pretrain(
    segmenter: nn.Module,
    sampler: CropSampler,
    *,
    steps: int,
    batch: int,
    learning_rate: float,
    device: torch.device,
    report: Callable[[int, float], None] = lambda _step, _loss: None,
) -> None:
    """Train a segmenter in place on infrared, visible luminance and random mixtures of both.

    Gain and gamma are varied, so that it survives the step from generated scenes to real ones.

    Args:
        segmenter: Sigmoid scores, (B,1,H,W) to (B,C,H,W).
        sampler: Gives crops with label maps.
        steps: Optimiser steps (Adam, half a cosine down to zero).
        batch: Crops in a step.
        learning_rate: At the start.
        device: Where to train.
        report: Called after every step with its number and loss.
    """
    segmenter.to(device).train()
    optimiser = torch.optim.Adam(segmenter.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        crops = sampler.batch(batch)
        image = vary(mixture(crops)).to(device)
        loss = score_loss(segmenter(image), crops.label.to(device))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        report(step + 1, loss.item())
    segmenter.eval()


def mixture(crops: Batch) -> Tensor:
    """Infrared, visible, or a mixture of both by a random share of each crop: (B,1,S,S)."""
    share = torch.rand(len(crops.ir), 1, 1, 1).mul(2).sub(0.5).clamp(0, 1)
    return share * crops.ir + (1 - share) * luminance(crops.vi)


def vary(image: Tensor) -> Tensor:
    """Random gain and gamma for each image: (B,1,S,S) in [0,1] to the same."""
    gain, gamma = (1 + 0.4 * (torch.rand(2, len(image), 1, 1, 1) - 0.5)).unbind()
    return (gain * image).clamp(0, 1).pow(gamma)


def score_loss(scores: Tensor, label: Tensor) -> Tensor:
    """Cross-entropy of sigmoid scores, each class by itself, rare classes weighing up to five times as much.

    Class 0 counts: in MSRS it is the background, and background is a region that attribution must know.

    Args:
        scores: (B,C,H,W) in (0,1).
        label: (B,H,W) class indices.
    """
    target = functional.one_hot(label, scores.shape[1]).permute(0, 3, 1, 2).to(scores.dtype)
    share = target.mean((0, 2, 3))
    weight = (share.clamp(min=1e-3).rsqrt() / 2).clamp(1, 5).view(1, -1, 1, 1)
    per_pixel = functional.binary_cross_entropy(scores.clamp(1e-6, 1 - 1e-6), target, reduction="none")
    return (per_pixel * (1 + (weight - 1) * target)).sum(1).mean()
