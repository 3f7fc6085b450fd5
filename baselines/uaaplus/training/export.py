"""From the folder of a training of UAAFusion+ to the weights that a run loads, and their card."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import torch

from uaabench.baselines.uaa.roads.shipped import NAME
from uaabench.baselines.uaaplus.training.loop import CHECKPOINT
from uaabench.baselines.uaaplus.training.recipe import Recipe
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
        WeightsError: The folder holds no training, or one that has not reached its first checkpoint.
    """
    try:
        described = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        recipe = Recipe.model_validate(described["recipe"])
        network = replace(recipe.network, segmenter_sha256=described["segmenter"])
        found = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(
            f"{folder} holds no training of UAAFusion+ yet ({error}); first: uaabench train uaaplus --out {folder}"
        ) from error
    state = found["states"]["model"]
    card = WeightsCard(
        method="uaaplus",
        version=1,
        data=described["data"],
        recipe=_in_words(recipe, found["done"]),
        steps=found["done"],
        minutes=round(found["seconds"] / 60, 1),
        hardware=hardware.described(),
        seed=recipe.seed,
        parameters=sum(value.numel() for value in state.values()),
        note=f"The fusion network alone; its segmenter is that of the weights '{NAME}'.",
    )
    weights.export(out, state, card, network.as_dict())
    return out


def _in_words(recipe: Recipe, done: int) -> str:
    """The recipe as a card prints it."""
    settings, loss, network = recipe.optimisation, recipe.loss, recipe.network
    terms = " + ".join(f"{weight:g} {name}" for name, weight in loss.terms().items())
    finished = "" if done == settings.steps else f"stopped after {done} of "
    return " ".join(
        [
            f"'{recipe.name}': {recipe.summary}",
            f"{finished}{settings.steps} steps of {settings.batch} patches of {settings.patch}x{settings.patch},",
            f"Adam {settings.learning_rate:g}, cosine schedule, attribution anew at every visit, segmenter frozen.",
            f"Weights: sigmoid((i - v)/{network.softness:g} + {network.preference:g} o). Loss: {terms}",
            f"(intensity: weighted sources + {loss.darker:g} (min(i, v) - {loss.level:g})).",
        ]
    )
