"""VSM-WLS: visual saliency for the base, weighted least squares for the details (Ma et al. 2017).

Details of the infrared image that are mostly noise are drawn towards those of the visible one.
"""

from __future__ import annotations

import cv2
import numpy as np

from uaabench.baselines.classical import ClassicalMethod, Image, gaussian, guided_filter
from uaabench.core.interface import MethodCard

# As published: levels, rolling guidance filter (range deviation, iterations), weight of the least squares.
LEVELS = 4
RANGE, ITERATIONS = 0.05, 4
WEIGHT = 0.01
SIGMA = 2.0
WINDOW = 7
MARGIN = 1e-6


class VSMWLS(ClassicalMethod):
    """The published method with its published parameters."""

    card = MethodCard.beside(__file__)

    def fuse_images(self, ir: Image, y: Image) -> Image:
        """Fuse four detail layers and a base; the visible image comes first, as the details are drawn towards it."""
        *details_y, base_y = decompose(y)
        *details_ir, base_ir = decompose(ir)
        towards = (saliency(y) - saliency(ir)) / 2
        fused = (0.5 + towards) * base_y + (0.5 - towards) * base_ir
        fused = fused + np.where(np.abs(details_y[0]) < np.abs(details_ir[0]), details_ir[0], details_y[0])
        for detail_y, detail_ir in zip(details_y[1:], details_ir[1:], strict=True):
            fused = fused + fuse_details(detail_y, detail_ir)
        return fused


def decompose(image: Image) -> list[Image]:
    """Detail layers, finest first, and the base; they add up to the image."""
    layers = []
    radius = int(SIGMA)
    for _ in range(LEVELS - 1):
        smoothed = rolling_guidance(image, radius)
        layers.append(image - smoothed)
        image, radius = smoothed, 2 * radius
    base = gaussian(image, SIGMA, round(3 * SIGMA))
    return [*layers, image - base, base]


def rolling_guidance(image: Image, radius: int) -> Image:
    """Remove structures smaller than a radius and keep the edges of larger ones (Zhang et al., ECCV 2014)."""
    result = gaussian(image, float(radius), 3 * radius)
    for _ in range(ITERATIONS):
        result = guided_filter(result, image, radius, RANGE**2)
    return result


def saliency(image: Image) -> Image:
    """How far the grey level of each pixel is from those of all others, scaled to 0..1; 0 for a constant image."""
    levels = np.floor(image * 255 + 0.5).astype(int).clip(0, 255)
    counts = np.bincount(levels.ravel(), minlength=256)
    distances = np.abs(np.subtract.outer(np.arange(256), np.arange(256))) @ counts
    found = distances[levels].astype(float)
    spread = found.max() - found.min()
    return np.asarray((found - found.min()) / spread if spread else np.zeros_like(found))


def fuse_details(visible: Image, infrared: Image) -> Image:
    """Take the stronger detail, smoothly, and draw it to the visible one where infrared varies little.

    The least-squares problem has no terms between pixels, so that its solution is that of each pixel.
    """
    is_infrared = (np.abs(visible) < np.abs(infrared)).astype(float)
    share = gaussian(is_infrared, SIGMA, int(3 * SIGMA), cv2.BORDER_REFLECT)
    stronger = share * infrared + (1 - share) * visible
    pull = WEIGHT / (np.abs(cv2.blur(infrared, (WINDOW, WINDOW), borderType=cv2.BORDER_REPLICATE)) + MARGIN)
    return np.asarray((stronger + pull * visible) / (1 + pull))
