"""How the values of each method are spread over the pairs of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from uaabench.reporting.figures.style import COLUMN, INK, add_caption, figure_style, plain

# Up to so many values each one is shown, above only those beyond the whiskers.
MOST_POINTS = 60


def distributions(
    values: Mapping[str, Sequence[float]], *, colours: Mapping[str, str], xlabel: str, caption: str = ""
) -> Figure:
    """Boxes of the quartiles, whiskers to 1.5 times their distance, the median as a line and the mean as a diamond.

    Args:
        values: At least one value for each method, by its printed title, from top to bottom.
        colours: Colour by title.
        xlabel: What the values are.
        caption: Small print below the figure.
    """
    titles = list(values)
    with figure_style():
        figure = Figure(figsize=(COLUMN, 0.55 + 0.22 * len(titles) + (0.2 if caption else 0)))
        axes = figure.add_subplot()
        boxes = axes.boxplot(
            [values[title] for title in titles],
            orientation="horizontal",
            positions=range(len(titles)),
            widths=0.6,
            patch_artist=True,
            showmeans=True,
            showfliers=False,
            meanprops={"marker": "D", "markersize": 2.5, "markerfacecolor": INK, "markeredgecolor": "none"},
            medianprops={"color": INK, "linewidth": 1},
            whiskerprops={"color": INK, "linewidth": 0.6},
            capprops={"color": INK, "linewidth": 0.6},
            boxprops={"linewidth": 0.6, "edgecolor": INK},
        )
        for box, title in zip(boxes["boxes"], titles, strict=True):
            box.set_facecolor((*_rgb(colours[title]), 0.55))
        for place, title in enumerate(titles):
            shown = _shown(np.asarray(values[title], dtype=float))
            jitter = np.random.default_rng(place).uniform(-0.2, 0.2, len(shown))
            axes.plot(shown, place + jitter, ".", markersize=2, color=colours[title], alpha=0.8, zorder=3)
        axes.set_yticks(range(len(titles)), [plain(title) for title in titles])
        axes.invert_yaxis()
        axes.set_xlabel(plain(xlabel))
        add_caption(figure, caption)
    return figure


def _rgb(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(colour)


def _shown(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values that are drawn as points: all of a few, the outliers of many."""
    if len(values) <= MOST_POINTS:
        return values
    low, high = np.quantile(values, [0.25, 0.75])
    reach = 1.5 * (high - low)
    is_outlier = (values < low - reach) | (values > high + reach)
    return np.asarray(values[is_outlier])
