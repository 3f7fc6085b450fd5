"""Budgets: what all methods of one track have in common when they are trained, as a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from uaabench.training.settings import Settings, read_settings

FOLDER = Path(__file__).parent / "budgets"


class Budget(Settings):
    """Data and optimisation of a training, apart from network and loss.

    The same budget gives every method the same crops in the same order.

    Attributes:
        data: Data sets, `name` for the training split or `name:split`; a set named twice counts double.
        hold_out: Pairs, evenly spread, that are fused at the end instead of being trained on.
        steps: Optimiser steps.
        batch: Crops in a step.
        crop: Height and width of a crop.
        learning_rate: Peak of Adam's; a linear rise, then half a cosine down to zero.
        warmup: Share of the steps in which it rises.
        clip: Largest norm of the gradient.
        frozen: Share of the steps, at the end, in which batch normalisation uses statistics that were estimated anew,
            as it will in use.
        bfloat16: Run networks in mixed precision; losses never are.
        checkpoint_every: Steps between two checkpoints, from which a killed training goes on.
        seed: Of initial weights and crops.
    """

    data: list[str] = Field(default=["demo"], min_length=1)
    hold_out: NonNegativeInt = 5
    steps: PositiveInt = 2000
    batch: PositiveInt = 6
    crop: PositiveInt = 96
    learning_rate: PositiveFloat = 1e-3
    warmup: NonNegativeFloat = Field(default=0.05, lt=1)
    clip: PositiveFloat = 1.0
    frozen: NonNegativeFloat = Field(default=0.2, lt=1)
    bfloat16: bool = False
    checkpoint_every: PositiveInt = 250
    seed: int = 0

    def in_words(self) -> str:
        """The budget as a card prints it."""
        precision = "network in bfloat16, " if self.bfloat16 else ""
        return (
            f"Budget '{self.name}': {self.steps} steps of {self.batch} crops of {self.crop}x{self.crop}, "
            f"{precision}Adam {self.learning_rate:g} with warm-up and cosine, gradient norm at most {self.clip:g}, "
            f"the last {self.frozen:.0%} with fixed, re-estimated batch statistics."
        )


def read(named: str, changes: dict[str, Any] | None = None) -> Budget:
    """Read a budget; see `uaabench.training.settings.read_settings`."""
    return read_settings(Budget, FOLDER, named, changes, "budget")
