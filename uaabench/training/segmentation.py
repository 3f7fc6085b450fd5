"""Training of segmenters: on the sources of a data set, or on images fused by a method."""

from __future__ import annotations

import json
import shutil
import time
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from uaabench.core import weights
from uaabench.core.errors import UsageError
from uaabench.core.files import replacing, write_json
from uaabench.core.interface import Pair
from uaabench.judges.segmentation.confusion import Matrix, confusion, scores
from uaabench.judges.segmentation.judge import WEIGHTS
from uaabench.judges.segmentation.segmenters import Segmenter, SegmenterCard, resolve
from uaabench.training import images
from uaabench.training.images import MODALITIES, TrainingImages
from uaabench.training.progress import claim
from uaabench.training.runner import Report, SegmenterRecipe, build_runner

if TYPE_CHECKING:
    import torch


def train(
    data: TrainingImages, recipe: SegmenterRecipe, folder: Path, report: Report = lambda _step, _loss: None
) -> Path:
    """Train a segmenter and export its weights and card; a training that was killed goes on, a finished one is kept.

    Args:
        data: On what.
        recipe: How.
        folder: Where images, checkpoints, log and the exported `segmenter.safetensors` go.
        report: Called every 50 steps with the number of the step and its loss.

    Returns:
        The exported file.

    Raises:
        UsageError: The data are no modality and no folder, or the folder holds another training.
        DataError: A pair has no label map.
    """
    if data.on not in MODALITIES and not Path(data.on).is_dir():
        raise UsageError(
            f"'{data.on}' is neither one of {', '.join(MODALITIES)} nor a folder of fused images; check it."
        )
    described = {
        "on": data.identity,
        "pairs": [pair.id for pair in data.pairs],
        "held_out": [pair.id for pair in data.held_out],
        "protocol": data.protocol.name,
        "recipe": vars(recipe),
    }
    claim(folder, json.dumps(described, indent=2, default=str) + "\n")
    file = folder / WEIGHTS
    if is_finished(folder):
        return file
    counts = images.write(data, folder / "data")
    started = time.monotonic()
    runner = build_runner(recipe, counts, folder, report, colours=data.colours)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runner.train()
    card = _card(data, recipe, (time.monotonic() - started) / 60)
    draft = export(folder / "data" / WEIGHTS, runner.model, card)
    validation = _validate(f"{recipe.network}@{draft}", data, next(runner.model.parameters()).device)
    export(file, runner.model, replace(card, validation=validation))
    shutil.rmtree(folder / "data")
    return file


def is_finished(folder: Path) -> bool:
    """Whether a folder holds a finished training: its card is written last."""
    return all((folder / WEIGHTS).with_suffix(suffix).is_file() for suffix in (".safetensors", ".json"))


def _card(data: TrainingImages, recipe: SegmenterRecipe, minutes: float) -> SegmenterCard:
    return SegmenterCard(
        name=f"{recipe.network} on {data.on if data.on in MODALITIES else Path(data.on).name}",
        network=recipe.network,
        classes=data.protocol.classes,
        trained_on=data.described,
        protocol=data.protocol.name,
        steps=recipe.steps,
        seed=recipe.seed,
        recipe=recipe.described(colours=data.colours),
        minutes=round(minutes, 1),
    )


def _validate(named: str, data: TrainingImages, device: torch.device) -> str:
    """MIoU of an exported segmenter on the pairs that were held out, in words; empty without any."""
    if not data.held_out:
        return ""
    segmenter = Segmenter(resolve(named), data.protocol.classes, device)
    parts = []
    for seen in images.ways(data.on):
        matrices = [_matrix(segmenter, data, pair, seen) for pair in data.held_out]
        mean_iou = scores(np.sum(matrices, axis=0), data.protocol).mean_iou
        parts.append(f"{mean_iou:.4f}" if seen == data.on else f"{seen} {mean_iou:.4f}")
    return f"mIoU {', '.join(parts)} on {len(data.held_out)} pairs held out ({data.protocol.name})"


def _matrix(segmenter: Segmenter, data: TrainingImages, pair: Pair, seen: str) -> Matrix:
    (predicted,) = segmenter.predict([images.image_of(data.dataset, pair, seen)])
    return confusion(predicted, images.label_of(data.dataset, pair), data.protocol)


def export(path: Path, network: Any, card: SegmenterCard) -> Path:
    """Write the weights of a segmenter in half precision, where they fit, and its card beside them."""
    from safetensors.torch import save

    state = {key: weights.halved(value) for key, value in network.state_dict().items()}
    with replacing(path) as aside:
        aside.write_bytes(save({key: value.contiguous().cpu() for key, value in state.items()}))
    write_json(path.with_suffix(".json"), asdict(card) | {"sha256": weights.sha256(path)})
    return path
