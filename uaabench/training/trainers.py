"""Which trainer trains a method: the one its card or class names, else its own loss within a common budget."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from uaabench.core import registry
from uaabench.core.errors import WeightsError
from uaabench.core.kinds import import_object
from uaabench.training import budget
from uaabench.training.budget import Budget
from uaabench.training.method import train
from uaabench.training.objective import objective_of
from uaabench.training.pairs import TrainingPairs, find
from uaabench.training.trainer import REPORTED, Trainer, TrainsItself


def trainer_of(name: str) -> Trainer[Any]:
    """What trains a method.

    Raises:
        UsageError: There is no such method, or it cannot be trained here.
    """
    card = registry.method_card(name)
    if card.trainer:
        made: Trainer[Any] = import_object(card.trainer)()
        return made
    method = registry.method_class(name) if not card.objective else None
    if method is not None and issubclass(method, TrainsItself):
        return method.trainer()
    objective_of(name)
    return BudgetTrainer(name)


def trained_in(folder: Path) -> str:
    """Name of the method whose training a folder holds.

    Raises:
        WeightsError: It holds none.
    """
    try:
        return str(json.loads((folder / "training.json").read_text(encoding="utf-8"))["method"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{folder} holds no training of a method; give the --out of 'uaabench train'.") from error


class BudgetTrainer(Trainer[Budget]):
    """Trains a method by its own loss within a budget that is the same for all.

    Args:
        name: Name of the method.
    """

    word = "budget"
    default = "retrained"

    def __init__(self, name: str) -> None:
        self._name = name

    def read(self, named: str, changes: dict[str, Any]) -> Budget:
        """See `Trainer.read`."""
        return budget.read(named, changes)

    def pairs(self, settings: Budget, data_root: Path | None) -> TrainingPairs:
        """See `Trainer.pairs`."""
        return find(settings.data, (), settings.hold_out, data_root)

    def train(
        self, settings: Budget, pairs: TrainingPairs, device: torch.device, folder: Path, say: Callable[[str], None]
    ) -> Path:
        """See `Trainer.train`."""

        def report(step: int, values: dict[str, float]) -> None:
            if step % REPORTED == 0 or step == settings.steps:
                text = "  ".join(f"{term} {value:.4g}" for term, value in values.items())
                say(f"step {step} of {settings.steps}: {text}")

        return train(self._name, pairs, settings, device, folder, report)
