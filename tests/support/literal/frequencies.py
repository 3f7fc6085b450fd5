"""Metrics by the contrast sensitivity of the eye: Qcb and Qcv. Images are (H,W) float64 of whole levels 0..255."""

import math

import numpy as np
from scipy.signal import convolve2d

from literal.edges import ACROSS, DOWN


def _stretched(x, *, rounded=True):
    """To 0..255 and rounded halves up, or to 0..1; NaN where constant and not black."""
    low, high = x.min(), x.max()
    if low == high and rounded:
        return x * math.nan if high else x
    with np.errstate(invalid="ignore"):
        unit = (x - low) / (high - low)
    return np.floor(unit * 255 + 0.5) if rounded else unit


def _filtered(x, sensitivity, unit):
    """Each frequency of k periods down and l across weighed by its sensitivity at sqrt(k^2 + l^2) / unit."""
    height, width = x.shape
    down, across = (np.array([(i + side // 2) % side - side // 2 for i in range(side)]) for side in (height, width))
    weights = sensitivity(np.sqrt(down[:, None] ** 2 + across[None, :] ** 2) / unit)
    return np.fft.ifft2(np.fft.fft2(x) * weights).real


def _masked_contrast(seen):
    offsets = np.arange(-15, 16)
    squares = offsets[:, None] ** 2 + offsets[None, :] ** 2

    def blur(sigma):
        return convolve2d(seen, np.exp(-squares / (2 * sigma**2)) / (2 * math.pi * sigma**2), mode="same")

    contrast = np.abs(blur(2) / blur(4) - 1)
    return contrast**3 / (contrast**2 + 0.0001)


def _difference_of_gaussians(r):
    return np.exp(-((r / 15.387) ** 2)) - 0.7622 * np.exp(-((r / 1.3456) ** 2))


def _qcb(f, a, b, epsilon):
    kept_a, kept_b = (np.minimum(x, f) / np.maximum(x, f) for x in (a, b))
    return np.mean((a * a * kept_a + b * b * kept_b) / (a * a + b * b + epsilon))


def qcb(f, a, b):
    with np.errstate(all="ignore"):
        seen = (_masked_contrast(_filtered(_stretched(x), _difference_of_gaussians, 15)) for x in (f, a, b))
        return _qcb(*seen, 0)


def qcb_zoo(f, a, b):
    """Stretched to 0..1 without rounding, half the frequencies."""
    with np.errstate(all="ignore"):
        seen = (
            _masked_contrast(_filtered(_stretched(x, rounded=False), _difference_of_gaussians, 30)) for x in (f, a, b)
        )
        return _qcb(*seen, 1e-10)


def qcv(f, a, b):
    f, a, b = map(_stretched, (f, a, b))
    height, width = f.shape
    seen = available = 0.0
    for x in (a, b):
        strength = np.hypot(*(convolve2d(x, kernel, mode="same") for kernel in (ACROSS, DOWN)))
        difference = _filtered(x - f, lambda r: 2.6 * (0.0192 + 0.144 * r) * np.exp(-((0.144 * r) ** 1.1)), 4)
        for top in range(0, height, 16):
            for left in range(0, width, 16):
                block = np.s_[top : top + 16, left : left + 16]
                saliency = (strength[block] ** 5).sum()
                seen += saliency * (difference[block] ** 2).sum() / 256
                available += saliency
    return seen / available if available else math.nan
