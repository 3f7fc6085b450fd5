"""What a profile is, and how it scores: the fused images of one pair share what is computed of their sources."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np

from uaabench.core import imaging, registry
from uaabench.core.arrays import ByteImage
from uaabench.core.columns import Metric
from uaabench.core.errors import DataError, UaabenchError, UsageError, WeightsError, faults, sentence
from uaabench.core.interface import Sources
from uaabench.metrics import find
from uaabench.metrics.profiles.planes import Plane, Planes
from uaabench.metrics.strips import in_strips, is_in_strips

ALL = "all"


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
        title: Name in prose.
        version: Raised whenever its numbers change; part of every cache key.
        summary: Whose convention it is, in one sentence.
        planes: Turns an (H,W,3) RGB uint8 image into the float64 (H,W) images that metrics see; several planes are
            scored one by one and averaged.
        reader: How files become such images, in words.
        scale: Range of the values that formulas see.
        rounding: What is rounded where.
        sources: How the values towards the two sources become one.
        logarithm: Base of the logarithms.
        ssim: Window and range of SSIM; empty where there is none.
        undefined: What happens where a formula is 0/0.
        aggregation: How the values of the pairs become one.
        reference: The implementation that its numbers equal.
        omitted: What that implementation has and this profile does not, and why.
        metrics: The metrics by name, in the order of tables.
        headline: The metrics of a table unless others are named.
    """

    name: str
    title: str
    version: int
    summary: str
    planes: Callable[[ByteImage], Planes]
    reader: str
    scale: str
    rounding: str
    sources: str
    logarithm: str
    ssim: str
    undefined: str
    reference: str
    metrics: Mapping[str, Metric]
    headline: Sequence[str]
    omitted: str = ""
    aggregation: str = "arithmetic mean over the pairs that have a value"

    def select(self, names: Iterable[str] | None = None) -> tuple[Metric, ...]:
        """Look up metrics by name, in any letter case, in the given order and each once.

        Args:
            names: Names of metrics, also of those from plugins and entry points; `all` stands for the whole profile
                but for experimental metrics and those that need weights which are not there. None selects the headline.

        Raises:
            UsageError: This profile has no such metric.
            WeightsError: A metric that is named needs weights which are not there.
        """
        if names is None:
            return self.look_up(self.headline)
        named = [part for name in names for part in (self._ready() if name.lower() == ALL else [name])]
        chosen = self.look_up(named)
        for metric in chosen:
            _require(metric)
        return chosen

    def look_up(self, names: Iterable[str]) -> tuple[Metric, ...]:
        """Find metrics by name as `select` does, whether or not they could be computed here.

        Raises:
            UsageError: This profile has no such metric.
        """
        known = {**registry.extra_metrics(), **self.metrics}
        return tuple({metric.name: metric for metric in (self._find(name, known) for name in names)}.values())

    def _ready(self) -> list[str]:
        return [metric.name for metric in self.metrics.values() if not metric.experimental and _is_ready(metric)]

    def _find(self, name: str, known: Mapping[str, Metric]) -> Metric:
        try:
            return find(name, known)
        except UsageError as error:
            elsewhere = [profile.name for profile in having(name)]
            if not elsewhere:
                raise
            raise UsageError(
                f"The profile '{self.name}' has no metric '{name}'; it is in --profile {' or '.join(elsewhere)}."
            ) from error

    def key(self, metrics: Iterable[Metric]) -> dict[str, Any]:
        """Describe for cache keys what decides the numbers: this profile, the metrics and their versions."""
        return {"name": self.name, "version": self.version, "metrics": {m.name: m.version for m in metrics}}

    def prepare(self, sources: Sources) -> Scene:
        """Read the sources of a pair as this profile does, so that any number of fused images can be scored."""
        return Scene(self, sources)

    def score(self, fused: ByteImage, sources: Sources, metrics: Sequence[Metric]) -> list[Value]:
        """Compute metrics of one fused image.

        Args:
            fused: The fused image, (H,W) grey or (H,W,3) RGB uint8.
            sources: The pair it was fused from.
            metrics: What to compute, from `select`.

        Returns:
            One value for each metric, in order.

        Raises:
            DataError: The three images differ in size, or are not of 8 bit.
        """
        return self.prepare(sources).score(fused, metrics)

    def read(self, image: ByteImage) -> list[Plane]:
        """The planes of an (H,W) or (H,W,3) uint8 image; an image with three equal channels has one.

        Raises:
            DataError: The image is not of 8 bit.
        """
        if image.dtype != np.uint8 or image.ndim not in (2, 3):
            raise DataError(
                f"An image to be scored must be grey or RGB of 8 bit, not of type {image.dtype} and shape "
                f"{image.shape}; convert it to grey levels 0 to 255."
            )
        if image.ndim == 2:
            return [Plane(image.astype(np.float64))]
        return [Plane(plane) for plane in self.planes(image)]


# All profiles by name; the package fills it, so that what is missing in one profile can be said to be in another.
PROFILES: dict[str, Profile] = {}


def having(name: str) -> list[Profile]:
    """The profiles that have a metric of this name."""
    found = []
    for entry in PROFILES.values():
        try:
            find(name, entry.metrics)
        except UsageError:
            continue
        found.append(entry)
    return found


def _require(metric: Metric) -> None:
    try:
        metric.require()
    except UaabenchError:
        raise
    except Exception as error:  # a plugin may raise anything
        raise UsageError(
            f"The metric '{metric.name}' cannot be computed here: {sentence(error)}; mend it, or leave it out."
        ) from error


def _is_ready(metric: Metric) -> bool:
    try:
        metric.require()
    except WeightsError:
        return False
    return True


class Scene:
    """The two sources of a pair under a profile, with what metrics computed of them.

    Args:
        convention: The profile.
        sources: The pair.

    Raises:
        DataError: The sources are not of 8 bit.
    """

    def __init__(self, convention: Profile, sources: Sources) -> None:
        self._profile = convention
        self.ir, self.vi = convention.read(sources.ir), convention.read(sources.vi)

    def read(self, fused: ByteImage) -> list[Plane]:
        """The planes of a fused image.

        Raises:
            DataError: It differs in size from the sources, or is not of 8 bit.
        """
        planes = self._profile.read(fused)
        image, ir, vi = (entry[0].image for entry in (planes, self.ir, self.vi))
        if not image.shape == ir.shape == vi.shape:
            raise DataError(
                f"The fused image is {imaging.size_text(image)}, the infrared {imaging.size_text(ir)} and the visible "
                f"{imaging.size_text(vi)}; metrics need three images of one size."
            )
        return planes

    def score(self, fused: ByteImage, metrics: Sequence[Metric]) -> list[Value]:
        """Compute metrics of one fused image of this pair; see `Profile.score`."""
        return self.score_all([self.read(fused)], metrics)[0]

    def score_all(self, fused: Iterable[list[Plane]], metrics: Sequence[Metric]) -> list[list[Value]]:
        """Compute metrics of several fused images of this pair, from `read`: for each image a value for each metric.

        They are taken one after the other, so that only one of them need be in memory.
        """
        return [[self.value(metric, planes) for metric in metrics] for planes in fused]

    def value(self, metric: Metric, fused: list[Plane]) -> Value:
        """Compute one metric, plane by plane, a grey image beside a colour one counting as each of its planes."""
        size = imaging.size_text(fused[0].image)
        if min(fused[0].image.shape) < metric.min_size:
            reason = f"{size} is smaller than the {metric.min_size}x{metric.min_size} it needs"
            return Value(metric.name, math.nan, "undefined", reason)
        try:
            # Where a formula divides by zero is said by the NaN or infinity that comes out, not by a warning.
            with np.errstate(all="ignore"):
                values = [self._compute(metric, triple) for triple in self._triples(metric, fused)]
            return value_of(metric, float(np.mean(values)))
        # A metric of a plugin may raise anything, and may even exit; the others still count.
        except faults() as error:
            return Value(metric.name, math.nan, "failed", sentence(error))

    def _triples(self, metric: Metric, fused: list[Plane]) -> Iterable[tuple[Plane, ...]]:
        """Fused, infrared and visible plane: as many triples as the metric scores one by one."""
        if metric.joins_channels:
            return [(_side_by_side(fused), self.ir[0], self.vi[0])]
        count = max(len(planes) for planes in (fused, self.ir, self.vi))
        full = (planes if len(planes) == count else planes * count for planes in (fused, self.ir, self.vi))
        return zip(*full, strict=True)

    def _compute(self, metric: Metric, triple: tuple[Plane, ...]) -> float:
        height, width = triple[0].image.shape
        if is_in_strips(metric, (height, width)):
            number = in_strips(metric, *(plane.image for plane in triple))
        else:
            is_own = self._profile.metrics.get(metric.name) is metric
            number = metric.compute(
                *(plane.of(metric.features) if is_own else plane.copy_of(metric.features) for plane in triple)
            )
        if isinstance(number, bool) or not isinstance(number, Real):
            raise TypeError(f"{metric.name} returned {_described(number)} instead of a number")
        return float(number)


def value_of(metric: Metric, number: float) -> Value:
    """The value of a metric that gave this number; NaN and infinity mean that it is undefined."""
    if math.isfinite(number):
        return Value(metric.name, number)
    said = metric.undefined != Metric.undefined or math.isnan(number)
    return Value(metric.name, math.nan, "undefined", metric.undefined if said else "infinite for these images")


def _side_by_side(planes: list[Plane]) -> Plane:
    """The channels of an image as one wide image."""
    return planes[0] if len(planes) == 1 else Plane(np.hstack([plane.image for plane in planes]))


def _described(value: object) -> str:
    """What a metric returned that is no number, in few words."""
    shape = getattr(value, "shape", None)
    of_shape = f" of shape {tuple(shape)}" if shape is not None else ""
    return "None" if value is None else f"a value of type {type(value).__name__}{of_shape}"
