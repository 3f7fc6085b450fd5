"""Budgets: what all methods of one track have in common when they are trained, as a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from uaabench.training.settings import Settings, read_settings

FOLDER = Path(__file__).parent / "budgets"


class Budget(Settings):
    """Data and optimisation of a training, apart from network and loss.

    The same budget gives every method the same crops in the same order.

    Attributes:
        data: Data sets, `name` for the training split or `name:split`; a set named twice counts double.
        hold_out: Pairs, evenly spread, that are looked at and fused at the end instead of being trained on.
        steps: Optimiser steps; with `patience` the most of them.
        batch: Crops in a step.
        crop: Height and width of a crop.
        learning_rate: Peak of Adam's; a linear rise, then half a cosine down to zero.
        rates: Learning rates to choose from instead, by the loss of held-out pairs after `trial` steps of each.
        trial: Steps of a trial.
        look_every: Steps between two looks at the held-out pairs, whose loss and metrics are kept; 0 for none.
        patience: Looks without a lower loss after which the rate falls and the training ends; 0 makes all steps. See
            `schedule.Schedule`.
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
    rates: list[PositiveFloat] = Field(default=[])
    trial: PositiveInt = 300
    look_every: NonNegativeInt = 0
    patience: NonNegativeInt = 0
    warmup: NonNegativeFloat = Field(default=0.05, lt=1)
    clip: PositiveFloat = 1.0
    frozen: NonNegativeFloat = Field(default=0.2, lt=1)
    bfloat16: bool = False
    checkpoint_every: PositiveInt = 250
    seed: int = 0

    @model_validator(mode="after")
    def _refuse_blind(self) -> Budget:
        if (self.rates or self.look_every) and not self.hold_out:
            raise ValueError("rates and look_every need held-out pairs; set hold_out")
        if self.patience and not self.look_every:
            raise ValueError("patience needs looks at held-out pairs; set look_every")
        return self

    def in_words(self, rate: float, steps: int) -> str:
        """The budget as a card prints it.

        Args:
            rate: The learning rate that was taken.
            steps: The steps that were made.
        """
        precision = "network in bfloat16, " if self.bfloat16 else ""
        among = f" (of {', '.join(f'{other:g}' for other in self.rates)})" if self.rates else ""
        at_most = f" (at most {self.steps})" if self.patience else ""
        ends = f" after {self.patience} looks without a lower held-out loss" if self.patience else ""
        return (
            f"Budget '{self.name}': {steps} steps{at_most} of {self.batch} crops of {self.crop}x{self.crop}, "
            f"{precision}Adam {rate:g}{among} with warm-up and cosine{ends}, gradient norm at most {self.clip:g}, "
            f"the last {self.frozen:.0%} with fixed, re-estimated batch statistics."
        )


def read(named: str, changes: dict[str, Any] | None = None) -> Budget:
    """Read a budget; see `uaabench.training.settings.read_settings`."""
    return read_settings(Budget, FOLDER, named, changes, "budget")
