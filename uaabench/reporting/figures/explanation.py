"""One fusion explained on one page: sources, regions, weights, attributions, iterates, attentions, fused image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from uaabench.core import imaging
from uaabench.core.arrays import ByteImage
from uaabench.core.interface import LabelClass
from uaabench.methods.explanation import Explanation
from uaabench.reporting.figures.attributions import BARS, LINES, draw_attributions
from uaabench.reporting.figures.style import PAGE, add_caption, caption_lines, figure_style, power_of_ten

# In inches: around the page, between images, above a row for its titles, and below one for a colour bar.
MARGIN, GAP, TITLE, BAR = 0.06, 0.05, 0.18, 0.36
WEIGHTS, ATTENTION = "PRGn", "RdBu_r"
# Attentions have a few very large values; the scale ends where all but one in fifty are inside.
INSIDE = 0.98


@dataclass(frozen=True)
class _Tile:
    """An image with its title: RGB, or a map (H,W) with its colours and their limits."""

    title: str
    image: NDArray[Any]
    colours: str = "gray"
    limits: tuple[float, float] = (0.0, 1.0)


def explanation(explained: Explanation, *, classes: Sequence[LabelClass] = (), caption: str = "") -> Figure:
    """Draw all of an explanation, as wide as a page.

    Grey images are shown from 0 to 1, never stretched. Both weights share one scale with 0.5 in its middle, all
    attentions one that is symmetric about 0.

    Args:
        explained: What is drawn.
        classes: Names and colours of the segmenter's classes; without them regions go by number.
        caption: Small print below the figure.
    """
    known = list(classes) or _numbered(explained.classes)
    rows = _rows(explained)
    columns = max(4, len(rows[0]))
    ratio = explained.ir.shape[0] / explained.ir.shape[1]
    print_height = 0.05 + 0.11 * len(caption_lines(caption, PAGE)) if caption else 0.0
    images = _width(5) * ratio + len(rows) * _width(columns) * ratio + (1 + len(rows)) * TITLE
    with figure_style():
        figure = Figure(figsize=(PAGE, images + BARS + LINES + 2 * BAR + print_height))
        figure.set_layout_engine("none")  # every length is known
        page = _Page(figure, ratio)
        _, _, _, *of_weights = page.row(_sources(explained, known), 5)
        page.bar(of_weights, (0, 0.25, 0.5, 0.75, 1), "0.5: both alike")
        draw_attributions(page.chart(), explained, known)
        drawn = [axes for row in rows for axes in page.row(row, columns)]
        of_attention = [axes for axes in drawn if axes.images[0].get_cmap().name == ATTENTION]
        limit = of_attention[0].images[0].get_clim()[1]
        page.bar(of_attention, (-limit, 0, limit), f"{INSIDE:.0%} of the pixels are inside these limits")
        add_caption(figure, caption)
    return figure


def colour_regions(regions: NDArray[np.integer[Any]], classes: Sequence[LabelClass]) -> ByteImage:
    """Class indices (H,W) to the colours of the classes, (H,W,3); black beyond them."""
    palette = np.zeros((max(int(regions.max()) + 1, len(classes)), 3), np.uint8)
    palette[: len(classes)] = [entry.colour for entry in classes]
    return np.asarray(palette[regions])


class _Page:
    """A figure that is filled from top to bottom; all lengths in inches."""

    def __init__(self, figure: Figure, ratio: float) -> None:
        self._figure = figure
        self._ratio = ratio
        self._top = figure.get_figheight()

    def row(self, tiles: Sequence[_Tile], columns: int) -> list[Axes]:
        """Images side by side under their titles, in a grid of so many columns."""
        width = _width(columns)
        height = width * self._ratio
        self._top -= TITLE
        drawn = [self._axes(MARGIN + n * (width + GAP), width, height) for n in range(len(tiles))]
        self._top -= height
        for axes, tile in zip(drawn, tiles, strict=True):
            low, high = tile.limits
            # Where an image is shown smaller than it is, values are averaged: mixed colours may lie on no scale.
            axes.imshow(tile.image, cmap=tile.colours, vmin=low, vmax=high, aspect="auto", interpolation_stage="data")
            axes.set_title(tile.title, pad=2.5)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set(visible=True, linewidth=0.3)
        return drawn

    def bar(self, of: Sequence[Axes], ticks: Sequence[float], label: str) -> None:
        """The colour bar of neighbouring maps, below them."""
        left, right = of[0].get_position().x0, of[-1].get_position().x1
        inch = self._figure.get_figwidth()
        self._top -= 0.05
        axes = self._axes(left * inch, (right - left) * inch, 0.06)
        self._top -= BAR - 0.05
        self._figure.colorbar(of[0].images[0], cax=axes, orientation="horizontal", ticks=ticks)
        axes.set_xticklabels([power_of_ten(tick) for tick in ticks], fontsize=6)
        axes.tick_params(length=2, pad=1)
        axes.get_xticklabels()[0].set_horizontalalignment("left")
        axes.get_xticklabels()[-1].set_horizontalalignment("right")
        axes.set_xlabel(label, fontsize=5.5, labelpad=1)

    def chart(self) -> Axes:
        """Axes as wide as the page, with room at their left for numbers and below for what describes the bars.

        Their title stands beside the label of the colour bar above.
        """
        axes = self._axes(0.5, PAGE - 0.5 - MARGIN, BARS)
        self._top -= BARS + LINES
        return axes

    def _axes(self, left: float, width: float, height: float) -> Axes:
        """Axes that hang from where the page is filled to."""
        across, down = self._figure.get_size_inches()
        return self._figure.add_axes((left / across, (self._top - height) / down, width / across, height / down))


def _width(columns: int) -> float:
    return (PAGE - 2 * MARGIN - (columns - 1) * GAP) / columns


def _sources(explained: Explanation, classes: Sequence[LabelClass]) -> list[_Tile]:
    return [
        _Tile("Infrared $i$", explained.ir),
        _Tile("Visible $v$", explained.vi),
        _Tile("Regions $R_j$", colour_regions(explained.regions, classes)),
        _Tile("Weight of infrared $w_i$", explained.weight_ir, WEIGHTS),
        _Tile("Weight of visible $w_v$", explained.weight_vi, WEIGHTS),
    ]


def _rows(explained: Explanation) -> list[list[_Tile]]:
    """Iterates, attentions and the fused image: two rows for an unfolded fusion, one for any other image."""
    sizes = np.abs(explained.attentions[1:] or explained.attentions)  # att_0 is 0 by definition
    limit = float(np.quantile(sizes, INSIDE)) or float(sizes.max()) or 1.0
    last = len(explained.iterates) - 1
    if explained.stages is None:
        names, of_maps = ["Average $f^0$", "Fused luminance $f$"], ["Gradient × change $g\\,(f - f^0)$"]
    else:
        names = ["$f^0$", *(f"$f^{{{n}}}$" for n in range(1, last)), f"$f^{{{last}}}$, output"]
        of_maps = ["att$_0$ = 0", *(f"att$_{{{n}}}$" for n in range(1, last))]
    iterates = [_Tile(name, image) for name, image in zip(names, explained.iterates, strict=True)]
    maps = [_Tile(name, a, ATTENTION, (-limit, limit)) for name, a in zip(of_maps, explained.attentions, strict=True)]
    fused = _Tile("As written", _as_written(explained))
    return [[*iterates, *maps, fused]] if explained.stages is None else [iterates, [*maps, fused]]


def _as_written(explained: Explanation) -> ByteImage:
    """The fused image in 8 bit and in colour, with the chroma of the visible image where it has none of its own."""
    fused, vi = (np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8) for image in (explained.fused, explained.vi))
    return imaging.colourise(fused, vi) if fused.ndim == 2 else fused


def _numbered(count: int) -> list[LabelClass]:
    """Classes without names, in colours that differ."""
    shades = [to_rgb(mpl.colormaps["tab20"](n % 20)) for n in range(count)]
    return [
        LabelClass(f"class {n}", (round(255 * red), round(255 * green), round(255 * blue)))
        for n, (red, green, blue) in enumerate(shades)
    ]
