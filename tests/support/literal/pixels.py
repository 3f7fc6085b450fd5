"""Metrics of single pixels: histograms, moments and differences. Images are (H,W) float64 of whole levels 0..255."""

import math
from collections import Counter

import numpy as np


def shares(*images: np.ndarray) -> dict[tuple[int, ...], float]:
    """How often each level, or each tuple of levels at one pixel, occurs."""
    counts = Counter(zip(*(image.astype(int).ravel().tolist() for image in images), strict=True))
    return {levels: count / images[0].size for levels, count in counts.items()}


def entropy(*images):
    return math.fsum(-p * math.log2(p) for p in shares(*images).values())


def information(f, x):
    return entropy(f) + entropy(x) - entropy(f, x)


def en(f, a, b):
    return entropy(f)


def en_zoo(f, a, b):
    """log2(p + 1e-7) in single precision."""
    return math.fsum(-p * math.log2(np.float32(p) + np.float32(1e-7)) for p in shares(f).values())


def sd(f, a, b):
    mean = math.fsum(f.ravel()) / f.size
    return math.sqrt(math.fsum((f.ravel() - mean) ** 2) / f.size)


def sd_legacy(f, a, b):
    """uint8 arithmetic: differences and squares end at 0 and 255, halves up."""
    mean = math.fsum(f.ravel()) / f.size
    differences = [math.floor(min(max(value - mean, 0), 255) + 0.5) for value in f.ravel()]
    return math.sqrt(sum(min(difference**2, 255) for difference in differences) / f.size)


def sf(f, a, b):
    along_rows, along_columns = np.diff(f, axis=1) ** 2, np.diff(f, axis=0) ** 2
    return math.sqrt(along_rows.sum() / along_rows.size + along_columns.sum() / along_columns.size)


def sf_legacy(f, a, b):
    return sf(f / 255, a, b)


def sf_vifb(planes):
    """The channels side by side, the sums divided by the number of pixels."""
    height, width = planes[0].shape
    matrix = [[plane[y, x] for plane in planes for x in range(width)] for y in range(height)]
    total = 0.0
    for y in range(height):
        for x in range(len(matrix[0])):
            total += (matrix[y][x] - matrix[y][x - 1]) ** 2 if x else 0
            total += (matrix[y][x] - matrix[y - 1][x]) ** 2 if y else 0
    return math.sqrt(total / (height * len(matrix[0])))


def mi_bits(f, a, b):
    return information(f, a) + information(f, b)


def mi_nats(f, a, b):
    return math.log(2) * mi_bits(f, a, b)


def mi_tang(f, a, b):
    """Levels 254 and 255 share a bin of the joint histogram only."""

    def towards(x):
        return entropy(f) + entropy(x) - entropy(np.minimum(f, 254), np.minimum(x, 254))

    return towards(a) + towards(b)


def stretched(x):
    low, high = x.min(), x.max()
    return np.floor((x - low) / (high - low) * 255 + 0.5) if high > low else 0 * x


def mi_vifb(f, a, b):
    return mi_nats(*map(stretched, (f, a, b)))


def nmi(f, a, b):
    return sum(2 * information(f, x) / (entropy(f) + entropy(x)) for x in (a, b))


def nmi_zoo(f, a, b):
    of_sources = math.fsum(-p * math.log2(p + 1e-10) for x in (a, b) for p in shares(x).values())
    return 2 * mi_bits(f, a, b) / (of_sources + 1e-10)


def correlation(x, y):
    x, y = x - x.mean(), y - y.mean()
    size = math.sqrt((x * x).sum() * (y * y).sum())
    return (x * y).sum() / size if size > 1e-9 else math.nan


def scd(f, a, b):
    return correlation(f - b, a) + correlation(f - a, b)


def cc(f, a, b):
    return (correlation(a, f) + correlation(b, f)) / 2


def mse(f, a, b):
    return (np.mean((f - a) ** 2) + np.mean((f - b) ** 2)) / 2


def mse_unit(f, a, b):
    return mse(f / 255, a / 255, b / 255)


def _decibels(peak, error):
    return 10 * math.log10(peak**2 / error) if error and peak else math.nan


def psnr(f, a, b):
    return _decibels(255, mse(f, a, b))


def psnr_of_brightest(f, a, b):
    return _decibels(f.max(), mse(f, a, b))


def psnr_unit(f, a, b):
    return _decibels(255, mse_unit(f, a, b))


def rmse_vifb(f, a, b):
    return sum(math.sqrt(((x - f) ** 2).sum()) / f.size for x in (a, b)) / 2


def psnr_vifb(f, a, b):
    return _decibels(255, rmse_vifb(f, a, b))


def ce(f, a, b):
    """Sum over the levels that both images have, in bits."""

    def towards(x):
        of_f = shares(f)
        terms = [p * math.log2(p / of_f[level]) for level, p in shares(x).items() if level in of_f]
        return math.fsum(terms) if terms else math.nan

    return (towards(a) + towards(b)) / 2


def ce_zoo(f, a, b):
    """Binary cross entropy of sigmoids in single precision, limited to 1e-7 and 1 - 1e-7."""
    one, least = np.float32(1), np.float32(1e-7)

    def sigmoid(x):
        return one / (one + np.exp(-x.astype(np.float32)))

    prediction = np.clip(sigmoid(f), least, one - least)
    target = np.clip((sigmoid(a) + sigmoid(b)) / 2, least, one - least)
    return float(np.mean(-(target * np.log(prediction) + (one - target) * np.log1p(-prediction)), dtype=float))


def qncie(f, a, b):
    """Entropy, to base 256, of the eigenvalues of the matrix of correlations."""
    matrix = [[correlation(x, y) for y in (a, b, f)] for x in (a, b, f)]
    if np.isnan(matrix).any():
        return math.nan
    return 1 + sum(r / 3 * math.log(r / 3, 256) for r in np.linalg.eigvalsh(matrix) if r > 0)


def qte(f, a, b):
    """Shannon's entropies with 1e-10 added in single precision."""

    def of(x):
        return math.fsum(-p * math.log2(np.float32(p) + np.float32(1e-10)) for p in shares(x).values())

    return of(a) + of(b) - of(f)
