"""Training UAAFusion: its segmenter first, then the fusion network and the segmenter together."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor, nn

from uaabench.baselines.uaa import stretch
from uaabench.baselines.uaa.model import UAAModel
from uaabench.baselines.uaa.training import loss as fusion_loss
from uaabench.baselines.uaa.training.patches import Attributor, PatchSampler
from uaabench.baselines.uaa.training.recipe import JointTraining, Recipe
from uaabench.baselines.uaa.training.segmenter import load_backbone, pretrain
from uaabench.baselines.uaa.training.steps import Report, Steps
from uaabench.core.interface import luminance
from uaabench.training.crops import CropSampler
from uaabench.training.pairs import Items, TrainingPairs
from uaabench.training.progress import Stateful, claim
from uaabench.training.schedule import halving, warm_cosine

# Share of the joint steps in which the learning rates rise.
WARMUP = 0.05
SEGMENTER, JOINT = "segmenter.pt", "joint.pt"


def train(
    pairs: TrainingPairs,
    recipe: Recipe,
    device: torch.device,
    folder: Path | None = None,
    report: Report = lambda _phase, _step, _values: None,
) -> UAAModel:
    """Train a model, or go on with a training that was killed.

    Args:
        pairs: Training pairs.
        recipe: Everything else that decides the outcome.
        device: Where to train.
        folder: Folder of checkpoints (`segmenter.pt`, `joint.pt`) and logs (`joint.csv`, `validation.csv`); None keeps
            none.
        report: Called after every step with the phase (`segmenter`, `joint`, `validation`), the number of the step and
            its values.

    Returns:
        The model in evaluation mode.

    Raises:
        DataError: A pair cannot be read.
        UsageError: The folder holds another training, or no pair is left to train on.
        WeightsError: A checkpoint in the folder, or the backbone of the recipe, cannot be read.
    """
    if folder is not None:
        described = {
            "method": "uaa",
            "recipe": recipe.model_dump(mode="json"),
            "data": list(pairs.described),
            "pairs": pairs.ids(),
        }
        claim(folder, json.dumps(described, indent=2) + "\n")
    torch.manual_seed(recipe.seed)
    model = UAAModel(recipe.network).to(device)
    if recipe.segmenter.backbone is not None:
        load_backbone(model.model_s, recipe.segmenter.backbone)
    if recipe.segmenter.steps:
        pretrain(
            model.model_s,
            CropSampler(pairs.labelled, recipe.segmenter.crop, recipe.seed),
            recipe.segmenter,
            device,
            checkpoint=folder and folder / SEGMENTER,
            every=recipe.checkpoint_every,
            report=lambda step, loss: report("segmenter", step, {"loss": loss}),
        )
    # The joint training starts from the same random numbers whether or not this process trained the segmenter.
    torch.manual_seed(recipe.seed + 1)
    _Joint(model, pairs.items, recipe, device).run(folder, pairs.held_out, report)
    return model.eval()


class _Joint:
    """The joint training of fusion network and segmenter; batch norms keep the statistics of the pre-training."""

    def __init__(self, model: UAAModel, items: Items, recipe: Recipe, device: torch.device) -> None:
        joint = recipe.joint
        self.model, self.recipe, self.device = model, recipe, device
        self.sampler = PatchSampler(items, joint.patch, recipe.seed, joint.min_contrast, joint.flat)
        self.attributor = Attributor(model, joint.refresh)
        fusion = {"params": list(model.model_f.parameters()), "lr": joint.learning_rate}
        segmenter = {"params": list(model.model_s.parameters()), "lr": joint.segmenter_rate}
        self.optimiser = torch.optim.Adam([fusion, segmenter])
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, lambda step: _rate(step, joint))

    def run(self, folder: Path | None, held_out: Items, report: Report) -> None:
        """Make all steps that are left, with checkpoints, logs and validation."""
        parts: dict[str, Stateful] = {
            "model": self.model,
            "optimiser": self.optimiser,
            "schedule": self.schedule,
            "sampler": self.sampler,
            "attributor": self.attributor,
        }
        steps = Steps(
            phase="joint",
            checkpoint=JOINT,
            total=self.recipe.joint.steps,
            saved_every=self.recipe.checkpoint_every,
            validated_every=self.recipe.validation.every,
            terms=list(self.recipe.loss.terms()),
        )
        steps.carry_out(self.step, parts, folder, fuse=self._fuse, held_out=held_out, device=self.device, report=report)

    def _fuse(self, ir: Tensor, vi: Tensor) -> Tensor:
        """The stretched luminance, as a run makes it."""
        return stretch(self.model.eval()(ir, luminance(vi)).image)

    def step(self) -> dict[str, Tensor]:
        """Make one step, and give the terms of its loss, unweighted."""
        self.model.model_f.train()
        self.model.model_s.eval()
        patches = self.sampler.batch(self.recipe.joint.batch)
        ir, y = patches.batch.ir.to(self.device), luminance(patches.batch.vi).to(self.device)
        labels, weights = self.attributor(patches, ir, y)
        mask = fusion_loss.one_hot(labels, self.recipe.network.classes, ir)
        f = self.model(ir, y, mask, weights=weights).image
        terms = fusion_loss.terms(f, ir, y, weights, self.recipe.loss)
        if self.recipe.loss.segmentation:
            kind = self.recipe.segmenter.loss
            terms["segmentation"] = fusion_loss.segmentation(self.model.model_s, f, ir, y, patches.batch, kind)
        factors = self.recipe.loss.terms()
        loss = torch.stack([factors[name] * term for name, term in terms.items()]).sum()
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.schedule.step()
        return terms


def _rate(step: int, joint: JointTraining) -> float:
    """Factor of both learning rates."""
    if joint.schedule == "halving":
        return halving(step, joint.steps, joint.halvings)
    return warm_cosine(step, joint.steps, WARMUP)
