"""Recipes: everything that decides the outcome of a training of UAAFusion, as a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, field_validator

from uaabench.baselines.uaa.config import CONFIGS, SMALL, UAAConfig
from uaabench.training import settings
from uaabench.training.settings import Section, Settings

FOLDER = Path(__file__).parent / "recipes"


class SegmenterTraining(Section):
    """The segmenter by itself, before the joint training.

    Attributes:
        steps: Optimiser steps; 0 leaves it as it was initialised.
        batch: Crops in a step.
        crop: Height and width of a crop.
        learning_rate: Of Adam at the start; half a cosine down to zero.
        backbone: ImageNet weights of torchvision's MobileNetV2, a file; for the segmenter `mobilenetv2` only.
        loss: `balanced` binary cross-entropy of each class, class 0 included; or the paper's `cross-entropy` of the
            sigmoid scores, class 0 left out.
    """

    steps: NonNegativeInt = 1400
    batch: PositiveInt = 8
    crop: PositiveInt = 160
    learning_rate: PositiveFloat = 4e-3
    backbone: Path | None = None
    loss: Literal["balanced", "cross-entropy"] = "balanced"


class JointTraining(Section):
    """The fusion network and the segmenter together.

    Attributes:
        steps: Optimiser steps.
        batch: Patches in a step.
        patch: Height and width of a patch; patches of an image do not overlap.
        min_contrast: Patches where (p90 - p10) / p90 is below this are left out.
        flat: Whether that must hold of `both` sources, or of `either` as in the release.
        learning_rate: Of the fusion network, for Adam.
        segmenter_rate: Of the segmenter.
        schedule: `cosine` with a short rise, or the paper's `halving` a few times.
        halvings: How often the rate is halved, at equal distances, where the schedule is `halving`.
        refresh: A patch gets a new attribution every so many times it comes up; 1 is the paper.
    """

    steps: PositiveInt = 4000
    batch: PositiveInt = 6
    patch: PositiveInt = 96
    min_contrast: NonNegativeFloat = 0.1
    flat: Literal["both", "either"] = "both"
    learning_rate: PositiveFloat = 1.5e-3
    segmenter_rate: NonNegativeFloat = 1e-4
    schedule: Literal["cosine", "halving"] = "cosine"
    halvings: NonNegativeInt = 3
    refresh: PositiveInt = 1


class LossWeights(Section):
    """Weight of each term of the joint loss; see `uaabench.baselines.uaa.training.loss` for the terms.

    Attributes:
        attribution: Attribution fusion loss; 1 in the paper.
        gradient: Distance to the stronger gradient magnitude; 1 in the paper.
        segmentation: Segmentation loss of the fused image and the sources; 0.1 in the paper.
        edges: Distance to the stronger gradient with its sign; not in the paper.
        intensity: Distance to the intensity that `darker` and `level` describe; not in the paper.
        darker: Share g of the darker source in that intensity, max(i, v) + g (min(i, v) - level).
        level: Grey level in 0..1 at which the darker source adds nothing.
    """

    attribution: NonNegativeFloat = 1.0
    gradient: NonNegativeFloat = 1.0
    segmentation: NonNegativeFloat = 0.1
    edges: NonNegativeFloat = 0.0
    intensity: NonNegativeFloat = 0.0
    darker: NonNegativeFloat = 0.0
    level: NonNegativeFloat = 0.0

    def terms(self) -> dict[str, float]:
        """The terms that count, with their weights."""
        found = {
            name: getattr(self, name) for name in ("attribution", "gradient", "edges", "intensity", "segmentation")
        }
        return {name: weight for name, weight in found.items() if weight}


class Validation(Section):
    """Pairs that are held out of the training and fused from time to time.

    Attributes:
        pairs: How many, evenly spread over the training pairs.
        every: Joint steps between two validations.
    """

    pairs: NonNegativeInt = 4
    every: PositiveInt = 1000


class Recipe(Settings):
    """A training of UAAFusion.

    Attributes:
        network: Shape of the network: its entries, or `base: small` and what differs from that.
        data: Data sets to fuse, `name` for the training split or `name:split`; a set named twice counts double.
        labelled: Those with label maps, on which the segmenter is trained alone.
        segmenter: The segmenter by itself.
        joint: Both networks together.
        loss: Weights of the terms of the joint loss.
        validation: What is held out.
        checkpoint_every: Steps between two checkpoints, from which a killed training goes on.
        seed: Of initial weights, crops and patches.
    """

    network: UAAConfig = SMALL
    data: list[str] = Field(default=["demo"], min_length=1)
    labelled: list[str] = Field(default=["demo"], min_length=1)
    segmenter: SegmenterTraining = SegmenterTraining()
    joint: JointTraining = JointTraining()
    loss: LossWeights = LossWeights()
    validation: Validation = Validation()
    checkpoint_every: PositiveInt = 200
    seed: int = 0

    @field_validator("network", mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        """Fill in the entries of the network that is named as `base`."""
        if not isinstance(given, dict) or "base" not in given:
            return given
        if given["base"] not in CONFIGS:
            raise ValueError(f"there is no network '{given['base']}'; known are {', '.join(CONFIGS)}")
        return CONFIGS[given["base"]].as_dict() | {key: value for key, value in given.items() if key != "base"}


def names() -> list[str]:
    """Names of the recipes that come with the package."""
    return settings.names(FOLDER)


def read(named: str, changes: dict[str, Any] | None = None) -> Recipe:
    """Read a recipe; see `uaabench.training.settings.read_settings`."""
    return settings.read_settings(Recipe, FOLDER, named, changes, "recipe")
