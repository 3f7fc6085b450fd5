"""What keeps degraded images the same on any machine.

IEEE 754 fixes the last bit of a sum, product or quotient of two numbers, so that those of whole arrays, element by
element, are the same everywhere. It fixes neither the order in which many numbers are added nor the last bit of sines
and logarithms: sums are of integers, which are exact, and there is nothing transcendental.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from uaabench.core.arrays import ByteImage


def to_bytes(levels: NDArray[np.float64]) -> ByteImage:
    """Levels to uint8: rounded half to even, clipped to 0..255."""
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
