"""Pre-training of the segmenter inside UAAFusion, on whatever a fused image may look like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from uaabench.baselines.uaa.training.recipe import SegmenterTraining
from uaabench.core.errors import UsageError, WeightsError
from uaabench.core.interface import luminance
from uaabench.training.crops import Batch, CropSampler
from uaabench.training.progress import Loop, Stateful


def pretrain(
    segmenter: nn.Module,
    sampler: CropSampler,
    recipe: SegmenterTraining,
    device: torch.device,
    *,
    checkpoint: Path | None = None,
    every: int = 200,
    report: Callable[[int, float], None] = lambda _step, _loss: None,
) -> None:
    """Train a segmenter in place on infrared, visible luminance and random mixtures of both.

    Gain and gamma are varied, so that it survives the step from generated scenes to real ones.

    Args:
        segmenter: Sigmoid scores, (B,1,H,W) to (B,C,H,W).
        sampler: Gives crops with label maps.
        recipe: Steps, batch, loss and learning rate (Adam, half a cosine down to zero).
        device: Where to train.
        checkpoint: File to go on from, written as the training proceeds.
        every: Steps between two checkpoints.
        report: Called after every step with its number and loss.
    """
    segmenter.to(device).train()
    optimiser = torch.optim.Adam(segmenter.parameters(), lr=recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(recipe.steps, 1))
    parts: dict[str, Stateful] = {
        "segmenter": segmenter,
        "optimiser": optimiser,
        "schedule": schedule,
        "sampler": sampler,
    }
    for step in Loop(checkpoint, parts, steps=recipe.steps, every=every):
        crops = sampler.batch(recipe.batch)
        image = vary(mixture(crops)).to(device)
        loss = segmenter_loss(segmenter(image), crops.label.to(device), recipe.loss)
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


def segmenter_loss(scores: Tensor, label: Tensor, kind: str) -> Tensor:
    """Loss of sigmoid scores (B,C,H,W) in (0,1) against class indices (B,H,W).

    `balanced` is the cross-entropy of each class by itself, rare classes weighing up to five times as much; class 0
    counts, since background is a region that attribution must know. `cross-entropy` is the paper's: the scores are
    taken for logits, and pixels of class 0 are left out.
    """
    if kind == "cross-entropy":
        return functional.cross_entropy(scores, label, ignore_index=0) if (label > 0).any() else scores.sum() * 0
    target = functional.one_hot(label, scores.shape[1]).permute(0, 3, 1, 2).to(scores.dtype)
    share = target.mean((0, 2, 3))
    weight = (share.clamp(min=1e-3).rsqrt() / 2).clamp(1, 5).view(1, -1, 1, 1)
    per_pixel = functional.binary_cross_entropy(scores.clamp(1e-6, 1 - 1e-6), target, reduction="none")
    return (per_pixel * (1 + (weight - 1) * target)).sum(1).mean()


def load_backbone(segmenter: nn.Module, path: Path) -> None:
    """Start the MobileNetV2 inside a segmenter from ImageNet weights in torchvision's layout.

    The one input channel gets the sum over the three colours: a grey image then gives what it gave in colour.

    Args:
        segmenter: A `MobileNetSegmenter`, or a `RoadSegmenter`, which has the first features only.
        path: State dict of `torchvision.models.mobilenet_v2`.

    Raises:
        UsageError: The segmenter has no such backbone.
        WeightsError: The file is missing or holds something else.
    """
    features = getattr(getattr(segmenter, "feature_extractor", segmenter), "features", None)
    if features is None:
        raise UsageError(
            "Only the segmenters 'mobilenetv2' and 'road' start from a backbone; leave segmenter.backbone out."
        )
    try:
        given = torch.load(path, map_location="cpu", weights_only=True)
        own = features.state_dict()
        # Our copy names the layers of a block in one flat sequence, in the same order; the last feature is unused.
        values = [value for key, value in given.items() if _is_among(key, len(features))]
        state = dict(zip(own, values, strict=True))
        state["0.0.weight"] = state["0.0.weight"].sum(1, keepdim=True)
        features.load_state_dict(state)
    except Exception as error:  # whatever a foreign file makes the unpickler or the network stumble over
        raise WeightsError(
            f"{path} does not hold the ImageNet weights of torchvision's mobilenet_v2 ({type(error).__name__}); "
            "save its state dict."
        ) from error


def _is_among(key: str, count: int) -> bool:
    """Whether an entry `features.N.…` of torchvision's network belongs to the first `count` features."""
    part, _, rest = key.partition(".")
    return part == "features" and int(rest.partition(".")[0]) < count
