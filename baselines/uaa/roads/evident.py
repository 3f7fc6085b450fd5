"""Whether an object stands out in an image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from uaabench.core.arrays import ByteImage

LEAST = 10.0
"""Grey levels by which an object has to differ from its surroundings along its contour: some three times the noise."""

REACH = 4
"""Pixels to either side of a contour that are compared."""


def evident(image: ByteImage, part: NDArray[np.bool_], least: float = LEAST) -> bool:
    """Whether an object differs from its surroundings; see `difference`."""
    return difference(image, part) >= least


def difference(image: ByteImage, part: NDArray[np.bool_]) -> float:
    """How much brighter or darker an object is than what surrounds it, on average along its contour.

    Args:
        image: Grey image, (H,W) uint8.
        part: Where the object is, (H,W).

    Returns:
        Grey levels, 0 where nothing surrounds it.
    """
    size = (2 * REACH + 1, 2 * REACH + 1)
    grey, inside = image.astype(np.float64), part.astype(np.float64)
    share = cv2.blur(inside, size)
    contour = cv2.morphologyEx(part.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).astype(bool)
    contour &= (share > 0) & (share < 1)
    if not contour.any():
        return 0.0
    within = cv2.blur(grey * inside, size)[contour] / share[contour]
    without = cv2.blur(grey * (1 - inside), size)[contour] / (1 - share[contour])
    return float(np.abs(within - without).mean())
