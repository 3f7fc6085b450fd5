"""Training of segmenters by the Runner of mmengine: on the sources of a data set, or on images fused by a method."""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uaabench import imaging, weights
from uaabench.errors import DataError, UaabenchError, UsageError
from uaabench.interface import ByteImage, FusionDataset, Pair
from uaabench.plan import find_image
from uaabench.segmentation.protocols import Protocol
from uaabench.segmentation.segmenters import SegmenterCard, config_file, quiet, without_downloads
from uaabench.training.progress import claim

Counts = NDArray[np.int64]
MODALITIES = ("visible", "infrared", "both", "mix")


@dataclass(frozen=True, kw_only=True)
class SegmenterRecipe:
    """How a segmenter is trained.

    Attributes:
        network: Name of a built-in configuration, or path of a configuration file.
        steps: Optimiser steps: AdamW, linear warm-up over the first twentieth, then polynomial decay of power 0.9.
        batch: Crops in a step.
        crop: (height, width) of the crops.
        learning_rate: At its peak.
        seed: Seed of weights, crops and order.
        balanced: Weigh classes by the inverse square root of their share of the pixels, five times the mean at most;
            small objects are a few thousandths of a road scene.
        checkpoint_every: Steps between checkpoints, from which a killed training goes on.
    """

    network: str = "resnet18-segformer"
    steps: int = 1500
    batch: int = 8
    crop: tuple[int, int] = (224, 224)
    learning_rate: float = 2e-3
    seed: int = 0
    balanced: bool = True
    checkpoint_every: int = 250


# What a segmenter on `mix` is trained on: each pair in each of these ways.
MIX = ("visible", "infrared", "average")


def image_of(dataset: FusionDataset, pair: Pair, on: str) -> ByteImage:
    """The image of a pair that a segmenter sees: (H,W,3) uint8.

    Args:
        dataset: The data set.
        pair: The pair.
        on: `visible`; `infrared`, three times; `both`, the luminance of the visible image, infrared, and nothing;
            `average`, the mean of luminance and infrared in the colours of the visible image; or a folder of fused
            images.

    Raises:
        DataError: A file is missing or unreadable.
    """
    sources = dataset.read(pair)
    if on == "visible":
        return sources.vi
    if on == "infrared":
        return np.repeat(sources.ir[..., None], 3, axis=2)
    if on == "both":
        return np.stack([imaging.grey(sources.vi).astype(np.uint8), sources.ir, np.zeros_like(sources.ir)], axis=2)
    if on == "average":
        mean = np.rint((imaging.grey(sources.vi) + sources.ir) / 2).astype(np.uint8)
        return imaging.colourise(mean, sources.vi)
    path = find_image(Path(on), pair.id)
    if path is None:
        raise DataError(f"There is no fused image of the pair '{pair.id}' in {on}; add {pair.id}.png there.")
    fused = imaging.read_rgb(path)
    return imaging.colourise(fused[..., 0], sources.vi) if (fused == fused[..., :1]).all() else fused


@dataclass(frozen=True)
class TrainingImages:
    """What a segmenter is trained on.

    Attributes:
        dataset: Reads the pairs.
        pairs: Pairs with label maps.
        on: How it sees them; see `image_of`, or `mix` for `MIX`.
        protocol: Which label values count; the others are left out of the loss.
        described: What the card says of them.
    """

    dataset: FusionDataset
    pairs: Sequence[Pair]
    on: str
    protocol: Protocol
    described: str


def train(
    data: TrainingImages,
    recipe: SegmenterRecipe,
    folder: Path,
    report: Callable[[int, float], None] = lambda _step, _loss: None,
) -> Path:
    """Train a segmenter, or go on with a training that was killed, and export its weights and card.

    Args:
        data: On what.
        recipe: How.
        folder: Where images, checkpoints, log and the exported `segmenter.safetensors` go.
        report: Called every 50 steps with the number of the step and its loss.

    Returns:
        The exported file.

    Raises:
        UsageError: `on` is no modality and no folder, or the folder holds a training by another recipe.
        DataError: A pair has no label map.
    """
    on, protocol = data.on, data.protocol
    if on not in MODALITIES and not Path(on).is_dir():
        raise UsageError(f"'{on}' is neither one of {', '.join(MODALITIES)} nor a folder of fused images; check it.")
    facts = {"on": on, "pairs": [pair.id for pair in data.pairs], "protocol": protocol.name, "recipe": vars(recipe)}
    claim(folder, json.dumps(facts, indent=2, default=str) + "\n")
    counts = _write_images(data, folder / "data")
    started = time.monotonic()
    import torch
    from mmengine.config import Config
    from mmengine.runner import Runner

    model = without_downloads(Config.fromfile(config_file(recipe.network)).model, len(protocol.classes))
    if recipe.balanced:
        model["decode_head"]["loss_decode"]["class_weight"] = _balance(counts)
    with quiet():
        runner = Runner.from_cfg(Config(_configuration(model, recipe, folder)))
    _log_to_file(runner)
    runner.register_hook(_progress(recipe.steps, report), priority="LOW")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runner.train()
    card = SegmenterCard(
        name=f"{recipe.network} on {Path(on).name if on not in MODALITIES else on}",
        network=recipe.network,
        classes=protocol.classes,
        trained_on=data.described,
        protocol=protocol.name,
        steps=recipe.steps,
        seed=recipe.seed,
        recipe=_described(recipe),
        minutes=round((time.monotonic() - started) / 60, 1),
    )
    network: torch.nn.Module = runner.model
    return export(folder / "segmenter.safetensors", network, card)


def _described(recipe: SegmenterRecipe) -> str:
    balance = " with balanced classes" if recipe.balanced else ""
    return (
        f"cross-entropy{balance}, AdamW with peak learning rate {recipe.learning_rate}, batches of {recipe.batch} "
        f"crops of {recipe.crop[0]}x{recipe.crop[1]}; scaled by 1 to 2, flipped, distorted in colour; from scratch"
    )


def _log_to_file(runner: Any) -> None:
    """Write mmengine's log to its file only, without the thousands of lines of the initialisation."""
    with quiet():
        runner.model.init_weights()
    for handler in runner.logger.handlers:
        to_file = isinstance(handler, logging.FileHandler)
        handler.setLevel(logging.INFO if to_file else logging.ERROR)
    runner.logger.setLevel(logging.INFO)


def _progress(steps: int, report: Callable[[int, float], None]) -> Any:
    """A hook of mmengine that reports every 50 steps, and the last one."""
    from mmengine.hooks import Hook

    class Progress(Hook):  # type: ignore[misc,unused-ignore]
        """Its method has the signature that mmengine calls."""

        def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:  # noqa: ARG002
            """Report the step that was just made."""
            step = runner.iter + 1
            if step % 50 == 0 or step == steps:
                report(step, float(outputs["loss"]))

    return Progress()


def export(path: Path, network: Any, card: SegmenterCard) -> Path:
    """Write the weights of a segmenter in half precision, and its card beside them."""
    from dataclasses import asdict

    from safetensors.torch import save_file

    state = {key: value.half() if value.is_floating_point() else value for key, value in network.state_dict().items()}
    save_file({key: value.contiguous().cpu() for key, value in state.items()}, path)
    facts = asdict(card) | {"sha256": weights.sha256(path)}
    path.with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return path


def _write_images(data: TrainingImages, folder: Path) -> Counts:
    """Write images and label maps as mmsegmentation reads them; label values that do not count become 255.

    Returns:
        Number of pixels of each class.
    """
    dataset, on, protocol = data.dataset, data.on, data.protocol
    counts = np.zeros(len(protocol.classes), np.int64)
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for pair in data.pairs:
        label = dataset.read_label(pair)
        if label is None:
            raise DataError(f"The pair '{pair.id}' of {dataset.card.title} has no label map; a segmenter needs them.")
        left_out = (label == protocol.ignore) | (label < protocol.first)
        if (wrong := label[~left_out]).size and wrong.max() >= len(protocol.classes):
            raise DataError(
                f"{pair.label} has the value {wrong.max()}, but {protocol.name} has classes 0 to "
                f"{len(protocol.classes) - 1}; choose the protocol of this data set."
            )
        counts += np.bincount(label[~left_out], minlength=len(counts))
        for seen in MIX if on == "mix" else (on,):
            name = f"{pair.id}-{seen}.png" if on == "mix" else f"{pair.id}.png"
            imaging.write_png(folder / "images" / name, image_of(dataset, pair, seen))
            imaging.write_png(folder / "labels" / name, np.where(left_out, np.uint8(255), label))
    return counts


def _balance(counts: Counts) -> list[float]:
    """Weight of each class in the loss, of mean 1 over the pixels; 0 for a class without any."""
    share = counts / counts.sum()
    with np.errstate(divide="ignore"):
        weight = np.where(share > 0, 1 / np.sqrt(share), 0.0)
    weight = np.minimum(weight / (weight * share).sum(), 5.0)
    return [float(value) for value in weight]


def _configuration(model: Any, recipe: SegmenterRecipe, folder: Path) -> dict[str, Any]:
    """The configuration of the Runner."""
    warm_up = max(recipe.steps // 20, 1)
    pipeline = [
        {"type": "LoadImageFromFile"},
        {"type": "LoadAnnotations"},
        {"type": "RandomResize", "scale": recipe.crop[::-1], "ratio_range": (1.0, 2.0), "keep_ratio": True},
        {"type": "RandomCrop", "crop_size": recipe.crop, "cat_max_ratio": 0.9},
        {"type": "RandomFlip", "prob": 0.5},
        {"type": "PhotoMetricDistortion"},
        {"type": "PackSegInputs"},
    ]
    model["data_preprocessor"]["size"] = recipe.crop
    dataset = {
        "type": "BaseSegDataset",
        "data_root": str(folder / "data"),
        "data_prefix": {"img_path": "images", "seg_map_path": "labels"},
        "img_suffix": ".png",
        "seg_map_suffix": ".png",
        "reduce_zero_label": False,
        "pipeline": pipeline,
    }
    return {
        "default_scope": "mmseg",
        "model": model,
        "work_dir": str(folder / "mmengine"),
        "train_dataloader": {
            "batch_size": recipe.batch,
            "num_workers": 0,
            "sampler": {"type": "InfiniteSampler", "shuffle": True},
            "dataset": dataset,
        },
        "train_cfg": {"type": "IterBasedTrainLoop", "max_iters": recipe.steps, "val_interval": recipe.steps + 1},
        "optim_wrapper": {
            "type": "OptimWrapper",
            "optimizer": {"type": "AdamW", "lr": recipe.learning_rate, "weight_decay": 0.01},
            "clip_grad": {"max_norm": 5.0},
        },
        "param_scheduler": [
            {"type": "LinearLR", "start_factor": 0.01, "by_epoch": False, "begin": 0, "end": warm_up},
            {"type": "PolyLR", "power": 0.9, "eta_min": 0.0, "by_epoch": False, "begin": warm_up, "end": recipe.steps},
        ],
        "default_hooks": {
            "logger": {"type": "LoggerHook", "interval": 50, "log_metric_by_epoch": False},
            "checkpoint": {
                "type": "CheckpointHook",
                "by_epoch": False,
                "interval": recipe.checkpoint_every,
                "max_keep_ckpts": 2,
            },
        },
        "log_level": logging.getLevelName(logging.WARNING),
        "randomness": {"seed": recipe.seed},
        "resume": True,
        "visualizer": None,
    }


def labelled(dataset: FusionDataset, pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs whose label map is there and readable."""

    def has(pair: Pair) -> bool:
        try:
            return pair.label is not None and pair.label.is_file() and dataset.read_label(pair) is not None
        except UaabenchError:
            return False

    return [pair for pair in pairs if has(pair)]
