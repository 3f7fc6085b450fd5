"""Profiles: complete, versioned conventions for computing metrics; numbers of two profiles never share a table.

A profile maps each metric name to the `Metric` that computes it under this convention, so that one name, such as VIF,
may stand for another formula in another profile.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from uaabench import imaging
from uaabench.errors import DataError, unknown_name
from uaabench.interface import ByteImage, FloatImage, Metric, Sources
from uaabench.metrics import METRICS, find


@dataclass(frozen=True, slots=True)
class Value:
    """What one metric says of one fused image: a number, or the reason why there is none.

    Attributes:
        metric: Name of the metric.
        value: The number; NaN unless the status is ok.
        status: ok, undefined (the metric has no value for these images) or failed (its code raised an error).
        reason: Why there is no number; empty if there is one.
    """

    metric: str
    value: float
    status: Literal["ok", "undefined", "failed"] = "ok"
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A convention for computing metrics.

    Attributes:
        name: Name on the command line.
        version: Raised whenever its numbers change; part of every cache key.
        summary: Whose convention it is, in one sentence.
        reader: How files become grey images.
        metrics: The metrics by name, in the order of tables.
        aggregation: How the values of the pairs become one.
        rounding: What is rounded where.
        undefined: What happens where a formula is 0/0.
        reference: The implementation that its numbers equal.
    """

    name: str
    version: int
    summary: str
    reader: str
    metrics: Mapping[str, Metric]
    aggregation: str
    rounding: str
    undefined: str
    reference: str

    def select(self, names: Iterable[str] | None = None) -> tuple[Metric, ...]:
        """Look up metrics by name, in any letter case, in the given order and each once; None selects all.

        Metrics from plugins and entry points can be named too.

        Raises:
            UsageError: This profile has no such metric.
        """
        if names is None:
            return tuple(self.metrics.values())
        from uaabench.registry import extra_metrics

        known = {**extra_metrics(), **self.metrics}
        return tuple({metric.name: metric for metric in (find(name, known) for name in names)}.values())

    def key(self, metrics: Iterable[Metric]) -> dict[str, Any]:
        """Describe for cache keys what decides the numbers: this profile, the metrics and their versions."""
        return {"name": self.name, "version": self.version, "metrics": {m.name: m.version for m in metrics}}

    def score(self, fused: ByteImage, sources: Sources, metrics: Sequence[Metric]) -> list[Value]:
        """Compute metrics of one fused image.

        Args:
            fused: The fused image, (H,W) grey or (H,W,3) RGB uint8.
            sources: The pair it was fused from.
            metrics: What to compute, from `select`.

        Returns:
            One value for each metric, in order.

        Raises:
            DataError: The three images differ in size.
        """
        images = _grey(fused), _grey(sources.ir), _grey(sources.vi)
        _check_sizes(*images)
        return [_value(metric, *images) for metric in metrics]


def profile(name: str) -> Profile:
    """Find a profile by its name.

    Raises:
        UsageError: There is no such profile.
    """
    if name not in PROFILES:
        raise unknown_name("profile", name, PROFILES)
    return PROFILES[name]


def _grey(image: ByteImage) -> FloatImage:
    return image.astype(np.float64) if image.ndim == 2 else imaging.grey(image)


def _check_sizes(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> None:
    if not fused.shape == ir.shape == vi.shape:
        raise DataError(
            f"The fused image is {imaging.size_text(fused)}, the infrared {imaging.size_text(ir)} and the visible "
            f"{imaging.size_text(vi)}; metrics need three images of one size."
        )


def _value(metric: Metric, fused: FloatImage, ir: FloatImage, vi: FloatImage) -> Value:
    if min(fused.shape) < metric.min_size:
        reason = f"{imaging.size_text(fused)} is smaller than the {metric.min_size}x{metric.min_size} it needs"
        return Value(metric.name, math.nan, "undefined", reason)
    try:
        value = float(metric.compute(fused, ir, vi))
    except Exception as error:  # a metric of a plugin may raise anything; the others still count
        return Value(metric.name, math.nan, "failed", f"{type(error).__name__}: {error}")
    return (
        Value(metric.name, math.nan, "undefined", metric.undefined) if math.isnan(value) else Value(metric.name, value)
    )


CDDFUSE = Profile(
    name="cddfuse",
    version=1,
    summary="The conventions of CDDFuse's evaluator, which most papers of this line of work use.",
    reader=(
        "Decode to BGR by OpenCV, turn to grey by BT.601 (0.299 R + 0.587 G + 0.114 B) in float32, round half to even; "
        "float64 grey levels 0..255 from there on."
    ),
    metrics=METRICS,
    aggregation="arithmetic mean over the pairs that have a value",
    rounding="none before a table is printed",
    undefined="VIF of a source without structure (0/0) counts as 1; any other 0/0 is a missing value with its reason",
    reference="Zhaozixiang1228/MMIF-CDDFuse utils/Evaluator.py, computed in float64",
)

PROFILES: dict[str, Profile] = {entry.name: entry for entry in (CDDFUSE,)}
