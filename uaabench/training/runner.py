"""How a segmenter is trained: the recipe, and the Runner of mmengine that carries it out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from uaabench.judges.segmentation.segmenters import config_file, quiet, without_downloads
from uaabench.training.images import Counts

Report = Callable[[int, float], None]

# mmsegmentation takes no hue_delta below 1, which is two degrees.
BRIGHTNESS_ONLY: dict[str, Any] = {"saturation_range": (1.0, 1.0), "hue_delta": 1}


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

    def described(self, *, colours: bool) -> str:
        """What a card says of it, by whether the channels of the images are colours."""
        balance = " with balanced classes" if self.balanced else ""
        return (
            f"cross-entropy{balance}, AdamW with peak learning rate {self.learning_rate}, batches of {self.batch} "
            f"crops of {self.crop[0]}x{self.crop[1]}; scaled by 1 to 2, flipped, "
            f"distorted in {'colour' if colours else 'brightness'}; from scratch"
        )


def build_runner(recipe: SegmenterRecipe, counts: Counts, folder: Path, report: Report, *, colours: bool) -> Any:
    """A Runner that trains a new network, or goes on from the last checkpoint that it finds.

    Args:
        recipe: How to train.
        counts: Number of pixels of each class in the training images.
        folder: Holds the images in `data`; checkpoints and log go to `mmengine` there.
        report: Called every 50 steps, and after the last one, with the number of the step and its loss.
        colours: Whether the channels are colours. Where they are two sources, a change of hue or saturation would mix
            what the segmenter is to tell apart, and only brightness and contrast vary.
    """
    from mmengine.config import Config
    from mmengine.runner import Runner

    model = without_downloads(Config.fromfile(config_file(recipe.network)).model, len(counts))
    if recipe.balanced:
        model["decode_head"]["loss_decode"]["class_weight"] = _balance(counts)
    with quiet():
        runner = Runner.from_cfg(Config(_configuration(model, recipe, folder, colours=colours)))
    _log_to_file(runner)
    for hook in _hooks(recipe, report):
        runner.register_hook(hook, priority="LOW")
    return runner


def _log_to_file(runner: Any) -> None:
    """Write mmengine's log to its file only, without the thousands of lines of the initialisation."""
    with quiet():
        runner.model.init_weights()
    for handler in runner.logger.handlers:
        to_file = isinstance(handler, logging.FileHandler)
        handler.setLevel(logging.INFO if to_file else logging.ERROR)
    runner.logger.setLevel(logging.INFO)


def _hooks(recipe: SegmenterRecipe, report: Report) -> list[Any]:
    """Hooks of mmengine: one that reports steps, and one that makes each step's chance its own."""
    from mmengine.hooks import Hook
    from mmengine.runner import set_random_seed

    class Progress(Hook):  # type: ignore[misc,unused-ignore]
        """Its method has the signature that mmengine calls."""

        def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:  # noqa: ARG002
            """Report the step that was just made."""
            step = runner.iter + 1
            if step % 50 == 0 or step == recipe.steps:
                report(step, float(outputs["loss"]))

    class Chance(Hook):  # type: ignore[misc,unused-ignore]
        """Seed each step by its number, so that a training that goes on draws what an undisturbed one would."""

        def before_train(self, runner: Any) -> None:
            """Seed the crops of the first step."""
            _seed(runner.iter)

        def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:  # noqa: ARG002
            """Seed the network, whose crops have been drawn."""
            _seed(runner.iter)

        def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:  # noqa: ARG002
            """Seed the crops of the next step."""
            _seed(runner.iter + 1)

    def _seed(step: int) -> None:
        set_random_seed((recipe.seed * 1_000_003 + step) % 2**32)

    return [Progress(), Chance()]


def _balance(counts: Counts) -> list[float]:
    """Weight of each class in the loss, of mean 1 over the pixels; 0 for a class without any."""
    share = counts / counts.sum()
    with np.errstate(divide="ignore"):
        weight = np.where(share > 0, 1 / np.sqrt(share), 0.0)
    weight = np.minimum(weight / (weight * share).sum(), 5.0)
    return [float(value) for value in weight]


def _configuration(model: Any, recipe: SegmenterRecipe, folder: Path, *, colours: bool) -> dict[str, Any]:
    """The configuration of the Runner."""
    warm_up = max(recipe.steps // 20, 1)
    pipeline = [
        {"type": "LoadImageFromFile"},
        {"type": "LoadAnnotations"},
        {"type": "RandomResize", "scale": recipe.crop[::-1], "ratio_range": (1.0, 2.0), "keep_ratio": True},
        {"type": "RandomCrop", "crop_size": recipe.crop, "cat_max_ratio": 0.9},
        {"type": "RandomFlip", "prob": 0.5},
        {"type": "PhotoMetricDistortion"} | ({} if colours else BRIGHTNESS_ONLY),
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
        "resume": (folder / "mmengine" / "last_checkpoint").is_file(),
        "visualizer": None,
    }
