"""TIF: two scales, the details weighted by how far mean and median differ (Bavirisetti, Dhuli 2016)."""

from __future__ import annotations

import cv2
import numpy as np

from uaabench.baselines.classical import ClassicalMethod, Image
from uaabench.core.interface import MethodCard

MEAN, MEDIAN = 35, 3


class TIF(ClassicalMethod):
    """The published method with its published window sizes."""

    card = MethodCard.beside(__file__)

    def fuse_images(self, ir: Image, y: Image) -> Image:
        """Weight the details by visual saliency, and average the bases."""
        bases = [cv2.blur(image, (MEAN, MEAN), borderType=cv2.BORDER_REFLECT) for image in (ir, y)]
        saliency = [(base - _median(image)) ** 2 for base, image in zip(bases, (ir, y), strict=True)]
        total = saliency[0] + saliency[1]
        # Where neither source is salient both count alike.
        share = np.divide(saliency[0], total, out=np.full_like(total, 0.5), where=total > 0)
        details = share * (ir - bases[0]) + (1 - share) * (y - bases[1])
        return np.asarray(details + (bases[0] + bases[1]) / 2)


def _median(image: Image) -> Image:
    # OpenCV takes the median of single precision; images of 8 bit lose nothing by it.
    return cv2.medianBlur(image.astype(np.float32), MEDIAN).astype(np.float64)
