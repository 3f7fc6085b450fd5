"""Misalignment: infrared moved against visible, of which the label maps are."""

from __future__ import annotations

import numpy as np

from uaabench.core.arrays import ByteImage
from uaabench.degradations.draws import Draws


def shift(image: ByteImage, distance: int, draws: Draws) -> ByteImage:
    """Move a uint8 image so many pixels into a random direction; its border is repeated where nothing is left."""
    places = offsets(distance)
    dy, dx = places[draws.index(len(places))]
    height, width = image.shape[:2]
    rows = np.clip(np.arange(height) - dy, 0, height - 1)
    columns = np.clip(np.arange(width) - dx, 0, width - 1)
    return image[rows[:, None], columns]


def offsets(distance: int) -> list[tuple[int, int]]:
    """All moves (dy, dx) by whole pixels whose length rounds to a distance: directions all around.

    Example:
        >>> offsets(1)
        [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]
    """
    around = range(-distance, distance + 1)
    least, most = (2 * distance - 1) ** 2, (2 * distance + 1) ** 2
    return [(dy, dx) for dy in around for dx in around if least <= 4 * (dy * dy + dx * dx) < most]
