"""Large images in strips of rows with the rows around them, so that what is computed of them fits into memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

# Images up to 1920x1080 are taken whole, larger ones in strips of about as many pixels.
WHOLE_PIXELS = 1 << 21
# Thinner strips would be mostly border.
LEAST_ROWS = 64


class Strip(NamedTuple):
    """Some rows of an image.

    Attributes:
        around: The rows with the border above and below them, as far as there are such, among those of the image.
        inner: The rows without that border, among those of `around`.
    """

    around: slice
    inner: slice


def is_large(height: int, width: int) -> bool:
    """Whether an image is taken in strips where that is possible."""
    return height * width > WHOLE_PIXELS


def strips(height: int, width: int, *, border: int, step: int = 1, pixels: int | None = None) -> Iterator[Strip]:
    """A large image in strips, from above.

    Args:
        height: Rows of the image.
        width: Its columns.
        border: How many rows around a pixel what is computed there depends on.
        step: Strips and, if `border` is a multiple of it, their borders begin at multiples of so many rows.
        pixels: About how many pixels a strip has; `WHOLE_PIXELS` unless given.

    Example:
        >>> [strip.around for strip in strips(2900, 1400, border=4)]
        [slice(0, 1454, None), slice(1446, 2900, None)]
    """
    count = max(1, min(-(-height * width // (pixels or WHOLE_PIXELS)), height // LEAST_ROWS))
    rows = height // count // step * step
    for number in range(count):
        first, end = number * rows, (number + 1) * rows if number + 1 < count else height
        above, below = max(0, first - border), min(height, end + border)
        yield Strip(slice(above, below), slice(first - above, end - above))
