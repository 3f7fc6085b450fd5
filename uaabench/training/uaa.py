"""Training UAAFusion: its segmenter first, then the fusion network and the segmenter together.

The loss is that of the paper (attribution fusion loss, strongest gradient, segmentation) plus one term of ours, the
distance to the brighter source. Without it the minimiser is close to the plain average wherever the attribution is
undecided, which is most of an image for a segmenter as small as the one that is shipped; `brightness=0` leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from uaabench.baselines.uaa.attribution import SourceWeights
from uaabench.baselines.uaa.config import SMALL, UAAConfig
from uaabench.baselines.uaa.model import UAAModel
from uaabench.interface import FusionDataset, Pair, luminance
from uaabench.training.crops import Batch, CropSampler
from uaabench.training.losses import edges
from uaabench.training.schedule import warm_cosine
from uaabench.training.segmenter import pretrain, score_loss

Items = Sequence[tuple[FusionDataset, Pair]]

# Share of the joint steps in which the learning rates rise.
WARMUP = 0.05


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The numbers of a training run.

    Attributes:
        config: Shape of the network.
        segmenter_steps: Steps of the segmenter's pre-training.
        segmenter_batch: Crops in one of them.
        segmenter_crop: Height and width of these crops.
        segmenter_rate: Learning rate of the segmenter at the start of its pre-training.
        steps: Steps of the joint training.
        batch: Crops in a step.
        crop: Height and width of a crop.
        learning_rate: Peak learning rate of the fusion network.
        joint_segmenter_rate: Learning rate of the segmenter in the joint training.
        gradient: Weight of the distance to the stronger gradient; 1 in the paper.
        brightness: Weight of the distance to the brighter source; 0 in the paper.
        segmentation: Weight of the segmentation loss.
        seed: Seed of the initial weights and of the crops.
    """

    config: UAAConfig = SMALL
    segmenter_steps: int = 1400
    segmenter_batch: int = 8
    segmenter_crop: int = 160
    segmenter_rate: float = 4e-3
    steps: int = 650
    batch: int = 6
    crop: int = 80
    learning_rate: float = 1.5e-3
    joint_segmenter_rate: float = 1e-4
    gradient: float = 5.0
    brightness: float = 5.0
    segmentation: float = 0.1
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """What a joint step reports: its number and the parts of the loss, unweighted."""

    step: int
    attribution: float
    gradient: float
    brightness: float
    segmentation: float


def train(
    items: Items,
    labelled: Items,
    recipe: Recipe,
    device: torch.device,
    *,
    report_segmenter: Callable[[int, float], None] = lambda _step, _loss: None,
    report: Callable[[Progress, UAAModel], None] = lambda _progress, _model: None,
) -> UAAModel:
    """Train a model.

    Args:
        items: Training pairs, with or without label maps; where there is none, the segmenter's prediction serves.
        labelled: The pairs the segmenter is pre-trained on; all with label maps.
        recipe: The numbers of the run.
        device: Where to train.
        report_segmenter: Called after every step of the pre-training.
        report: Called after every joint step.

    Returns:
        The model in evaluation mode.

    Raises:
        DataError: A pair cannot be read.
    """
    torch.manual_seed(recipe.seed)
    model = UAAModel(recipe.config).to(device)
    pretrain(
        model.model_s,
        CropSampler(labelled, recipe.segmenter_crop, recipe.seed),
        steps=recipe.segmenter_steps,
        batch=recipe.segmenter_batch,
        learning_rate=recipe.segmenter_rate,
        device=device,
        report=report_segmenter,
    )
    _train_jointly(model, CropSampler(items, recipe.crop, recipe.seed), recipe, device, report)
    return model.eval()


def _train_jointly(
    model: UAAModel,
    sampler: CropSampler,
    recipe: Recipe,
    device: torch.device,
    report: Callable[[Progress, UAAModel], None],
) -> None:
    """Train fusion network and segmenter together; batch norms keep the statistics of the pre-training."""
    model.model_f.train()
    model.model_s.eval()
    fusion = {"params": list(model.model_f.parameters()), "lr": recipe.learning_rate}
    segmenter = {"params": list(model.model_s.parameters()), "lr": recipe.joint_segmenter_rate}
    optimiser = torch.optim.Adam([fusion, segmenter])
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warm_cosine(step, recipe.steps, WARMUP))
    for step in range(recipe.steps):
        crops = _to(sampler.batch(recipe.batch), device)
        ir, y = crops.ir, luminance(crops.vi)
        mask = one_hot_mask(model, crops, ir, y)
        fusion_result = model(ir, y, mask)
        f = fusion_result.image
        attribution = attribution_loss(f, ir, y, fusion_result.weights)
        gradient = (edges(f) - torch.maximum(edges(ir), edges(y))).abs().mean()
        brightness = (f - torch.maximum(ir, y)).abs().mean()
        segmentation = segmentation_loss(model, f, ir, y, crops)
        loss = (
            attribution
            + recipe.gradient * gradient
            + recipe.brightness * brightness
            + recipe.segmentation * segmentation
        )
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        parts = (attribution.item(), gradient.item(), brightness.item(), segmentation.item())
        report(Progress(step + 1, *parts), model)


def attribution_loss(f: Tensor, ir: Tensor, y: Tensor, weights: SourceWeights) -> Tensor:
    """Attribution fusion loss: mean square of w_i (f - i) plus that of w_v (f - v), the weights held constant."""
    to_ir = (weights.ir.detach() * (f - ir)).square().mean()
    return to_ir + (weights.vi.detach() * (f - y)).square().mean()


def one_hot_mask(model: UAAModel, crops: Batch, ir: Tensor, y: Tensor) -> Tensor:
    """One-hot label maps, (B,C,H,W): the crop's own, or the segmenter's prediction on the average."""
    with torch.no_grad():
        predicted = model.scores((ir + y) / 2).argmax(1)
    label = torch.where(crops.has_label.view(-1, 1, 1), crops.label, predicted)
    return functional.one_hot(label, model.config.classes).permute(0, 3, 1, 2).to(ir.dtype)


def segmentation_loss(model: UAAModel, f: Tensor, ir: Tensor, y: Tensor, crops: Batch) -> Tensor:
    """Mean segmentation loss of the fused image and both sources, over the crops that have label maps."""
    known = crops.has_label
    if not known.any():
        return f.new_zeros(())
    images = torch.cat([f[known], ir[known], y[known]])
    return score_loss(model.model_s(images), crops.label[known].repeat(3, 1, 1))


def _to(crops: Batch, device: torch.device) -> Batch:
    return Batch(crops.ir.to(device), crops.vi.to(device), crops.label.to(device), crops.has_label.to(device))
