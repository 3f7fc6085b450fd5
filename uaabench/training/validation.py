"""Metrics of held-out pairs during a training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from uaabench import imaging
from uaabench.baselines.uaa import stretch
from uaabench.baselines.uaa.model import UAAModel
from uaabench.interface import FusionDataset, Pair, luminance
from uaabench.metrics.profiles import profile

METRICS = ("EN", "SD", "SF", "VIF", "Qabf", "SCD")


def validate(model: UAAModel, items: Sequence[tuple[FusionDataset, Pair]], device: torch.device) -> dict[str, float]:
    """Fuse pairs as a run would, and give the mean of each metric of the profile `cddfuse`.

    Args:
        model: A model in evaluation mode.
        items: Pairs with the data sets that read them.
        device: Where the model is.
    """
    convention = profile("cddfuse")
    metrics = convention.select(METRICS)
    rows = []
    for dataset, pair in items:
        sources = dataset.read(pair)
        ir, vi = imaging.to_tensor(sources.ir).to(device), imaging.to_tensor(sources.vi).to(device)
        with torch.no_grad():
            fused = stretch(model(ir, luminance(vi)).image)
        rows.append([value.value for value in convention.score(imaging.quantise(fused)[0], sources, metrics)])
    return dict(zip(METRICS, np.mean(rows, axis=0).tolist(), strict=True))
