"""FMI, window by window. Images are (H,W) float64 of whole levels 0..255."""

import math

import numpy as np
from scipy.fft import dctn

POSITIONS = np.arange(1, 10)


def edge_map(x):
    """MATLAB's edge(x, 'sobel')."""
    p = np.pad(x, 1, mode="edge")
    across = np.abs(p[:-2, 2:] - p[:-2, :-2] + 2 * (p[1:-1, 2:] - p[1:-1, :-2]) + p[2:, 2:] - p[2:, :-2]) / 8
    down = np.abs(p[2:, :-2] - p[:-2, :-2] + 2 * (p[2:, 1:-1] - p[:-2, 1:-1]) + p[2:, 2:] - p[:-2, 2:]) / 8
    power = across**2 + down**2
    framed, tolerance = np.pad(power, 1), 100 * np.finfo(float).eps
    found = np.zeros_like(x)
    for y in range(x.shape[0]):
        for c in range(x.shape[1]):
            here, left, right = framed[y + 1, c + 1], framed[y + 1, c], framed[y + 1, c + 2]
            above, below = framed[y, c + 1], framed[y + 2, c + 1]
            is_ridge = (across[y, c] >= down[y, c] - tolerance and left <= here > right) or (
                down[y, c] >= across[y, c] - tolerance and above <= here > below
            )
            found[y, c] = is_ridge and here > 4 * power.mean()
    return found


def wavelets(x):
    """One level of MATLAB's dwt2(x, 'dmey'): approximation and details side by side, from their range to 0..1."""
    low = _meyer()
    high = low[::-1] * (-1.0) ** np.arange(len(low))

    def halves(lines):
        extended = np.pad(lines, ((0, 0), (len(low) - 2, len(low) - 1)), mode="symmetric")
        count = (lines.shape[1] + len(low) - 1) // 2
        return [
            np.array([extended[:, 2 * k : 2 * k + len(low)] @ taps for k in range(count)]).T for taps in (low, high)
        ]

    bands = [[part.T for part in halves(half.T)] for half in halves(x)]
    (ll, hl), (lh, hh) = bands
    whole = np.vstack([np.hstack([ll, hl]), np.hstack([lh, hh])])
    return (whole - whole.min()) / (whole.max() - whole.min()) if np.ptp(whole) else np.ones_like(whole)


def _meyer():
    """The Meyer scaling filter within 50 of its centre, and a zero, by the inverse Fourier transform of its gain."""
    count = 1 << 14
    frequency = np.arange(count) / count
    distance = np.minimum(frequency, 1 - frequency)
    t = np.clip(6 * distance - 1, 0, 1)
    gain = math.sqrt(2) * np.cos(math.pi / 2 * t**4 * (35 - 84 * t + 70 * t**2 - 20 * t**3))
    taps = [float(np.mean(gain * np.cos(2 * math.pi * frequency * n))) for n in range(51)]
    return np.array([*taps[:0:-1], *taps, 0.0])


def fmi(feature):
    """FMI of the feature maps that a function gives."""

    def metric(f, a, b):
        mf, ma, mb = map(feature, (f, a, b))
        values = [
            (_similarity(mf, ma, y, x) + _similarity(mf, mb, y, x)) / 2
            for y in range(mf.shape[0] - 2)
            for x in range(mf.shape[1] - 2)
        ]
        return math.fsum(values) / len(values)

    return metric


def dct(x):
    """MATLAB's dct2, with the zeros of constant rows and columns."""
    found = dctn(x, norm="ortho")
    return np.where(np.abs(found) < 1e-9, 0, found)


def _similarity(f, x, top, left):
    f, x = (m[top : top + 3, left : left + 3].T.ravel() for m in (f, x))
    if (f == x).all():
        return 1.0
    p, q = _distribution(f), _distribution(x)
    entropies = _entropy(p) + _entropy(q)
    mutual = entropies - _entropy(_joint(p, q).ravel())
    return 2 * mutual / entropies if mutual else 0.0


def _distribution(values):
    low, high = values.min(), values.max()
    unit = (values - low) / (high - low) if high > low else np.ones(9)
    return unit / unit.sum()


def _entropy(p):
    p = p[p != 0]
    return float(-(p * np.log2(np.abs(p))).sum())


def _deviation(p):
    mean = (POSITIONS * p).sum()
    return math.sqrt(max((POSITIONS**2 * p).sum() - mean**2, 0))


def _joint(p, q):
    """The joint distribution between independence and the Frechet bound that has the covariance of the values."""
    centred_p, centred_q = p - 1 / 9, q - 1 / 9
    size = math.sqrt((centred_p**2).sum() * (centred_q**2).sum())
    c = (centred_p * centred_q).sum() / size if size else 0.0
    cumulated_p, cumulated_q = np.cumsum(p)[:, None], np.cumsum(q)[None, :]
    bound = np.minimum(cumulated_p, cumulated_q) if c >= 0 else np.maximum(cumulated_p + cumulated_q - 1, 0)
    covariance = (bound - cumulated_p * cumulated_q).sum()
    dependence = c * _deviation(p) * _deviation(q)
    phi = dependence / covariance if dependence and covariance else 0.0
    framed = np.pad(bound, ((1, 0), (1, 0)))
    masses = framed[1:, 1:] - framed[:-1, 1:] - framed[1:, :-1] + framed[:-1, :-1]
    return phi * masses + (1 - phi) * p[:, None] * q[None, :]
