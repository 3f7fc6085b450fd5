"""Metrics of local means and variances: SSIM, MS-SSIM, VIF, VIFF and Qy. Images are (H,W) float64 of levels 0..255."""

import math

import numpy as np
from scipy.signal import correlate2d

SCALES = (17, 9, 5, 3)
MS_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def gaussian(side, sigma, offsets=None):
    """A normalised two-dimensional Gaussian (side,side)."""
    offsets = np.arange(side) - (side - 1) / 2 if offsets is None else offsets
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None, :] ** 2) / (2 * sigma**2))
    return window / window.sum()


def _ssim_maps(x, y, data_range, window, *, unbiased=False):
    def mean(image):
        return correlate2d(image, window, mode="valid")

    scale = window.size / (window.size - 1) if unbiased else 1
    mx, my = mean(x), mean(y)
    vx, vy, vxy = (scale * (mean(p) - q) for p, q in ((x * x, mx * mx), (y * y, my * my), (x * y, mx * my)))
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    return (2 * mx * my + c1) / (mx * mx + my * my + c1), (2 * vxy + c2) / (vx + vy + c2)


def _ssim(x, y, data_range, window, *, unbiased=False):
    luminance, structure = _ssim_maps(x, y, data_range, window, unbiased=unbiased)
    return (luminance * structure).mean()


def ssim_uniform(data_range):
    """Sum over the sources, uniform 7x7 window, sample variances."""
    window = np.full((7, 7), 1 / 49)
    return lambda f, a, b: sum(_ssim(x, f, data_range, window, unbiased=True) for x in (a, b))


def ssim_gaussian_sum(data_range):
    """Sum over the sources, Gaussian of side 11."""
    return lambda f, a, b: sum(_ssim(x, f, data_range, gaussian(11, 1.5)) for x in (a, b))


def ssim(f, a, b):
    return ssim_gaussian_sum(255)(f, a, b) / 2


def ssim_tang(f, a, b):
    """MATLAB's ssim of doubles: L = 1, replicated border; mean over the sources."""
    f, a, b = (np.pad(x, 5, mode="edge") for x in (f, a, b))
    return ssim_gaussian_sum(1)(f, a, b) / 2


def _ms_ssim(f, x, data_range, halve):
    product = 1.0
    for number, weight in enumerate(MS_WEIGHTS):
        luminance, structure = _ssim_maps(x, f, data_range, gaussian(11, 1.5))
        factor = (luminance * structure).mean() if number == 4 else structure.mean()
        product *= max(factor, 0) ** weight
        f, x = halve(f), halve(x)
    return product


def _means_of_four(x):
    return (x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]) / 4


def ms_ssim(f, a, b):
    def halve(x):
        return _means_of_four(x[: len(x) // 2 * 2, : len(x[0]) // 2 * 2])

    return (_ms_ssim(f, a, 255, halve) + _ms_ssim(f, b, 255, halve)) / 2


def ms_ssim_zoo(f, a, b):
    """Sum over the sources, L = 1, odd sides with a zero at both ends."""

    def halve(x):
        padded = np.pad(x, [(side % 2, side % 2) for side in x.shape])
        return _means_of_four(padded[: len(padded) // 2 * 2, : len(padded[0]) // 2 * 2])

    return _ms_ssim(f, a, 1, halve) + _ms_ssim(f, b, 1, halve)


def _product(x, y):
    return x * y


def _in_bytes(x, y):
    """In uint8, where products end at 255."""
    return np.minimum(x * y, 255)


def _statistics(x, f, window, product, frame):
    """Local variances of a source and the fused image, and their covariance."""

    def mean(image):
        return correlate2d(image, window, mode="valid")

    x, f = np.pad(x, frame), np.pad(f, frame)
    mx, mf = mean(x), mean(f)
    vx, vf = (np.maximum(mean(product(p, p)) - m * m, 0) for p, m in ((x, mx), (f, mf)))
    return vx, vf, mean(product(x, f)) - mx * mf


def _gain(vx, vf, vxf):
    """Gain and unexplained variance at one pixel, as in vifp_mscale."""
    if vx < 1e-10:
        return 0.0, vf, 0.0
    if vf < 1e-10:
        return 0.0, 0.0, vx
    gain = vxf / (vx + 1e-10)
    return (gain, vf - gain * vxf, vx) if gain >= 0 else (0.0, vf, vx)


def _scales(x, f, window_of, first=_product, padded=False):
    """At each scale, for each pixel: gain, unexplained variance, variance of the source."""
    for number, side in enumerate(SCALES):
        window, frame = window_of(side), side // 2 if padded else 0
        if number:
            x, f = (correlate2d(np.pad(image, frame), window, mode="valid")[::2, ::2] for image in (x, f))
        statistics = _statistics(x, f, window, _product if number else first, frame)
        yield [_gain(*map(float, values)) for values in zip(*(part.ravel() for part in statistics), strict=True)]


def _vif(x, f, window_of=lambda side: gaussian(side, side / 5), **options):
    kept = available = 0.0
    for pixels in _scales(x, f, window_of, **options):
        kept += math.fsum(math.log1p(g * g * vx / (max(v, 1e-10) + 2)) for g, v, vx in pixels)
        available += math.fsum(math.log1p(vx / 2) for _, _, vx in pixels)
    return kept / available if available else math.nan


def vif(f, a, b):
    # A common offset changes no variance, but the rounding errors of those that are 0.
    f, a, b = (x - x.mean() for x in (f, a, b))
    return _vif(a, f) + _vif(b, f)


def vif_one_for_nothing(f, a, b):
    """A source without structure counts as 1."""
    f, a, b = (x - x.mean() for x in (f, a, b))
    return sum(1.0 if math.isnan(value) else value for value in (_vif(a, f), _vif(b, f)))


def vif_legacy(f, a, b):
    """Products at the first scale in uint8."""
    return _vif(a, f, first=_in_bytes) + _vif(b, f, first=_in_bytes)


def vif_zoo(f, a, b):
    """Zeros beyond the border, windows off their centre."""

    def window(side):
        return gaussian(side, side / 5, np.linspace(-(side + 1) / 2, (side - 1) / 2, side))

    return _vif(a, f, window, padded=True) + _vif(b, f, window, padded=True)


def viff(f, a, b):
    """Each pixel from the source with the smaller gain, the visible one where they are equal."""
    noise, value = 0.005 * 255**2, 0.0
    f, a, b = (x - x.mean() for x in (f, a, b))

    def window(side):
        return gaussian(side, side / 5)

    for weight, of_a, of_b in zip((1, 0, 0.15, 1), _scales(a, f, window), _scales(b, f, window), strict=True):
        chosen = [pa if pa[0] < pb[0] else pb for pa, pb in zip(of_a, of_b, strict=True)]
        kept = math.fsum(math.log10(1 + g * g * vx / (max(v, 1e-10) + noise)) + 1e-7 for g, v, vx in chosen)
        value += weight / 2.15 * kept / math.fsum(math.log10(1 + vx / noise) + 1e-7 for _, _, vx in chosen)
    return value


def qy(f, a, b):
    """Yang's selection with a window of side 7 that sums to 7, Gaussian along rows, and L = 1."""
    row = np.exp(-(np.arange(-3, 4) ** 2) / (2 * 1.5**2))
    window = np.ones((7, 1)) * (row / row.sum())[None, :]

    def mean(x):
        return correlate2d(x, window, mode="same")

    def covariance(x, y):
        return mean(x * y) - mean(x) * mean(y)

    def similarity(x, y):
        mx, my = mean(x), mean(y)
        common = (2 * mx * my + 1e-4) * (2 * covariance(x, y) + 9e-4)
        return common / ((mx**2 + my**2 + 1e-4) * (covariance(x, x) + covariance(y, y) + 9e-4))

    with_a, with_b, va, vb = similarity(a, f), similarity(b, f), covariance(a, a), covariance(b, b)
    share = va / (va + vb + 1e-10)
    weighted = share * with_a + (1 - share) * with_b
    return np.where(similarity(a, b) >= 0.75, weighted, np.maximum(with_a, with_b)).mean()
