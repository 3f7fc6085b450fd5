"""Scoring on a GPU: the fused images of a pair in one batch, by the metrics that have a batched form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric
from uaabench.core.interface import Sources
from uaabench.metrics.batched import BatchedMetric, batched
from uaabench.metrics.profiles.base import Profile, Scene, Value, value_of
from uaabench.metrics.profiles.planes import Plane


class DeviceScene(Scene):
    """The two sources of a pair on a device; metrics without a batched form are computed on the processor.

    Args:
        convention: The profile.
        sources: The pair.
        device: As torch names it.
    """

    def __init__(self, convention: Profile, sources: Sources, device: str) -> None:
        super().__init__(convention, sources)
        self._device = torch.device(device)

    def score_all(self, fused: Iterable[list[Plane]], metrics: Sequence[Metric]) -> list[list[Value]]:
        """Compute metrics of several fused images of this pair at once; see `Scene.score_all`."""
        fused = list(fused)
        if not fused or any(len(planes) > 1 for planes in (*fused, self.ir, self.vi)):
            return super().score_all(fused, metrics)
        stack = self._tensor(np.stack([planes[0].image for planes in fused]))
        ir, vi = self._tensor(self.ir[0].image), self._tensor(self.vi[0].image)
        columns = {
            metric.name: compute(stack, ir, vi).tolist() for metric in metrics if (compute := self._batched(metric))
        }
        return [
            [
                value_of(metric, columns[metric.name][number]) if metric.name in columns else self.value(metric, planes)
                for metric in metrics
            ]
            for number, planes in enumerate(fused)
        ]

    def _batched(self, metric: Metric) -> BatchedMetric | None:
        """The batched form of a metric; None too for images that are too small, of which the processor says so."""
        return batched(metric) if min(self.ir[0].image.shape) >= metric.min_size else None

    def _tensor(self, image: FloatImage) -> torch.Tensor:
        # A copy, as torch would write into the plane, which is read-only.
        return torch.tensor(image, device=self._device)
