"""Qcb: how much of the contrast of the two sources, as the eye perceives it, is kept in the fused image.

Each image is stretched to 0..255 by its own range and rounded, and filtered in the frequency domain by the contrast
sensitivity of the eye; k, l count the periods over width and height:

    S(r) = exp(-(r / 15.387)^2) - 0.7622 exp(-(r / 1.3456)^2),   r = sqrt(k^2 + l^2) / 15

The contrast C of the result, from Gaussian windows of 31 x 31 that do not sum to 1 (zeros beyond the border), goes
through a masking that saturates:

    C = | blur(sigma 2) / blur(sigma 4) - 1 |,   M = C^3 / (C^2 + 0.0001)
    Q_X = min(M_X, M_F) / max(M_X, M_F)
    Qcb = mean of (M_ir^2 Q_ir + M_vi^2 Q_vi) / (M_ir^2 + M_vi^2)     over all pixels

Equal to the MATLAB code of Z. Liu, metricChenBlum.m, to 1e-6. Undefined where an image is constant: it cannot be
stretched, or has no contrast at all.

Reference: Chen, Blum, "A new automated quality assessment algorithm for image fusion", Image and Vision Computing 27,
2009, doi:10.1016/j.imavis.2007.12.002.
"""

import cv2
import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric


def stretched(image: FloatImage) -> FloatImage:
    """An image stretched to 0..255 by its own range and rounded, halves up; NaN where it is constant, 0 where black."""
    lowest, highest = image.min(), image.max()
    if lowest == highest:
        return np.full_like(image, np.nan if highest else 0)
    return np.asarray(np.floor((image - lowest) / (highest - lowest) * 255 + 0.5))


def weigh_frequencies(image: FloatImage, weights: FloatImage) -> FloatImage:
    """Multiply the spectrum of an (H,W) image by real weights (H,W//2+1), laid out as `periods`."""
    return np.fft.irfft2(np.fft.rfft2(image) * weights, s=image.shape)


def periods(shape: tuple[int, ...]) -> FloatImage:
    """Number of periods over an (H,W) image of each frequency of `numpy.fft.rfft2`."""
    height, width = shape
    return np.asarray(np.hypot(np.fft.fftfreq(height, 1 / height)[:, None], np.fft.rfftfreq(width, 1 / width)))


def perceived_contrast(image: FloatImage) -> FloatImage:
    """Masked local contrast M of an (H,W) image with values 0..255; NaN where it is constant."""
    radius = periods(image.shape) / 15
    sensitivity = np.exp(-((radius / 15.387) ** 2)) - 0.7622 * np.exp(-((radius / 1.3456) ** 2))
    return masked(weigh_frequencies(stretched(image), sensitivity))


def masked(seen: FloatImage) -> FloatImage:
    """Local contrast after masking of a filtered image (H,W)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        contrast = np.abs(_blur(seen, 2) / _blur(seen, 4) - 1)
        return np.asarray(contrast**3 / (contrast**2 + 0.0001))


def contrast_preservation(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """Qcb of three images, each given by its `perceived_contrast`.

    Returns:
        0..1; 1 where the fused image equals both sources; NaN where an image is constant.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        kept_ir, kept_vi = (np.minimum(source, fused) / np.maximum(source, fused) for source in (ir, vi))
        return float(np.mean((ir * ir * kept_ir + vi * vi * kept_vi) / (ir * ir + vi * vi)))


def _blur(image: FloatImage, sigma: float) -> FloatImage:
    """Sum over 31 x 31 pixels weighted by the density of a Gaussian."""
    offset = np.arange(-15, 16)
    window = np.exp(-0.5 * (offset / sigma) ** 2) / (np.sqrt(2 * np.pi) * sigma)
    return np.asarray(cv2.sepFilter2D(image, cv2.CV_64F, window, window, borderType=cv2.BORDER_CONSTANT))


QCB = Metric(
    name="Qcb",
    title="perceived contrast preservation",
    compute=contrast_preservation,
    features=perceived_contrast,
    higher_is_better=True,
    range=(0.0, 1.0),
    gameable_by_noise=False,
    version=1,
    reference="Chen and Blum, Image Vis. Comput. 2009",
    formula="mean of (M_A^2 Q_A + M_B^2 Q_B) / (M_A^2 + M_B^2), Q_X = min(M_X, M_F) / max(M_X, M_F), M = masked local "
    "contrast after filtering by the contrast sensitivity of the eye",
    undefined="an image is constant",
)
