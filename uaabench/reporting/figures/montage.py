"""Chosen pairs in rows, sources and methods in columns, with enlarged regions: the figure of every fusion paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from uaabench.core.errors import UsageError
from uaabench.reporting.figures.style import PAGE, add_caption, figure_style, plain

FRAME = "#ffdd00"
# Share of the width of a panel that the enlarged region takes.
SHARE = 0.42


@dataclass(frozen=True)
class Panel:
    """One image of a montage: uint8, (H,W) grey or (H,W,3) RGB."""

    title: str
    image: NDArray[np.uint8]


@dataclass(frozen=True)
class Box:
    """A region of an image in pixels; (x, y) is its upper left corner."""

    x: int
    y: int
    width: int
    height: int


def montage(
    rows: Sequence[Sequence[Panel]], *, row_titles: Sequence[str], insets: Sequence[Box | None], caption: str = ""
) -> Figure:
    """One row for each pair; titles stand above the first row, an enlarged region in a corner of each panel.

    Grey images are shown from 0 to 255, never stretched. Enlarged regions repeat pixels.

    Args:
        rows: Panels of each pair, of one size within a row and in one order of columns.
        row_titles: What stands beside each row.
        insets: For each row the region that is enlarged, or None.
        caption: Small print below the figure.

    Raises:
        UsageError: A region is not inside its images.
    """
    for row, box in zip(rows, insets, strict=True):
        _check(row[0].image, box)
    columns = len(rows[0])
    ratios = [row[0].image.shape[0] / row[0].image.shape[1] for row in rows]
    width = (PAGE - 0.2) / columns
    with figure_style():
        figure = Figure(figsize=(PAGE, width * sum(ratios) + 0.2 + (0.2 if caption else 0)))
        engine = figure.get_layout_engine()
        assert engine is not None
        engine.set(w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)  # type: ignore[call-arg]
        grid = figure.subplots(len(rows), columns, squeeze=False, gridspec_kw={"height_ratios": ratios})
        for axes, panel in zip(grid[0], rows[0], strict=True):
            axes.set_title(plain(panel.title), pad=2)
        for line, row, title, box in zip(grid, rows, row_titles, insets, strict=True):
            for axes, panel in zip(line, row, strict=True):
                _draw(axes, panel.image, box)
            line[0].set_ylabel(plain(title), fontsize=6, labelpad=2)
        add_caption(figure, caption)
    return figure


def _check(image: NDArray[np.uint8], box: Box | None) -> None:
    height, width = image.shape[:2]
    if box is None:
        return
    is_inside = min(box.x, box.y) >= 0 and box.x + box.width <= width and box.y + box.height <= height
    if not is_inside or min(box.width, box.height) < 1:
        raise UsageError(
            f"The region {box.x},{box.y},{box.width},{box.height} is not inside an image of {width}x{height}; "
            "give x,y,width,height in pixels."
        )


def _draw(axes: Axes, image: NDArray[np.uint8], box: Box | None) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="none")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    if box is not None:
        axes.add_patch(Rectangle((box.x, box.y), box.width, box.height, fill=False, edgecolor=FRAME, linewidth=0.7))
        _enlarge(axes, image, box)


def _enlarge(axes: Axes, image: NDArray[np.uint8], box: Box) -> None:
    """Show the region in the corner that is farthest from it."""
    height, width = image.shape[:2]
    share = min(SHARE, SHARE * height / width * box.width / box.height)
    tall = share * width * box.height / box.width / height
    left = 0.0 if box.x + box.width / 2 > width / 2 else 1 - share
    bottom = 0.0 if box.y + box.height / 2 < height / 2 else 1 - tall
    inset = axes.inset_axes((left, bottom, share, tall))
    region = image[box.y : box.y + box.height, box.x : box.x + box.width]
    inset.imshow(region, cmap="gray", vmin=0, vmax=255, interpolation="none", aspect="auto")
    inset.set_xticks([])
    inset.set_yticks([])
    inset.spines[:].set(visible=True, color=FRAME, linewidth=0.7)
