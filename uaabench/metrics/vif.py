"""VIF: visual information fidelity of the fused image towards each source, summed over the two sources.

The pixel-domain, multi-scale form. At each of four scales a source X and the fused image F are compared in Gaussian
windows of side 17, 9, 5 and 3 (sigma = side / 5); before the second and each further scale both images are blurred with
that scale's window and every second pixel is kept. With the local variances and the local covariance

    g = cov(X,F) / var(X),   v = var(F) - g cov(X,F)
    VIF_X = sum log(1 + g^2 var(X) / (v + 2)) / sum log(1 + var(X) / 2)     over all pixels of all scales
    VIF   = VIF_ir + VIF_vi

g is 0 where a variance vanishes or the covariance is negative. A source without any structure gives 0/0: it counts
as 1, as in the evaluator of CDDFuse, which the numbers equal to 1e-6.

Reference: Sheikh, Bovik, "Image information and visual quality", IEEE Transactions on Image Processing 15, 2006,
doi:10.1109/TIP.2005.859378.
"""

import math

import cv2
import numpy as np

from uaabench.interface import FloatImage, Metric

WINDOW_SIDES = (17, 9, 5, 3)
NOISE_VARIANCE = 2.0
VANISHING = 1e-10


def visual_information_fidelity(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """VIF of (H,W) images with values 0..255, H and W at least 41.

    Returns:
        At least 0; 2 where the fused image equals both sources; more where it has more contrast than they have.
    """
    images = _centred(fused), _centred(ir), _centred(vi)
    totals = np.zeros((2, 2))  # for each source: what is kept of its information, and what there is
    for side in WINDOW_SIDES:
        window = gaussian_window(side)
        if side != WINDOW_SIDES[0]:
            images = _halve(images[0], window), _halve(images[1], window), _halve(images[2], window)
        totals += _information(*images, window)
    return sum(float(kept / available) if available > 0 else 1.0 for kept, available in totals)


def gaussian_window(side: int) -> FloatImage:
    """Weights (side,) of a Gaussian with sigma = side / 5 that sum to 1; the two-dimensional one is their product."""
    offset = np.arange(side) - side // 2
    weights = np.exp(-0.5 * (offset / (side / 5)) ** 2)
    return np.asarray(weights / weights.sum())


def blur(image: FloatImage, window: FloatImage) -> FloatImage:
    """Filter (H,W) with a separable window of odd side s, only where it fits: (H-s+1,W-s+1)."""
    edge = len(window) // 2
    return np.asarray(cv2.sepFilter2D(image, cv2.CV_64F, window, window)[edge:-edge, edge:-edge])


def _halve(image: FloatImage, window: FloatImage) -> FloatImage:
    return np.ascontiguousarray(blur(image, window)[::2, ::2])


def _centred(image: FloatImage) -> FloatImage:
    """Take the mean off: no variance changes, and those of flat parts come out as 0 instead of a rounding error."""
    return np.asarray(image - image.mean())


def _information(fused: FloatImage, ir: FloatImage, vi: FloatImage, window: FloatImage) -> list[tuple[float, float]]:
    """For each source, at one scale: the information the fused image keeps of it, and the information it holds."""
    mean_f = blur(fused, window)
    var_f = np.maximum(blur(fused * fused, window) - mean_f * mean_f, 0)
    return [_source_information(source, fused, mean_f, var_f, window) for source in (ir, vi)]


def _source_information(
    source: FloatImage, fused: FloatImage, mean_f: FloatImage, var_f: FloatImage, window: FloatImage
) -> tuple[float, float]:
    mean_x = blur(source, window)
    var_x = np.maximum(blur(source * source, window) - mean_x * mean_x, 0)
    covariance = blur(source * fused, window) - mean_x * mean_f
    structured = var_x >= VANISHING
    gain = np.maximum(covariance, 0) / (var_x + VANISHING) * (structured & (var_f >= VANISHING))
    unexplained = np.maximum(var_f - gain * covariance, VANISHING)
    kept = np.log1p(gain * gain * var_x / (unexplained + NOISE_VARIANCE)).sum()
    available = np.log1p(var_x * structured / NOISE_VARIANCE).sum()
    return float(kept), float(available)


VIF = Metric(
    name="VIF",
    title="visual information fidelity",
    compute=visual_information_fidelity,
    higher_is_better=True,
    range=(0.0, math.inf),
    gameable_by_noise=False,
    version=1,
    reference="Sheikh and Bovik, IEEE Trans. Image Process. 2006",
    min_size=41,
)
