"""Segmenters: networks of mmsegmentation by name or by configuration file, with their weights."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from uaabench.core import weights
from uaabench.core.arithmetic import arithmetic
from uaabench.core.arrays import ByteImage
from uaabench.core.errors import UsageError, WeightsError, unknown_name
from uaabench.judges.segmentation.checkpoint import read_state

if TYPE_CHECKING:
    import torch
    from torch import nn

CONFIGS = {
    "resnet18-segformer": "resnet18_segformer.py",
    "fast-scnn": "fast_scnn.py",
    "segformer-b0": "segformer_b0.py",
    "segformer-b3": "segformer_b3.py",
    "deeplabv3plus-r50": "deeplabv3plus_r50.py",
}


@dataclass(frozen=True, kw_only=True)
class SegmenterCard:
    """What a trained segmenter is.

    Attributes:
        name: How tables name it: its network and the images it was trained on.
        network: Name of its configuration, or the path of a configuration file, which the user has to name again.
        classes: Classes it tells apart, in the order of their label values.
        trained_on: The images it was trained on: data set, split, modality, number of pairs.
        protocol: Protocol by which training counted classes.
        steps: Optimiser steps.
        seed: Seed of the training.
        recipe: Loss, schedule and augmentation.
        validation: mIoU on held-out images during training, and which they were.
        minutes: Training time.
        version: Raised whenever its predictions change.
        sha256: Hash of its weights; filled in by `export`.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = weights.ONLY_ITS_ENTRIES

    name: str
    network: str
    classes: tuple[str, ...]
    trained_on: str
    protocol: str
    steps: int
    seed: int
    recipe: str
    validation: str = ""
    minutes: float = 0.0
    version: int = 1
    sha256: str = field(default="")


@dataclass(frozen=True)
class SegmenterFile:
    """A segmenter as the command line names it: a configuration, its weights, and its card where there is one."""

    config: Path
    weights: Path
    sha256: str
    card: SegmenterCard | None

    @property
    def name(self) -> str:
        """How tables name it."""
        return self.card.name if self.card else f"{self.config.stem}@{self.weights.stem}"


def config_file(network: str) -> Path:
    """The mmsegmentation configuration of a network: built in by name, or a file that the user names.

    Such a file is code: it may only come from the user, never from a card, and using it is said once.

    Raises:
        UsageError: There is neither.
    """
    path = Path(network).expanduser()
    if path.suffix == ".py":
        if not path.is_file():
            raise UsageError(f"There is no segmenter configuration {path}; check the path.")
        _say_that_it_runs(path.resolve())
        return path
    if network not in CONFIGS:
        raise unknown_name("segmenter", network, CONFIGS)
    return Path(__file__).parent / "configs" / CONFIGS[network]


@cache
def _say_that_it_runs(config: Path) -> None:
    print(f"uaabench: {config} is Python code and runs with your rights.", file=sys.stderr)


def resolve(named: str) -> SegmenterFile:
    """Find a trained segmenter.

    Args:
        named: `demo` for the shipped one, a `.safetensors` file that `uaabench train segmenter` exported, or
            `network@checkpoint` with a built-in network or configuration file and an mmsegmentation checkpoint or
            such a `.safetensors` file.

    Raises:
        UsageError: There is no such network or file.
        WeightsError: The exported file has no card beside it, or its card names a network that is not built in.
    """
    network, at, checkpoint = named.rpartition("@")
    if at:
        path = Path(checkpoint).expanduser()
        if not path.is_file():
            raise UsageError(f"There is no segmenter checkpoint {path}; check the path.")
        card = read_card(path) if path.suffix == ".safetensors" else None
        return SegmenterFile(config_file(network), path, card.sha256 if card else weights.sha256(path), card)
    if named in CONFIGS or named.endswith(".py"):
        config_file(named)
        raise UsageError(
            f"'{named}' is a network without weights; name its checkpoint, {named}@CHECKPOINT.pth, or train it: "
            f"uaabench train segmenter --segmenter {named}"
        )
    path = shipped(named) or Path(named).expanduser()
    if path.suffix != ".safetensors" or not path.is_file():
        raise UsageError(
            f"There is no trained segmenter '{named}'; name a shipped one ({', '.join(shipped_names())}), a file "
            "exported by 'uaabench train segmenter', or CONFIG@CHECKPOINT."
        )
    card = read_card(path)
    if card.network not in CONFIGS:
        raise WeightsError(
            f"The card of {path} names the network '{card.network}', which is not built in: a configuration is code "
            f"and runs only where you name it yourself, as CONFIG.py@{path}"
        )
    return SegmenterFile(config_file(card.network), path, card.sha256, card)


def shipped_folder() -> Path:
    """Where the weights of segmenters that come with the package lie, each with its card."""
    return Path(__file__).parent / "weights"


def shipped_names() -> list[str]:
    """Names of the segmenters that come with the package: the data sets they are for."""
    return sorted(path.stem for path in shipped_folder().glob("*.safetensors"))


def shipped(name: str) -> Path | None:
    """File of a shipped segmenter, or None."""
    path = shipped_folder() / f"{name}.safetensors"
    return path if path.is_file() else None


def read_card(path: Path) -> SegmenterCard:
    """Read the card beside exported weights.

    Raises:
        WeightsError: It is missing or is no card.
    """
    return weights.read_card(SegmenterCard, path.with_suffix(".json"))


class Segmenter:
    """A trained network that turns images into label maps.

    Args:
        file: What to load.
        classes: Classes of the data set it will be used on, in the order of their label values.
        device: Where to run.
        precision: Arithmetic of the network, `fp32` or `bf16`.

    Raises:
        UsageError: It tells other classes apart.
        WeightsError: The weights do not fit.
    """

    def __init__(
        self, file: SegmenterFile, classes: Sequence[str], device: torch.device, precision: str = "fp32"
    ) -> None:
        if file.card and file.card.classes != tuple(classes):
            raise UsageError(
                f"The segmenter {file.name} tells {len(file.card.classes)} classes apart that are not the "
                f"{len(classes)} of this data set; train one on it: uaabench train segmenter --dataset NAME"
            )
        self.device = device
        self._precision = precision
        self._name = file.name
        self.network, self._shift = _load(file, len(classes))
        self.network.to(device).eval()
        self._test_step: Callable[[Any], Any] = cast("Any", self.network).test_step

    def predict(self, images: Sequence[ByteImage]) -> list[ByteImage]:
        """Segment images: (H,W,3) RGB uint8 each, of any sizes, to (H,W) label values; one size goes as one batch.

        Raises:
            WeightsError: The scores of an image are not finite, so that the class with the greatest means nothing.
        """
        import torch
        from mmseg.structures import SegDataSample

        found: list[ByteImage | None] = [None] * len(images)
        by_size: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, image in enumerate(images):
            by_size[image.shape].append(index)
        for (height, width, _), indices in by_size.items():
            facts = {"ori_shape": (height, width), "img_shape": (height, width), "pad_shape": (height, width)}
            inputs = [torch.from_numpy(np.ascontiguousarray(images[i][..., ::-1].transpose(2, 0, 1))) for i in indices]
            batch = {"inputs": inputs, "data_samples": [SegDataSample(metainfo=facts) for _ in indices]}
            with torch.inference_mode(), arithmetic(self.device, self._precision):
                results = self._test_step(batch)
            for index, result in zip(indices, results, strict=True):
                self._require_finite(result)
                label = result.pred_sem_seg.data[0].cpu().numpy().astype(np.uint8)
                found[index] = label + np.uint8(self._shift)
        return [label for label in found if label is not None]

    def _require_finite(self, result: Any) -> None:
        scores = result.seg_logits.data
        if not scores.isfinite().all():
            raise WeightsError(
                f"The segmenter {self._name} finds scores that are NaN or infinite; its weights are damaged or its "
                "training diverged, take others."
            )


def build(config: Path, classes: int) -> nn.Module:
    """Build an untrained network with so many classes; a pre-trained part is never downloaded.

    As in mmengine, a `data_preprocessor` beside the model is the model's where it has none itself.

    Raises:
        UsageError: The file is no configuration of a segmentation model.
    """
    from mmengine.config import Config

    with quiet():
        from mmseg.registry import MODELS
        from mmseg.utils import register_all_modules

        register_all_modules(init_default_scope=True)
        try:
            content: Any = Config.fromfile(config)
            model = content.model
            if "data_preprocessor" in content:
                model.setdefault("data_preprocessor", content.data_preprocessor)
            network: nn.Module = MODELS.build(without_downloads(model, classes))
        except (Exception, SystemExit) as error:  # the file is code, and may do anything
            raise UsageError(
                f"{config} is not an mmsegmentation configuration with a 'model' that can be built: "
                f"{type(error).__name__}: {error}."
            ) from error
    return network


def without_downloads(model: Any, classes: int) -> Any:
    """The configuration of a model with so many classes and without links to pre-trained weights or SyncBN."""
    for part in (model, model.get("backbone", {})):
        part.pop("pretrained", None)
        part.pop("init_cfg", None)
    heads = [model["decode_head"], model.get("auxiliary_head") or []]
    for head in (entry for group in heads for entry in (group if isinstance(group, (list, tuple)) else [group])):
        head["num_classes"] = classes
        head.pop("out_channels", None)
    _replace_norm(model)
    return model


def _replace_norm(node: Any) -> None:
    """SyncBN needs several GPUs; on one device BN is the same."""
    if isinstance(node, dict):
        if node.get("type") == "SyncBN":
            node["type"] = "BN"
        for value in node.values():
            _replace_norm(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            _replace_norm(value)


def _load(file: SegmenterFile, classes: int) -> tuple[nn.Module, int]:
    """The network with its weights, and what must be added to its predictions (1 where it knows no class 0)."""
    if file.card:
        state, _ = weights.read(file.weights)
    else:
        state = read_state(file.weights)
    known = next((len(value) for key, value in state.items() if key.endswith("decode_head.conv_seg.bias")), classes)
    if known not in (classes, classes - 1):
        raise UsageError(
            f"The segmenter {file.name} tells {known} classes apart, but the data set has {classes}; "
            "train one on it: uaabench train segmenter --dataset NAME"
        )
    network = build(file.config, known)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(
            f"The weights {file.weights} do not fit {file.config}: {str(error).splitlines()[-1].strip()}"
        ) from error
    return network, classes - known


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep mmengine, which says thousands of lines while it builds a model, from printing them."""
    from mmengine.logging import MMLogger

    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
