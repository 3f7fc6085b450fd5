"""Training the fusion network of UAAFusion+, guided by a segmenter that stays as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from uaabench.baselines.uaa.attribution import SourceWeights
from uaabench.baselines.uaa.training.patches import Patches, PatchSampler
from uaabench.baselines.uaa.training.steps import Report, Steps
from uaabench.baselines.uaaplus.checkpoint import new_model
from uaabench.baselines.uaaplus.model import UAAPlusModel
from uaabench.baselines.uaaplus.training import loss as fusion_loss
from uaabench.baselines.uaaplus.training.recipe import Recipe
from uaabench.baselines.uaaplus.weighing import direction, weigh
from uaabench.core.interface import luminance
from uaabench.training.pairs import Items, TrainingPairs
from uaabench.training.progress import Stateful, claim
from uaabench.training.schedule import warm_cosine

Guide = Callable[[UAAPlusModel, Patches, Tensor, Tensor], tuple[Tensor, Tensor]]

# Share of the steps in which the learning rate rises.
WARMUP = 0.05
CHECKPOINT = "fusion.pt"


def attributed(model: UAAPlusModel, _patches: Patches, ir: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Regions by the segmenter as when fusing, and what it attributes to infrared and luminance in them.

    Args:
        model: Holds the segmenter.
        ir: Infrared patches, (B,1,S,S).
        y: Their luminances, likewise.

    Returns:
        Labels (B,S,S) and contributions (2,B,C).
    """
    mask = model.mask(ir, y)
    labels = mask.argmax(1)
    return labels, model.contributions(labels, torch.stack([ir, y]), mask.shape[1])


def train(
    pairs: TrainingPairs,
    recipe: Recipe,
    device: torch.device,
    folder: Path | None = None,
    report: Report = lambda _phase, _step, _values: None,
    guide: Guide = attributed,
) -> UAAPlusModel:
    """Train a model, or go on with a training that was killed.

    Args:
        pairs: Training pairs.
        recipe: Everything else that decides the outcome.
        device: Where to train.
        folder: Folder of the checkpoint and the logs (`fusion.csv`, `validation.csv`); None keeps none.
        report: Called after every step with the phase (`fusion`, `validation`), the number of the step and its values.
        guide: Gives regions and contributions of a batch of patches, anew at every visit; see `attributed`.

    Returns:
        The model in evaluation mode.

    Raises:
        DataError: A pair cannot be read.
        UsageError: The folder holds another training, or no pair is left to train on.
        WeightsError: A checkpoint in the folder, or the segmenter of the recipe, cannot be read.
    """
    torch.manual_seed(recipe.seed)
    model = new_model(recipe.network).to(device)
    if folder is not None:
        described = {
            "method": "uaaplus",
            "recipe": recipe.model_dump(mode="json"),
            "segmenter": model.config.segmenter_sha256,
            "data": list(pairs.described),
            "pairs": pairs.ids()[0],
        }
        claim(folder, json.dumps(described, indent=2) + "\n")
    _Training(model, pairs.items, recipe, device, guide).run(folder, pairs.held_out, report)
    return model.eval()


class _Training:
    """The training of a fusion network."""

    def __init__(self, model: UAAPlusModel, items: Items, recipe: Recipe, device: torch.device, guide: Guide) -> None:
        settings = recipe.optimisation
        self.model, self.recipe, self.device, self.guide = model, recipe, device, guide
        self.sampler = PatchSampler(items, settings.patch, recipe.seed, settings.min_contrast)
        self.optimiser = torch.optim.Adam(model.model_f.parameters(), lr=settings.learning_rate)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser, lambda step: warm_cosine(step, settings.steps, WARMUP)
        )

    def run(self, folder: Path | None, held_out: Items, report: Report) -> None:
        """Make all steps that are left, with checkpoints, logs and validation."""
        parts: dict[str, Stateful] = {
            "model": self.model.model_f,
            "optimiser": self.optimiser,
            "schedule": self.schedule,
            "sampler": self.sampler,
        }
        steps = Steps(
            phase="fusion",
            checkpoint=CHECKPOINT,
            total=self.recipe.optimisation.steps,
            saved_every=self.recipe.checkpoint_every,
            validated_every=self.recipe.validation.every,
            terms=list(self.recipe.loss.terms()),
        )
        steps.carry_out(self.step, parts, folder, fuse=self._fuse, held_out=held_out, device=self.device, report=report)

    def _fuse(self, ir: Tensor, vi: Tensor) -> Tensor:
        """The luminance, as a run makes it."""
        image: Tensor = self.model.eval()(ir, luminance(vi)).image
        return image.clamp(0, 1)

    def step(self) -> dict[str, Tensor]:
        """Make one step, and give the terms of its loss, unweighted."""
        self.model.model_f.train()
        patches = self.sampler.batch(self.recipe.optimisation.batch)
        ir, y = patches.batch.ir.to(self.device), luminance(patches.batch.vi).to(self.device)
        labels, found = self.guide(self.model, patches, ir, y)
        towards_ir = direction(found, labels)
        w_ir = weigh(ir, y, towards_ir, self.recipe.network.preference, self.recipe.network.softness)
        weights = SourceWeights(w_ir, 1 - w_ir, found)
        mask = functional.one_hot(labels, found.shape[2]).permute(0, 3, 1, 2).to(ir.dtype)
        f = self.model(ir, y, mask, weights=weights).image
        terms = fusion_loss.terms(f, ir, y, weights, towards_ir, self.recipe.loss)
        factors = self.recipe.loss.terms()
        loss = torch.stack([factors[name] * term for name, term in terms.items()]).sum()
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.model_f.parameters(), 1.0)
        self.optimiser.step()
        self.schedule.step()
        return terms
