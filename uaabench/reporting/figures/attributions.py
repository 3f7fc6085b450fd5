"""What each image contributes to each region: grouped bars, which are the legend of the regions too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from uaabench.core.interface import LabelClass
from uaabench.methods.explanation import Explanation
from uaabench.reporting.figures.style import INK, plain

COLOURS = {"infrared": "#cc3311", "visible": "#33bbee", "fused": "#777777"}
# In inches: the bars, and the lines below them.
BARS, LINES = 0.95, 0.52
# With more regions than this, names are written smaller and in two lines.
MANY = 9


def present(explained: Explanation) -> list[int]:
    """Classes that have a region."""
    return [int(label) for label in np.unique(explained.regions)]


def draw_attributions(axes: Axes, explained: Explanation, classes: Sequence[LabelClass]) -> None:
    """Draw bars of a_j for each region, and below them its colour, its name, its share of the pixels and w_i.

    Args:
        axes: Where the bars go; the lines below them stand outside.
        explained: The explanation.
        classes: Names and colours of the classes.
    """
    labels = present(explained)
    group = min(0.8, 0.1 * len(labels))  # a few regions get no wider bars than many
    width = group / len(explained.attribution)
    highest = max(float(values[labels].max()) for values in explained.attribution.values())
    exponent = math.floor(math.log10(highest)) if highest > 0 else 0
    for number, (name, values) in enumerate(explained.attribution.items()):
        left = np.arange(len(labels)) - group / 2 + number * width
        axes.bar(left, values[labels], 0.9 * width, align="edge", color=COLOURS[name], label=name)
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.set_ylim(0, 1.05 * highest or 1)
    axes.set_xticks([])
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 10**exponent:g}"))
    axes.set_title(f"Attribution $a_j$ by region, in $10^{{{exponent}}}$, to the image", loc="left", pad=3)
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.38, 1), "borderaxespad": 0, "borderpad": 0.3}
    axes.legend(ncols=3, frameon=False, handlelength=1, columnspacing=1, handletextpad=0.5, **place)
    _describe(axes, explained, classes, labels)


def _describe(axes: Axes, explained: Explanation, classes: Sequence[LabelClass], labels: Sequence[int]) -> None:
    """Under each group of bars a line for the class, one for its share of the pixels, and one for its weight."""
    many = len(labels) > MANY
    size = 5.5 if many else 6.5
    depth = (-12, -25, -33) if many else (-9, -18, -27)
    for text, y in zip(("class $j$", "pixels", "$w_i$"), depth, strict=True):
        _write(axes, text, -0.62, y, size, "right")
    for place, label in enumerate(labels):
        inside = explained.regions == label
        name = plain(classes[label].name)
        shade = tuple(channel / 255 for channel in classes[label].colour)
        axes.scatter(
            [place], [0], marker="s", s=18, color=[shade], edgecolors=INK, linewidths=0.4, zorder=5, clip_on=False
        )
        texts = (
            name.replace(" ", "\n") if many else name,
            _percent(inside.mean()),
            f"{explained.weight_ir[inside].mean():.2f}",
        )
        for text, y in zip(texts, depth, strict=True):
            _write(axes, text, place, y, size, "center")


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 1e-3 else "<0.1%"


def _write(axes: Axes, text: str, x: float, y: float, size: float, side: str) -> None:
    """Write at a place of the axis, so many points below it."""
    axes.annotate(
        text,
        (x, 0),
        (0, y),
        xycoords=axes.get_xaxis_transform(),
        textcoords="offset points",
        ha=side,
        va="center" if "\n" in text else "center_baseline",
        fontsize=size,
        annotation_clip=False,
        linespacing=1.0,
    )
