"""Quality against latency: which methods are worth their time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from uaabench.reporting.figures.style import COLUMN, INK, add_caption, figure_style, plain

# Where a label may stand around its point: offsets in points and alignment, the preferred first.
PLACES = [
    (dx * reach, dy * reach, side)
    for reach in (1, 2, 3.5, 5)
    for dx, dy, side in (
        (5, 3, "left"),
        (5, -8, "left"),
        (-5, 3, "right"),
        (-5, -8, "right"),
        (0, 8, "center"),
        (0, -13, "center"),
    )
]


@dataclass(frozen=True, kw_only=True)
class Point:
    """One method: latency in milliseconds with its quartiles, quality with its interval; None where there is none."""

    title: str
    colour: str
    latency_ms: float
    latency_q1_ms: float | None
    latency_q3_ms: float | None
    quality: float
    low: float | None
    high: float | None


def tradeoff(points: Sequence[Point], *, xlabel: str, ylabel: str, higher_is_better: bool, caption: str = "") -> Figure:
    """A point for each method on a logarithmic axis of time, and the line of those that no other beats in both.

    Args:
        points: At least one method.
        xlabel: Name of the latency.
        ylabel: Name of the quality.
        higher_is_better: Direction of the quality.
        caption: Small print below the figure.
    """
    with figure_style():
        figure = Figure(figsize=(COLUMN, 2.6))
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        axes.set_xscale("log")
        best = front(points, higher_is_better=higher_is_better)
        axes.step(
            [point.latency_ms for point in best],
            [point.quality for point in best],
            where="post",
            color=INK,
            lw=0.6,
            ls=":",
        )
        for point in points:
            axes.errorbar(
                point.latency_ms,
                point.quality,
                xerr=_bars(point.latency_ms, point.latency_q1_ms, point.latency_q3_ms),
                yerr=_bars(point.quality, point.low, point.high),
                fmt="o",
                color=point.colour,
                markersize=4,
                elinewidth=0.7,
            )
        axes.set_xlabel(plain(xlabel))
        axes.set_ylabel(plain(ylabel))
        axes.margins(x=0.15, y=0.15)
        add_caption(figure, caption)
        _label(figure, axes, points)
    return figure


def front(points: Sequence[Point], *, higher_is_better: bool) -> list[Point]:
    """The methods that no other one beats in latency and quality both, fastest first."""
    sign = 1 if higher_is_better else -1
    best: list[Point] = []
    for point in sorted(points, key=lambda point: (point.latency_ms, -sign * point.quality)):
        if not best or sign * point.quality > sign * best[-1].quality:
            best.append(point)
    return best


def _bars(value: float, low: float | None, high: float | None) -> list[list[float]] | None:
    return None if low is None or high is None else [[max(value - low, 0)], [max(high - value, 0)]]


def _label(figure: Figure, axes: Axes, points: Sequence[Point]) -> None:
    """Write the titles beside their points, each at the first place where it covers no point and no other title."""
    figure.draw_without_rendering()
    marks = [axes.transData.transform((point.latency_ms, point.quality)) for point in points]
    taken = [Bbox.from_extents(x - 9, y - 9, x + 9, y + 9).expanded(0.6, 0.6) for x, y in marks]
    inside = axes.get_window_extent()
    for point in points:
        candidates = [_annotation(axes, point, place) for place in PLACES]
        boxes = [candidate.get_window_extent() for candidate in candidates]
        costs = [
            sum(_overlap(box, other) for other in taken) + 10 * _outside(box, inside) + place
            for place, box in enumerate(boxes)
        ]
        chosen = costs.index(min(costs))
        taken.append(boxes[chosen])
        for number, candidate in enumerate(candidates):
            if number != chosen:
                candidate.remove()


def _annotation(axes: Axes, point: Point, place: tuple[float, float, str]) -> Annotation:
    dx, dy, side = place
    return axes.annotate(
        plain(point.title),
        (point.latency_ms, point.quality),
        (dx, dy),
        textcoords="offset points",
        ha=side,
        fontsize=6.5,
        color=point.colour,
    )


def _overlap(box: Bbox, other: Bbox) -> float:
    common = Bbox.intersection(box, other)
    return 0.0 if common is None else 1000 + float(common.width * common.height)


def _outside(box: Bbox, frame: Bbox) -> float:
    beyond = (frame.x0 - box.x0, box.x1 - frame.x1, frame.y0 - box.y0, box.y1 - frame.y1)
    return float(sum(max(distance, 0.0) for distance in beyond))
