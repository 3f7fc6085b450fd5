"""The contracts of what a table shows: metrics of an image, and measures of a whole data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from uaabench.core.arrays import Counts, FloatImage, Values


def _itself(image: FloatImage) -> FloatImage:
    return image


def _all_rows(features: Any, _rows: slice) -> Any:
    return features


def _nothing() -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Column:
    """What a table needs to know of a number it shows: a metric of an image, or a measure of a whole data set.

    Attributes:
        name: Name in tables, on the command line and in records, for example `Qabf`.
        title: Full name.
        higher_is_better: Direction.
        range: Lower and upper limit.
        gameable_by_noise: Whether adding noise to the fused image can raise it.
        version: Raised whenever its numbers change; part of every cache key.
        reference: Where it was published.
        formula: The definition in one line, of F (fused), A (infrared), B (visible) or X (a source).
        note: How it departs from that definition, and anything a reader must know.
    """

    name: str
    title: str
    higher_is_better: bool
    range: tuple[float, float]
    gameable_by_noise: bool
    version: int
    reference: str
    formula: str = ""
    note: str = ""


def column_facts(column: Column) -> dict[str, Any]:
    """What a table needs to know of a column, as JSON values."""
    return {entry.name: getattr(column, entry.name) for entry in fields(Column)}


@dataclass(frozen=True, kw_only=True)
class Summed:
    """The `compute` of a metric made of sums over pixels that look at no more than the rows around them.

    So a large image can be scored strip by strip, each with the rows around it, without room for features of all of it.

    Attributes:
        sums: `sums(fused, ir, vi)` on what `features` makes of three images: the sums over their pixels, an array (N,).
        value: The metric of those sums over all pixels; NaN where it is undefined.
        border: How many rows around a pixel what is summed there depends on.
        step: Strips begin at multiples of so many rows, for features that take only every so many.
        inner: `inner(features, rows)`, the features of a strip without those of its border, which lack what lies
            beyond it, given the rows (first, one after the last) that count; features themselves unless given.
    """

    sums: Callable[[Any, Any, Any], FloatImage]
    value: Callable[[FloatImage], float]
    border: int
    step: int = 1
    inner: Callable[[Any, slice], Any] = _all_rows

    def __call__(self, fused: Any, ir: Any, vi: Any) -> float:
        """The metric of three images, given by their features."""
        return self.value(self.sums(fused, ir, vi))


@dataclass(frozen=True, kw_only=True)
class Metric(Column):
    """A fusion metric: a pure function and the facts a table needs about it.

    What depends on one image alone can be split off as `features`: it is computed once per image and shared by all
    metrics with the same function, and that of a source is shared by all methods that fuse it.

    Attributes:
        compute: `compute(fused, ir, vi)` on what `features` makes of the three images; NaN where it is undefined. Where
            it is a `Summed`, large images are scored strip by strip.
        features: Function of one float64 (H,W) grey image in 0..255; the image itself unless given.
        uses_sources: False for a metric of the fused image alone.
        joins_channels: Whether a profile that scores channels one by one lays those of a colour image side by side for
            this metric and scores them as one wide image; only for a metric of the fused image alone.
        min_size: Smallest height and width it is defined for.
        undefined: What makes it undefined, shown as the reason of a missing value.
        require: Called before a run; raises a WeightsError where what the metric needs from outside is missing.
        experimental: Whether it must be asked for by name, as `all` leaves it out.
    """

    compute: Callable[[Any, Any, Any], float]
    features: Callable[[FloatImage], Any] = _itself
    uses_sources: bool = True
    joins_channels: bool = False
    min_size: int = 1
    undefined: str = "undefined (0/0) for these images"
    require: Callable[[], None] = _nothing
    experimental: bool = False

    def __call__(self, fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
        """Compute the metric of three float64 (H,W) grey images in 0..255; NaN where it is undefined."""
        return self.compute(self.features(fused), self.features(ir), self.features(vi))


@dataclass(frozen=True, kw_only=True)
class Measure(Column):
    """A measure of a whole data set, such as mIoU: it has no value for a pair, but each pair has its tally.

    What a stage finds in one fused image (a confusion matrix, the detections of each class) is the tally of that pair.
    The measure is a function of the tallies of any pairs, so that its interval and its paired comparison come from
    drawing pairs, by one piece of code for all measures: `uaabench.statistics.resampling`.

    Attributes:
        of: `of(tallies, counts, setting)` with the tallies of N pairs (JSON values), `counts` (R,N) how often each pair
            occurs in each of R draws, and the setting of the judge (JSON values by name); returns (R,) float64, NaN
            where the measure is undefined.
    """

    of: Callable[[Sequence[Any], Counts, Mapping[str, Any]], Values]
