"""GFF: two scales, weighted by saliency maps that a guided filter refined (Li, Kang, Hu, IEEE TIP 2013)."""

from __future__ import annotations

import cv2
import numpy as np

from uaabench.baselines.classical import ClassicalMethod, Image, gaussian, guided_filter
from uaabench.core.interface import MethodCard

# As published: radius and regularisation for the base and the detail layers, and the size of the average filter.
BASE, DETAIL = (45, 0.3), (7, 1e-6)
AVERAGE = 31
LAPLACIAN = np.array([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])
MARGIN = 1e-12


class GFF(ClassicalMethod):
    """The published method with its published parameters."""

    card = MethodCard.beside(__file__)

    def fuse_images(self, ir: Image, y: Image) -> Image:
        """Fuse base and detail layers by weights of their own."""
        bases = [cv2.blur(image, (AVERAGE, AVERAGE), borderType=cv2.BORDER_REPLICATE) for image in (ir, y)]
        saliency = [_saliency(image) for image in (ir, y)]
        is_ir = (saliency[0] >= saliency[1]).astype(float)
        fused = np.zeros_like(ir)
        for (radius, epsilon), layers in ((BASE, bases), (DETAIL, [ir - bases[0], y - bases[1]])):
            chosen = ((ir, is_ir), (y, 1 - is_ir))
            weights = [guided_filter(image, mask, radius, epsilon).clip(0, 1) + MARGIN for image, mask in chosen]
            fused += (weights[0] * layers[0] + weights[1] * layers[1]) / (weights[0] + weights[1])
        return fused


def _saliency(image: Image) -> Image:
    """Smoothed magnitude of the Laplacian."""
    edges = np.abs(cv2.filter2D(image, cv2.CV_64F, LAPLACIAN, borderType=cv2.BORDER_REPLICATE))
    return gaussian(edges, 5.0, 5)
