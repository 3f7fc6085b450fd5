"""Faults of a sensor: noise of each pixel, stripes of its columns, and no image at all.

Sources of the constants: `docs/degradations.md`.
"""

from __future__ import annotations

import numpy as np

from uaabench.core.arrays import ByteImage
from uaabench.degradations.arithmetic import to_bytes
from uaabench.degradations.draws import Draws

# Standard deviations as shares of the range, by severity: ImageNet-C's `gaussian_noise`, and ours for columns.
NOISE = (0.08, 0.12, 0.18, 0.26, 0.38)
STRIPE = (0.02, 0.04, 0.06, 0.09, 0.13)
# The level of an image that is not there.
BLACK = 0


def noise(image: ByteImage, severity: int, draws: Draws) -> ByteImage:
    """Add Gaussian noise to each pixel and channel of a uint8 image."""
    return to_bytes(image + 255 * NOISE[severity - 1] * draws.normal(image.shape))


def stripe(image: ByteImage, severity: int, draws: Draws) -> ByteImage:
    """Add to each column of an (H,W) uint8 image a Gaussian level of its own: fixed-pattern noise of the readout."""
    return to_bytes(image + 255 * STRIPE[severity - 1] * draws.normal(image.shape[1:]))


def drop(image: ByteImage, severity: int, draws: Draws) -> ByteImage:  # noqa: ARG001 - there is one way to lose it
    """A black image of the same shape."""
    return np.full_like(image, BLACK)
