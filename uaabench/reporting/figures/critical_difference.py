"""Demsar's critical-difference diagram: mean ranks on a line, methods that are not told apart joined by bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import offset_copy

from uaabench.reporting.figures.style import COLUMN, INK, add_caption, figure_style, plain
from uaabench.statistics import Ranking

# Inches of the ranks between the names, and of a character of these.
AXIS, CHARACTER = 0.9, 0.055


def critical_difference(
    ranking: Ranking, *, titles: Mapping[str, str], colours: Mapping[str, str], caption: str = ""
) -> Figure:
    """Draw the mean ranks of one metric, the best at the left, and the critical difference above them.

    The layout is that of scikit-posthocs; which methods are joined is the ranking's. It is a column wide, or more where
    the names at its sides would leave the ranks no room.

    Args:
        ranking: Mean ranks and groups.
        titles: Printed name by label.
        colours: Colour by label.
        caption: Small print below the figure.
    """
    labels = list(ranking.mean_ranks)
    names = [plain(titles[label]) for label in labels]
    half = (len(labels) + 1) // 2
    with figure_style():
        figure = Figure(figsize=(_width(names[:half], names[half:]), 0.85 + 0.17 * (half + len(ranking.groups))))
        axes = figure.add_subplot()
        _draw(axes, ranking, names, [colours[label] for label in labels])
        axes.spines["top"].set_visible(True)
        _draw_difference(axes, ranking.critical_difference)
        add_caption(figure, caption)
    return figure


def _width(*sides: list[str]) -> float:
    """Inches of a figure with names at its sides, each with a rank in parentheses."""
    return max(COLUMN, AXIS + CHARACTER * sum(max(map(len, names), default=0) + len(" (1.00)") for names in sides))


def _draw(axes: Axes, ranking: Ranking, names: list[str], shades: list[str]) -> None:
    import pandas as pd
    from scikit_posthocs import critical_difference_diagram

    labels = list(ranking.mean_ranks)
    together = pd.DataFrame(0.0, index=names, columns=names)
    for group in ranking.groups:
        members = [names[labels.index(label)] for label in group]
        together.loc[members, members] = 1.0
    for name in names:
        together.loc[name, name] = 1.0
    style: dict[str, Any] = {"color": INK, "linewidth": 2}
    critical_difference_diagram(
        dict(zip(names, ranking.mean_ranks.values(), strict=True)),
        together,
        ax=axes,
        label_fmt_left="{label} ({rank:.2f})",
        label_fmt_right="({rank:.2f}) {label}",
        label_props={"fontsize": 6.5},
        color_palette=dict(zip(names, shades, strict=True)),
        crossbar_props=style,
        marker_props={"s": 10},
        elbow_props={"linewidth": 0.7},
        text_h_margin=0.02,
    )


def _draw_difference(axes: Axes, difference: float) -> None:
    """A bar as long as the critical difference, above the axis at its left end."""
    left, right = axes.get_xlim()
    start = min(left, right)
    # Above the numbers of the axis, which take about 14 points.
    transform = offset_copy(axes.get_xaxis_transform(), axes.get_figure(root=True), y=16, units="points")
    length = min(difference, abs(right - left))
    axes.plot([start, start + length], [1, 1], color=INK, lw=1, transform=transform, clip_on=False)
    axes.text(
        start + length / 2, 1.01, f"CD = {difference:.2f}", ha="center", va="bottom", fontsize=6, transform=transform
    )
