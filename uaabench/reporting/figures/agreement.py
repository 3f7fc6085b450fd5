"""Which metric predicts a measure: Kendall's tau of each, with its intervals over pairs and over methods."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from uaabench.reporting.figures.style import COLUMN, INK, add_caption, figure_style, plain
from uaabench.statistics.agreement import Agreement


def agreement(by_metric: Mapping[str, Agreement], *, measure: str, caption: str = "") -> Figure:
    """Draw a line for each metric: a dot with a thick bar over pairs and a thin one over methods, a ring within a pair.

    Args:
        by_metric: By the name of the metric, from top to bottom; a metric without any order is named and not drawn.
        measure: What the metrics are compared with.
        caption: Small print below the figure.
    """
    with figure_style():
        figure = Figure(figsize=(COLUMN, 0.75 + 0.16 * len(by_metric) + (0.2 if caption else 0)))
        axes = figure.add_subplot()
        axes.axvline(0, color=INK, linewidth=0.5, alpha=0.5)
        for place, found in enumerate(by_metric.values()):
            axes.plot([found.methods_low, found.methods_high], [place, place], color=INK, linewidth=0.6)
            axes.plot([found.low, found.high], [place, place], color="#4477aa", linewidth=2.6, alpha=0.7)
            axes.plot(found.tau, place, "o", color=INK, markersize=3.2)
            axes.plot(found.within.mean, place, "o", color="#cc3311", markersize=3.2, fillstyle="none")
        axes.set_yticks(range(len(by_metric)), [plain(name) for name in by_metric])
        axes.set_ylim(len(by_metric) - 0.5, -0.5)
        axes.set_xlim(-1, 1)
        legend = "bars: blue over pairs, thin over methods; ring: within a pair"
        axes.set_xlabel(f"Kendall's tau with {plain(measure)}\n{legend}")
        add_caption(figure, caption)
    return figure
