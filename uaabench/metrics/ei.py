"""EI: edge intensity, the mean strength of the Sobel gradient of the fused image.

    EI = mean sqrt(sx^2 + sy^2)

The border is replicated, so that a constant image has no edge.

Reference: Rajalingam, Priya, "Hybrid multimodality medical image fusion technique for feature enhancement in medical
diagnosis", International Journal of Engineering Science Invention 2, 2018, is what toolboxes cite.
"""

import math

import cv2
import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric


def edge_intensity(image: FloatImage) -> float:
    """Edge intensity of an (H,W) image with values 0..255: 0..1020 sqrt(2)."""
    sx = cv2.Sobel(image, cv2.CV_64F, 1, 0, borderType=cv2.BORDER_REPLICATE)
    sy = cv2.Sobel(image, cv2.CV_64F, 0, 1, borderType=cv2.BORDER_REPLICATE)
    return float(np.mean(np.sqrt(sx * sx + sy * sy)))


EI = Metric(
    name="EI",
    title="edge intensity",
    compute=lambda fused, _ir, _vi: edge_intensity(fused),
    higher_is_better=True,
    range=(0.0, 1020 * math.sqrt(2)),
    gameable_by_noise=True,
    version=1,
    reference="Rajalingam and Priya, IJESI 2018",
    formula="mean sqrt(sx^2 + sy^2), sx and sy the Sobel responses of F",
    uses_sources=False,
)
