"""Metrics of held-out pairs during a training."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from uaabench.core import imaging
from uaabench.core.interface import FusionDataset, Pair
from uaabench.metrics.profiles import profile

METRICS = ("EN", "SD", "SF", "VIF", "Qabf", "SCD")


def validate(
    fuse: Callable[[Tensor, Tensor], Tensor], items: Sequence[tuple[FusionDataset, Pair]], device: torch.device
) -> dict[str, float]:
    """Fuse pairs as a run would, and give the mean of each metric of the profile `cddfuse`.

    Args:
        fuse: Infrared (1,1,H,W) and visible RGB (1,3,H,W) in [0,1] to what `FusionMethod.fuse` gives.
        items: Pairs with the data sets that read them.
        device: Where `fuse` expects its images.
    """
    convention = profile("cddfuse")
    metrics = convention.select(METRICS)
    rows = []
    for dataset, pair in items:
        sources = dataset.read(pair)
        ir, vi = imaging.to_tensor(sources.ir).to(device), imaging.to_tensor(sources.vi).to(device)
        with torch.no_grad():
            fused = fuse(ir, vi)
        rows.append([value.value for value in convention.score(imaging.quantise(fused)[0], sources, metrics)])
    return dict(zip(METRICS, np.mean(rows, axis=0).tolist(), strict=True))
