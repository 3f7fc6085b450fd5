"""From the folder of a training of UAAFusion to the weights that a run loads, and their card."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from uaabench.baselines.uaa.training.loop import JOINT, SEGMENTER
from uaabench.baselines.uaa.training.recipe import Recipe
from uaabench.core import weights
from uaabench.core.errors import WeightsError
from uaabench.core.weights import WeightsCard
from uaabench.training import hardware


def export(folder: Path, out: Path) -> Path:
    """Write the weights of the last checkpoint, finished or not, and their card.

    Args:
        folder: Folder of a training.
        out: File to write, `NAME.safetensors`; the card lies beside it as `NAME.json`.

    Returns:
        `out`.

    Raises:
        WeightsError: The folder holds no training, or one that has not reached its first joint checkpoint.
    """
    try:
        described = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        recipe = Recipe.model_validate(described["recipe"])
        joint = torch.load(folder / JOINT, map_location="cpu", weights_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(
            f"{folder} holds no joint training of UAAFusion yet ({error}); first: uaabench train uaa --out {folder}"
        ) from error
    alone = folder / SEGMENTER
    seconds = joint["seconds"] + (torch.load(alone, weights_only=True)["seconds"] if alone.is_file() else 0)
    state = joint["states"]["model"]
    card = WeightsCard(
        method="uaa",
        version=1,
        data=described["data"],
        recipe=_in_words(recipe, joint["done"]),
        steps=recipe.segmenter.steps + joint["done"],
        minutes=round(seconds / 60, 1),
        hardware=hardware.described(),
        seed=recipe.seed,
        parameters=sum(value.numel() for value in state.values()),
    )
    weights.export(out, state, card, recipe.network.as_dict())
    return out


def _in_words(recipe: Recipe, done: int) -> str:
    """The recipe as a card prints it."""
    alone, joint = recipe.segmenter, recipe.joint
    terms = " + ".join(f"{weight:g} {name}" for name, weight in recipe.loss.terms().items())
    intensity = (
        f" (intensity: max(i, v) + {recipe.loss.darker:g} (min(i, v) - {recipe.loss.level:g}))"
        if recipe.loss.intensity
        else ""
    )
    finished = "" if done == joint.steps else f"stopped after {done} of "
    return " ".join(
        [
            f"'{recipe.name}': {recipe.summary}",
            f"Segmenter alone: {alone.steps} steps of {alone.batch} crops of {alone.crop}x{alone.crop},",
            f"{alone.loss} loss, Adam {alone.learning_rate:g}.",
            f"Together: {finished}{joint.steps} steps of {joint.batch} patches of",
            f"{joint.patch}x{joint.patch}, Adam {joint.learning_rate:g} (segmenter {joint.segmenter_rate:g}),",
            f"{joint.schedule} schedule, attribution refreshed every {joint.refresh} visits. Loss: {terms}{intensity}.",
        ]
    )
