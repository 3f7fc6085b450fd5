"""Faults between scene and sensor: defocus, less light, less contrast, fog.

Sources of the constants: `docs/degradations.md`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from uaabench.core.arrays import ByteImage
from uaabench.degradations.arithmetic import to_bytes
from uaabench.degradations.draws import Draws

# By severity: ImageNet-C's `defocus_blur` (radius in pixels), `contrast` (factor) and `fog` (thickness, decay), and
# `low_light` of 3D Common Corruptions (brightest level as a share of the range).
RADIUS = (3, 4, 6, 8, 10)
CONTRAST = (0.4, 0.3, 0.2, 0.1, 0.05)
FOG = ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4))
DARK = (0.6, 0.5, 0.4, 0.3, 0.2)


def blur(image: ByteImage, severity: int, draws: Draws) -> ByteImage:  # noqa: ARG001 - a lens draws no lots
    """Mean over a disk around each pixel of a uint8 image, which is mirrored beyond its border."""
    radius = RADIUS[severity - 1]
    height, width = image.shape[:2]
    edges = [(radius, radius)] * 2 + [(0, 0)] * (image.ndim - 2)
    padded = np.pad(image, edges, mode="reflect" if min(height, width) > radius else "edge")
    # The sum over a row of the disk is a difference of two running sums.
    running = np.zeros((padded.shape[0], padded.shape[1] + 1, *padded.shape[2:]), np.int64)
    np.cumsum(padded, axis=1, out=running[:, 1:])
    total = np.zeros(image.shape, np.int64)
    count = 0
    for dy in range(-radius, radius + 1):
        half = math.isqrt(radius * radius - dy * dy)
        rows = running[radius + dy : radius + dy + height]
        right = rows[:, radius + half + 1 : radius + half + 1 + width]
        total += right - rows[:, radius - half : radius - half + width]
        count += 2 * half + 1
    return to_bytes(total / count)


def dark(image: ByteImage, severity: int, draws: Draws) -> ByteImage:  # noqa: ARG001 - its noise is another corruption
    """Square the levels of a uint8 image, taken as 0..1, and scale them down."""
    share = image / 255
    return to_bytes(255 * DARK[severity - 1] * (share * share))


def lowcontrast(image: ByteImage, severity: int, draws: Draws) -> ByteImage:  # noqa: ARG001 - nothing is drawn
    """Draw the levels of a uint8 image towards the mean of their channel."""
    mean = image.sum(axis=(0, 1), dtype=np.int64) / (image.shape[0] * image.shape[1])
    return to_bytes((image - mean) * CONTRAST[severity - 1] + mean)


def fog(image: ByteImage, severity: int, draws: Draws) -> ByteImage:
    """Lay a plasma fractal over a uint8 image, and scale the sum to the brightest level there was."""
    thickness, decay = FOG[severity - 1]
    height, width = image.shape[:2]
    veil = plasma(1 << (max(height, width, 2) - 1).bit_length(), decay, draws)[:height, :width]
    brightest = int(image.max()) / 255
    if image.ndim == 3:
        veil = veil[..., None]
    return to_bytes(255 * ((image / 255 + thickness * veil) * (brightest / (brightest + thickness))))


def plasma(size: int, decay: float, draws: Draws) -> NDArray[np.float64]:
    """A plasma fractal by the diamond-square algorithm on a torus.

    Args:
        size: Height and width, a power of two from 2.
        decay: By what the roughness is divided from one scale to the next finer one; its square counts, as in
            ImageNet-C.
        draws: Random numbers.

    Returns:
        (size, size) in [0, 1].
    """
    field = np.zeros((size, size))
    step, rough = size, 100.0
    while step > 1:
        half = step // 2
        corners = field[::step, ::step]
        # Centres of squares, then of diamonds: those right of the corners, and those below them.
        centres = _around(corners, np.roll(corners, -1, 0), np.roll(corners, -1, 1), np.roll(corners, -1, (0, 1)))
        centres = field[half::step, half::step] = centres + _wobble(centres.shape, rough, draws)
        right = _around(corners, np.roll(corners, -1, 1), centres, np.roll(centres, 1, 0))
        below = _around(corners, np.roll(corners, -1, 0), centres, np.roll(centres, 1, 1))
        field[::step, half::step] = right + _wobble(right.shape, rough, draws)
        field[half::step, ::step] = below + _wobble(below.shape, rough, draws)
        step, rough = half, rough / decay
    field -= field.min()
    field /= field.max()
    return field


def _around(*neighbours: NDArray[np.float64]) -> NDArray[np.float64]:
    one, two, three, four = neighbours
    return ((one + two) + (three + four)) / 4


def _wobble(shape: tuple[int, ...], rough: float, draws: Draws) -> NDArray[np.float64]:
    return rough * rough * (2 * draws.uniform(shape) - 1)
