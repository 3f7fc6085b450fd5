"""Training of detectors: on the sources of a data set, on images fused by simple rules, or on those of a method."""

from __future__ import annotations

import json
import math
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from uaabench.core import weights
from uaabench.core.errors import UsageError
from uaabench.core.files import replacing, write_json
from uaabench.judges.detection import network as networks
from uaabench.judges.detection.judge import WEIGHTS
from uaabench.judges.detection.matching import ALL, tally
from uaabench.judges.detection.precision import AP50
from uaabench.judges.detection.trained import TrainedCard, TrainedDetector
from uaabench.training.boxed import ON, BoxedImages, Crops, boxes_of, seen
from uaabench.training.progress import Log, Loop, Stateful, claim
from uaabench.training.schedule import warm_cosine

CHECKPOINT, LOG = "checkpoint.pt", "loss.csv"
REPORTED = 50

Report = Callable[[int, float], None]


@dataclass(frozen=True, kw_only=True)
class DetectorRecipe:
    """How a detector is trained.

    Attributes:
        steps: Optimiser steps: AdamW, a linear rise over a twentieth, then half a cosine down to zero.
        batch: Crops in a step.
        crop: Height and width of a crop.
        learning_rate: At its peak.
        seed: Seed of weights, crops and order.
        checkpoint_every: Steps between checkpoints, from which a killed training goes on.
    """

    steps: int = 1500
    batch: int = 8
    crop: int = 192
    learning_rate: float = 2e-3
    seed: int = 0
    checkpoint_every: int = 100

    @property
    def described(self) -> str:
        """What a card says of it."""
        return (
            f"torchvision's FCOS loss (focal, GIoU, centre-ness), AdamW with peak learning rate {self.learning_rate}, "
            f"batches of {self.batch} crops of {self.crop}x{self.crop}; scaled by 0.8 to 1.6, flipped, distorted in "
            "brightness and contrast; from scratch"
        )


def train(
    data: BoxedImages,
    recipe: DetectorRecipe,
    folder: Path,
    report: Report = lambda _step, _loss: None,
    device: torch.device | None = None,
) -> Path:
    """Train a detector and export its weights and card; a training that was killed goes on, a finished one is kept.

    Args:
        data: On what.
        recipe: How.
        folder: Where checkpoint, log and the exported `detector.safetensors` go.
        report: Called every 50 steps with the number of the step and its loss.
        device: Where to train; None for the processor.

    Returns:
        The exported file.

    Raises:
        UsageError: The data are no way of seeing a pair and no folder, the folder holds another training, or the loss
            is no longer finite.
        DataError: A pair has no boxes.
    """
    if data.on not in ON and not Path(data.on).is_dir():
        raise UsageError(f"'{data.on}' is neither one of {', '.join(ON)} nor a folder of fused images; check it.")
    described = {
        "on": data.identity,
        "pairs": [pair.id for pair in data.pairs],
        "held_out": [pair.id for pair in data.held_out],
        "classes": data.dataset.box_classes,
        "network": networks.NAME,
        "recipe": asdict(recipe),
    }
    claim(folder, json.dumps(described, indent=2) + "\n")
    file = folder / WEIGHTS
    if is_finished(folder):
        return file
    device = device or torch.device("cpu")
    network, seconds = _fit(data, recipe, folder, report, device)
    card = _card(data, recipe, seconds / 60)
    draft = export(folder / "draft" / WEIGHTS, network, card)
    export(file, network, replace(card, validation=_validate(draft, data, device)))
    shutil.rmtree(draft.parent)
    return file


def is_finished(folder: Path) -> bool:
    """Whether a folder holds a finished training: its card is written last."""
    return all((folder / WEIGHTS).with_suffix(suffix).is_file() for suffix in (".safetensors", ".json"))


def _fit(
    data: BoxedImages, recipe: DetectorRecipe, folder: Path, report: Report, device: torch.device
) -> tuple[nn.Module, float]:
    """The trained network, and the seconds that its steps took."""
    torch.manual_seed(recipe.seed)
    network = networks.build(len(data.dataset.box_classes)).to(device).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warm_cosine(step, recipe.steps, 0.05))
    crops = Crops(data, recipe.crop)
    parts: dict[str, Stateful] = {"network": network, "optimiser": optimiser, "schedule": schedule}
    loop = Loop(folder / CHECKPOINT, parts, steps=recipe.steps, every=recipe.checkpoint_every)
    log: Log | None = None
    for step in loop:
        images, targets = crops.batch(recipe.batch)
        terms = network(
            [image.to(device) for image in images],
            [{name: value.to(device) for name, value in target.items()} for target in targets],
        )
        loss = _improve(network, optimiser, terms)
        schedule.step()
        if not math.isfinite(loss):
            raise UsageError(
                f"The loss is no longer finite at step {step + 1}; train with another --seed, in another folder."
            )
        log = log or Log(folder / LOG, ["step", *terms], loop.done)
        log.write(step + 1, {name: term.item() for name, term in terms.items()})
        if (step + 1) % REPORTED == 0 or step + 1 == recipe.steps:
            report(step + 1, loss)
    return network, loop.seconds


def _improve(network: nn.Module, optimiser: torch.optim.Optimizer, terms: dict[str, Tensor]) -> float:
    """Make a step of the optimiser; the loss before it."""
    loss = torch.stack(list(terms.values())).sum()
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimiser.step()
    return loss.item()


def _card(data: BoxedImages, recipe: DetectorRecipe, minutes: float) -> TrainedCard:
    return TrainedCard(
        name=f"{networks.NAME} on {data.on if data.on in ON else Path(data.on).name}",
        classes=data.dataset.box_classes,
        trained_on=data.described,
        steps=recipe.steps,
        seed=recipe.seed,
        recipe=recipe.described,
        command=shlex.join(["uaabench", *sys.argv[1:]]),
        minutes=round(minutes, 1),
    )


def _validate(file: Path, data: BoxedImages, device: torch.device) -> str:
    """AP50 of an exported detector on the pairs that were held out, in words; empty without any."""
    if not data.held_out:
        return ""
    detector = TrainedDetector(file)
    detector.load(device)
    true = [boxes_of(data.dataset, pair) for pair in data.held_out]
    everything, classes = np.ones((1, len(true)), np.int64), detector.classes
    parts = []
    for way in data.ways:
        found = [detector.detect(seen(data.dataset, pair, way)) for pair in data.held_out]
        tallies = [tally(boxes, one, len(classes), [ALL]) for boxes, one in zip(true, found, strict=True)]
        ap50 = float(AP50.of(tallies, everything, {"classes": classes})[0])
        parts.append(f"{ap50:.4f}" if way == data.on else f"{way} {ap50:.4f}")
    return f"AP50 {', '.join(parts)} on {len(true)} pairs held out"


def export(path: Path, network: Any, card: TrainedCard) -> Path:
    """Write the weights of a detector in half precision, where they fit, and its card beside them."""
    from safetensors.torch import save

    state = {key: weights.halved(value).contiguous().cpu() for key, value in network.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as aside:
        aside.write_bytes(save(state))
    write_json(path.with_suffix(".json"), asdict(card) | {"sha256": weights.sha256(path)})
    return path
