"""The feature maps that FMI compares: MATLAB's edges, DCT and discrete Meyer wavelets."""

import math

import cv2
import numpy as np

from uaabench.core.arrays import FloatImage


def stretched(values: FloatImage, axis: int | None = None) -> FloatImage:
    """Values stretched to 0..1 by their own range, 1 where they are all equal."""
    lowest, highest = values.min(axis=axis, keepdims=True), values.max(axis=axis, keepdims=True)
    return np.asarray(np.divide(values - lowest, highest - lowest, out=np.ones_like(values), where=highest > lowest))


def edge_map(image: FloatImage) -> FloatImage:
    """MATLAB's Sobel edges, with automatic threshold and thinned, of an (H,W) image: 0 or 1."""
    sx, sy = (
        np.abs(cv2.Sobel(image, cv2.CV_64F, *order, borderType=cv2.BORDER_REPLICATE)) / 8 for order in ((1, 0), (0, 1))
    )
    power = sx * sx + sy * sy
    around = np.pad(power, 1)
    left, right, above, below = around[1:-1, :-2], around[1:-1, 2:], around[:-2, 1:-1], around[2:, 1:-1]
    tolerance = 100 * np.finfo(float).eps
    ridge = (sx >= sy - tolerance) & (left <= power) & (power > right)
    ridge |= (sy >= sx - tolerance) & (above <= power) & (power > below)
    return np.asarray(ridge & (power > 4 * power.mean()), dtype=float)


def cosine_transform(image: FloatImage) -> FloatImage:
    """Two-dimensional orthonormal DCT of an (H,W) image."""
    return _cosine_transform_of_rows(_cosine_transform_of_rows(image).T).T


def _cosine_transform_of_rows(image: FloatImage) -> FloatImage:
    # By FFT, which unlike a product with cosines leaves exact zeros where a row is constant.
    length = image.shape[1]
    wave = np.fft.fft(np.hstack([image[:, ::2], image[:, 1::2][:, ::-1]]))
    terms = np.real(wave * np.exp(-0.5j * np.pi * np.arange(length) / length)) * math.sqrt(2 / length)
    terms[:, 0] /= math.sqrt(2)
    return np.asarray(terms)


def wavelet_transform(image: FloatImage) -> FloatImage:
    """One level of MATLAB's discrete Meyer wavelets of an (H,W) image, stretched to 0..1: (2h,2w), h = (H + 101) // 2.

    The approximation is on the upper left, with the details along columns to its right and along rows below.
    """
    low_rows, high_rows = _halves(image)
    quarters = [[band.T for band in _halves(half.T)] for half in (low_rows, high_rows)]
    return stretched(np.block(quarters))


def _halves(image: FloatImage) -> tuple[FloatImage, FloatImage]:
    """Each row filtered by the wavelets' low and high pass, mirrored beyond its ends; every second value is kept."""
    low_pass = meyer_low_pass()
    high_pass = low_pass[::-1] * np.resize([1, -1], len(low_pass))
    length = (image.shape[1] + len(low_pass) - 1) // 2
    row = np.pad(image, ((0, 0), (len(low_pass) - 2, len(low_pass) - 1)), mode="symmetric")
    parts = [row[:, first : first + 2 * length : 2] for first in range(len(low_pass))]
    low, high = (sum(tap * part for tap, part in zip(taps, parts, strict=True)) for taps in (low_pass, high_pass))
    return np.asarray(low), np.asarray(high)


def meyer_low_pass() -> FloatImage:
    """The 102 taps of MATLAB's `dmey`: those of the Meyer scaling filter within 50 of its centre, and a zero."""
    frequency = np.fft.rfftfreq(1 << 16)
    t = np.clip(6 * frequency - 1, 0, 1)
    gain = math.sqrt(2) * np.cos(np.pi / 2 * t**4 * (35 - 84 * t + 70 * t**2 - 20 * t**3))
    taps = np.fft.irfft(gain)
    return np.hstack([taps[-50:], taps[:51], 0])
