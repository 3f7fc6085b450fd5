"""Metrics of gradients: AG, EI, Qabf and Nabf. Images are (H,W) float64 of whole levels 0..255."""

import math

import numpy as np
from scipy.signal import convolve2d

DOWN = np.array([[1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -2.0, -1.0]])
ACROSS = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])


def _slope(line):
    """Central differences, one-sided at both ends."""
    inner = [(line[i + 1] - line[i - 1]) / 2 for i in range(1, len(line) - 1)]
    return np.array([line[1] - line[0], *inner, line[-1] - line[-2]])


def _sum_of_gradients(f):
    across, down = np.array([_slope(row) for row in f]), np.array([_slope(column) for column in f.T]).T
    return np.sqrt((across**2 + down**2) / 2).sum()


def ag(f, a, b):
    return _sum_of_gradients(f) / f.size


def ag_per_step(f, a, b):
    height, width = f.shape
    return _sum_of_gradients(f) / ((height - 1) * (width - 1))


def _intensity(padded):
    across, down = (convolve2d(padded, kernel, mode="valid") for kernel in (ACROSS, DOWN))
    return np.hypot(across, down).mean()


def ei(f, a, b):
    """The border is replicated."""
    return _intensity(np.pad(f, 1, mode="edge"))


def ei_zoo(f, a, b):
    """Zeros beyond the border."""
    return _intensity(np.pad(f, 1))


def _convolved(x, kernel):
    """conv2(x, kernel, 'same'), added down the columns of the kernel, which decides the last bit."""
    height, width = x.shape
    padded, total = np.pad(x, 1), np.zeros_like(x)
    for column in range(3):
        for row in range(3):
            if kernel[row, column]:
                total = (
                    total + kernel[row, column] * padded[2 - row : 2 - row + height, 2 - column : 2 - column + width]
                )
    return total


def qabf(f, a, b):
    def gradient(x):
        sx, sy = _convolved(x, ACROSS), _convolved(x, DOWN)
        with np.errstate(all="ignore"):
            return np.sqrt(sx * sx + sy * sy), np.where(sx == 0, math.pi / 2, np.arctan(sy / sx))

    g_f, alpha_f = gradient(f)
    kept = available = 0.0
    for g, alpha in map(gradient, (a, b)):
        with np.errstate(all="ignore"):
            strength = np.where(g > g_f, g_f / g, np.where(g == g_f, g_f, g / g_f))
        angle = 1 - np.abs(alpha - alpha_f) / (math.pi / 2)
        q = 0.9994 / (1 + np.exp(-15 * (strength - 0.5))) * 0.9879 / (1 + np.exp(-22 * (angle - 0.8)))
        kept, available = kept + (q * g).sum(), available + g.sum()
    return kept / available if available else math.nan


def qabf_legacy(f, a, b):
    return qabf(f / 255, a / 255, b / 255)


def nabf(f, a, b, weak=0.001):
    def gradient(x):
        p = np.pad(x, 1, mode="reflect")
        across = p[:-2] + 2 * p[1:-1] + p[2:]
        down = p[2:] - p[:-2]
        sx = (across[:, 2:] - across[:, :-2]) / 8
        sy = (down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]) / 8
        return np.sqrt(sx * sx + sy * sy), np.vectorize(_direction)(sx, sy)

    (g_f, alpha_f), *sources = map(gradient, (f, a, b))
    is_added = (g_f > sources[0][0]) & (g_f > sources[1][0])
    added = available = 0.0
    for g, alpha in sources:
        with np.errstate(all="ignore"):
            strength = np.where((g == 0) | (g_f == 0), 0, np.minimum(g, g_f) / np.maximum(g, g_f))
        angle = np.abs(np.abs(alpha - alpha_f) - math.pi / 2) * 2 / math.pi
        q = np.sqrt(0.9999 / (1 + np.exp(-19 * (strength - 0.5))) * 0.9995 / (1 + np.exp(-22 * (angle - 0.5))))
        weight = np.where(g >= 2, g**1.5, weak)
        added, available = added + ((1 - q) * weight)[is_added].sum(), available + weight.sum()
    return added / available if available else math.nan


def _direction(sx, sy):
    if sx == 0 and sy == 0:
        return 0.0
    return math.atan(sx / sy) if sy else math.pi / 2


def nabf_tang(f, a, b):
    """Called as (A, B, F), written as (F, A, B)."""
    return nabf(a, b, f)


def nabf_legacy(f, a, b):
    return nabf(f / 255, a / 255, b / 255)


def nabf_zoo(f, a, b):
    return nabf(f, a, b, weak=0.0)
