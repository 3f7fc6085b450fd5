"""Weights of UAAFusion+: its fusion network; the segmenter is that of roads, which comes with the package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from uaabench.baselines.uaa.road import RoadSegmenter
from uaabench.baselines.uaa.roads import shipped
from uaabench.baselines.uaaplus.config import UAAPlusConfig
from uaabench.baselines.uaaplus.model import UAAPlusModel
from uaabench.core import weights
from uaabench.core.errors import WeightsError


def new_model(config: UAAPlusConfig) -> UAAPlusModel:
    """An untrained fusion network with the segmenter of roads.

    Raises:
        WeightsError: The segmenter is missing, or it is not the one of the configuration.
    """
    segmenter, sha256 = _segmenter()
    if config.segmenter_sha256 not in ("", sha256):
        raise WeightsError(
            f"UAAFusion+ was trained with another segmenter (weights '{shipped.NAME}', SHA-256 "
            f"{config.segmenter_sha256[:12]}…) than the one of this version ({sha256[:12]}…); train it again."
        )
    return UAAPlusModel(replace(config, segmenter_sha256=sha256), segmenter)


def read_model(path: Path) -> UAAPlusModel:
    """Read a model from a file that `uaabench train` wrote.

    Raises:
        WeightsError: The file is something else, or was trained with another segmenter.
    """
    state, config = weights.read(path)
    model = new_model(UAAPlusConfig.of(config))
    try:
        model.model_f.load_state_dict(state)
    except RuntimeError as error:
        problem = " ".join(str(error).split())[:300]
        raise WeightsError(f"{path} does not fit the UAAFusion+ network: {problem}") from error
    return model


def _segmenter() -> tuple[RoadSegmenter, str]:
    """The segmenter of roads and the hash of its weights, to which `read_shipped` holds the file."""
    segmenter = shipped.read_shipped()
    card = weights.shipped_card(shipped.NAME)
    assert card is not None
    return segmenter, card.sha256
