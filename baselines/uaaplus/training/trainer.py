"""UAAFusion+ as `uaabench train` knows it: recipes, pairs, the loop, and the export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from uaabench.baselines.uaaplus.training import recipe
from uaabench.baselines.uaaplus.training.export import export
from uaabench.baselines.uaaplus.training.loop import train
from uaabench.baselines.uaaplus.training.recipe import Recipe
from uaabench.training.pairs import TrainingPairs, find
from uaabench.training.trainer import REPORTED, Trainer


class UAAPlusTrainer(Trainer[Recipe]):
    """Trains UAAFusion+ by a recipe; see docs/uaa.md."""

    word = "recipe"
    default = "directed"

    def read(self, named: str, changes: dict[str, Any]) -> Recipe:
        """See `Trainer.read`."""
        return recipe.read(named, changes)

    def pairs(self, settings: Recipe, data_root: Path | None) -> TrainingPairs:
        """See `Trainer.pairs`."""
        return find(settings.data, [], settings.validation.pairs, data_root)

    def train(
        self, settings: Recipe, pairs: TrainingPairs, device: torch.device, folder: Path, say: Callable[[str], None]
    ) -> Path:
        """See `Trainer.train`."""
        steps = settings.optimisation.steps

        def report(phase: str, step: int, values: dict[str, float]) -> None:
            if phase == "validation" or step % REPORTED == 0 or step == steps:
                text = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
                say(f"{phase} {step} of {steps}: {text}")

        train(pairs, settings, device, folder, report)
        return self.export(folder, folder / "uaaplus.safetensors")

    def export(self, folder: Path, out: Path) -> Path:
        """See `Trainer.export`."""
        return export(folder, out)
