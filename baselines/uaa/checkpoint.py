"""Checkpoints of UAAFusion: ours as safetensors, and the layout of the authors' release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor, nn

from uaabench.baselines.uaa.config import RELEASED, UAAConfig
from uaabench.baselines.uaa.model import UAAModel
from uaabench.baselines.uaa.segmenter import is_built_in
from uaabench.core import weights
from uaabench.core.checkpoints import read_checkpoint, tensors_of
from uaabench.core.errors import WeightsError

State = Mapping[str, Tensor]


def read_model(path: Path, segmenter: str = "") -> UAAModel:
    """Read a model from a file; its shape is found in the file.

    Args:
        path: safetensors with the configuration in its metadata, or a torch file `{model_f, model_s}`.
        segmenter: The configuration file of the segmenter inside, where it is one of the user's.

    Raises:
        WeightsError: The file is neither, its entries do not fit the network, or it names a segmenter that is not built
            in: that is code, which does not run on the word of a file with weights.
    """
    if path.suffix == ".safetensors":
        state, config = weights.read(path)
        model = UAAModel(_named_by_the_user(UAAConfig.of(config), path, segmenter))
        _load(model, state, path)
        return model
    released = _read_released(path)
    model = UAAModel(released_config(released["model_f"], released["model_s"]))
    used = {key: value for key, value in released["model_f"].items() if not is_unused(key, model)}
    _load(model.model_f, used, path)
    _load(model.model_s, released["model_s"], path)
    return model


def _named_by_the_user(config: UAAConfig, path: Path, segmenter: str) -> UAAConfig:
    """The configuration with the segmenter that the user named, which has to be named where it is a file."""
    if is_built_in(config.segmenter):
        if segmenter:
            raise WeightsError(
                f"{path} has the segmenter '{config.segmenter}' inside; leave the option 'segmenter' out."
            )
        return config
    if not segmenter:
        raise WeightsError(
            f"{path} names the segmenter '{config.segmenter}', which is not built in: a configuration is code and runs "
            "only where you name it yourself, by the option 'segmenter' of 'uaa' in the configuration of a run."
        )
    return replace(config, segmenter=segmenter)


def released_config(fusion: State, segmenter: State) -> UAAConfig:
    """The shape of a released checkpoint, read off its entries; the released code takes no data step."""
    try:
        stages = len(fusion["alpha"])
        channels = len(fusion["blockflow.0.conv1.conv_unit.0.bias"])
        classes = len(segmenter["cls_conv.bias"])
    except KeyError as error:
        raise WeightsError(f"The checkpoint is no UAAFusion release: it has no entry {error}.") from error
    return replace(RELEASED, stages=stages, channels=channels, classes=classes)


def is_unused(key: str, model: UAAModel) -> bool:
    """Whether an entry of a release belongs to what never reaches the fused image."""
    last = f"blockflow.{model.config.stages - 1}."
    return key.startswith(("init_conv_f0.", *(last + part for part in ("lstm.", "conv5.", "conv6."))))


def _read_released(path: Path) -> dict[str, State]:
    content = read_checkpoint(path, "UAAFusion")
    if not isinstance(content, dict) or not {"model_f", "model_s"} <= content.keys():
        raise WeightsError(f"{path} is no UAAFusion checkpoint: it must hold 'model_f' and 'model_s'.")
    return {part: tensors_of(content[part], path, "UAAFusion") for part in ("model_f", "model_s")}


def _load(module: nn.Module, state: State, path: Path) -> None:
    try:
        module.load_state_dict(dict(state))
    except RuntimeError as error:
        problem = " ".join(str(error).split())[:300]
        raise WeightsError(f"{path} does not fit the UAAFusion network: {problem}") from error
