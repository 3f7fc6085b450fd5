"""Boxes over an image: those that a detector found, and those that people drew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from uaabench.core.arrays import ByteImage
from uaabench.core.interface import LabelClass

# Told apart on dark and on bright images, and by people who see no red or green: after Okabe and Ito.
PALETTE = (
    (230, 159, 0), (86, 180, 233), (240, 228, 66), (0, 158, 115), (204, 121, 167), (213, 94, 0), (0, 114, 178),
)  # fmt: skip
TRUE = (255, 255, 255)
# Detections of less confidence are kept and counted, but would hide the image.
SHOWN = 0.3
DASH = 5

# Class, left, top, right, bottom, and the confidence, or whether it is ignored.
Row = Sequence[float]


def colour_of(label: int) -> tuple[int, int, int]:
    """Colour of a class."""
    return PALETTE[label % len(PALETTE)]


def key(classes: Iterable[str]) -> tuple[LabelClass, ...]:
    """What the colours mean."""
    found = tuple(LabelClass(name, colour_of(label)) for label, name in enumerate(classes))
    return (*found, LabelClass("true box (dashed)", TRUE))


def draw(size: tuple[int, int], true: Iterable[Row], found: Iterable[Row]) -> ByteImage:
    """Draw boxes: those of a detector in the colour of their class, true ones dashed; (H,W,4) RGBA, clear elsewhere."""
    image = np.zeros((*size, 4), np.uint8)
    thickness = max(1, round(size[0] / 300))
    for label, left, top, right, bottom, score in sorted(found, key=lambda row: row[5]):
        if score >= SHOWN:
            corners = _inside(left, top, size), _inside(right, bottom, size)
            cv2.rectangle(image, *corners, (*colour_of(int(label)), 255), thickness)
    for _, left, top, right, bottom, _ in true:
        _dashed(image, _inside(left, top, size), _inside(right, bottom, size), thickness)
    return image


def _inside(x: float, y: float, size: tuple[int, int]) -> tuple[int, int]:
    return min(max(round(x), 0), size[1] - 1), min(max(round(y), 0), size[0] - 1)


def _dashed(image: ByteImage, low: tuple[int, int], high: tuple[int, int], thickness: int) -> None:
    (left, top), (right, bottom) = low, high
    step = DASH * thickness
    for start in range(left, right, 2 * step):
        for y in (top, bottom):
            cv2.line(image, (start, y), (min(start + step, right), y), (*TRUE, 255), thickness)
    for start in range(top, bottom, 2 * step):
        for x in (left, right):
            cv2.line(image, (x, start), (x, min(start + step, bottom)), (*TRUE, 255), thickness)
