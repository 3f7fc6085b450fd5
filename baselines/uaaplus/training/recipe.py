"""Recipes: everything that decides the outcome of a training of UAAFusion+, as a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from uaabench.baselines.uaa.training.recipe import Validation
from uaabench.baselines.uaaplus.config import UAAPlusConfig
from uaabench.training import settings
from uaabench.training.settings import Section, Settings

FOLDER = Path(__file__).parent / "recipes"


class Optimisation(Section):
    """The steps of the training.

    Attributes:
        steps: Optimiser steps of Adam; the rate rises shortly, then falls by half a cosine.
        batch: Patches in a step.
        patch: Height and width of a patch; patches of an image do not overlap.
        min_contrast: Patches where (p90 - p10) / p90 is below this in both sources are left out.
        learning_rate: Of Adam.
    """

    steps: PositiveInt = 1600
    batch: PositiveInt = 6
    patch: PositiveInt = 96
    min_contrast: NonNegativeFloat = 0.1
    learning_rate: PositiveFloat = 1.5e-3


class LossWeights(Section):
    """Weight of each term of the loss; see `uaabench.baselines.uaaplus.training.loss` for the terms.

    Attributes:
        intensity: Distance to the weighted sources and a share of the darker one.
        edges: Distance to the Sobel responses, with their sign, of the source that the region needs.
        ssim: Distance of the structural similarity to both sources from 1, weighted likewise.
        darker: Share g of the darker source in the intensity, g (min(i, v) - level).
        level: Grey level in 0..1 at which the darker source adds nothing.
    """

    intensity: NonNegativeFloat = 10.0
    edges: NonNegativeFloat = 3.0
    ssim: NonNegativeFloat = 0.0
    darker: NonNegativeFloat = 0.25
    level: NonNegativeFloat = 0.1

    def terms(self) -> dict[str, float]:
        """The terms that count, with their weights."""
        return {name: value for name in ("intensity", "edges", "ssim") if (value := getattr(self, name))}


class Recipe(Settings):
    """A training of UAAFusion+.

    Attributes:
        network: Shape of the network, and how attribution decides between the sources.
        data: Data sets to fuse, `name` for the training split or `name:split`; a set named twice counts double.
        optimisation: The steps of the training.
        loss: Weights of the terms of the loss.
        validation: What is held out.
        checkpoint_every: Steps between two checkpoints, from which a killed training goes on.
        seed: Of initial weights and patches.
    """

    network: UAAPlusConfig = UAAPlusConfig()
    data: list[str] = Field(default=["demo"], min_length=1)
    optimisation: Optimisation = Optimisation()
    loss: LossWeights = LossWeights()
    validation: Validation = Validation()
    checkpoint_every: PositiveInt = 100
    seed: int = 0


def read(named: str, changes: dict[str, Any] | None = None) -> Recipe:
    """Read a recipe; see `uaabench.training.settings.read_settings`."""
    return settings.read_settings(Recipe, FOLDER, named, changes, "recipe")
