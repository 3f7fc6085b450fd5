"""Reads the segmenter of roads that comes with the package, or another of its kind."""

from __future__ import annotations

from pathlib import Path

from uaabench.baselines.uaa.layers import use_channels_last
from uaabench.baselines.uaa.road import CLASSES, RoadSegmenter
from uaabench.core import weights
from uaabench.core.errors import WeightsError

NAME = "road"


def read_shipped() -> RoadSegmenter:
    """The shipped segmenter; see `read_segmenter`.

    Raises:
        WeightsError: Its file is missing, or is not that of its card.
    """
    path, card = weights.shipped(NAME), weights.shipped_card(NAME)
    if path is None or card is None:
        raise WeightsError("The segmenter of roads is missing from the package; install uaabench again.")
    weights.ResolvedWeights(path, card.sha256).verify()
    return read_segmenter(path)


def read_segmenter(path: Path) -> RoadSegmenter:
    """A segmenter of roads from a file that `train.export` wrote: in eval mode, frozen, channels last.

    Raises:
        WeightsError: The file is something else.
    """
    state, config = weights.read(path)
    if config.get("segmenter") != NAME or config.get("classes") != list(CLASSES):
        raise WeightsError(f"{path} holds no segmenter of roads; name a file of uaabench.baselines.uaa.roads.train.")
    segmenter = RoadSegmenter()
    try:
        segmenter.load_state_dict(state)
    except RuntimeError as error:
        problem = " ".join(str(error).split())[:300]
        raise WeightsError(f"{path} does not fit the segmenter of roads: {problem}") from error
    use_channels_last(segmenter)
    return segmenter.eval().requires_grad_(False)
