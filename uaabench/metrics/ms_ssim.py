"""MS-SSIM: structural similarity of the fused image with each source over five scales, averaged over the sources.

    MS-SSIM(X,F) = l_5^w5 prod_j cs_j^wj,   w = 0.0448, 0.2856, 0.3001, 0.2363, 0.1333

with the two factors of SSIM, luminance l and contrast-structure cs, averaged over each scale; from scale to scale 2 x 2
pixels are averaged. A negative cs, which has no real power, counts as 0.

Reference: Wang, Simoncelli, Bovik, "Multiscale structural similarity for image quality assessment", Asilomar
Conference on Signals, Systems and Computers 2003, doi:10.1109/ACSSC.2003.1292216.
"""

import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric
from uaabench.metrics.ssim import PUBLISHED

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def multi_scale_similarity(fused: FloatImage, source: FloatImage) -> float:
    """MS-SSIM of two (H,W) images with values 0..255, H and W at least 176: 0..1."""
    product = 1.0
    for scale, weight in enumerate(WEIGHTS, start=1):
        luminance, structure = PUBLISHED.maps(fused, source)
        factor = np.mean(luminance * structure if scale == len(WEIGHTS) else structure)
        product *= max(float(factor), 0.0) ** weight
        fused, source = _halve(fused), _halve(source)
    return product


def mean_multi_scale_similarity(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """MS-SSIM with the two sources, averaged: 0..1."""
    return (multi_scale_similarity(fused, ir) + multi_scale_similarity(fused, vi)) / 2


def _halve(image: FloatImage) -> FloatImage:
    """Average 2 x 2 pixels; an odd last row or column is left out."""
    height, width = (side // 2 * 2 for side in image.shape)
    return np.asarray(image[:height, :width].reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)))


MS_SSIM = Metric(
    name="MS-SSIM",
    title="multi-scale structural similarity",
    compute=mean_multi_scale_similarity,
    higher_is_better=True,
    range=(0.0, 1.0),
    gameable_by_noise=False,
    version=1,
    reference="Wang et al., Asilomar 2003",
    formula="(M(A) + M(B)) / 2, M(X) = l_5^w5 prod_j cs_j^wj of SSIM's factors over five scales",
    min_size=176,
)
