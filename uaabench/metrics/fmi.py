"""FMI: mutual information of image features, window by window; the fast variant, with edges, DCT or wavelets.

In each window of 3 x 3 neighbours of a feature map, read by columns, the features of an image are stretched to 0..1 and
divided by their sum (all 1/9 where they are equal): a distribution p over the positions 1..9, with running sums P,
entropy H and standard deviation s. For a source X and the fused image F, with the correlation c of the nine values of
p_X and p_F, the joint distribution is taken between independence and the closest dependence that there can be:

    joint = phi * bound + (1 - phi) p_X p_F',   phi = c s_X s_F / sum(B - P_X P_F')
    bound = mixed differences of B;   B = min(P_X, P_F') where c >= 0,  max(P_X + P_F' - 1, 0) where c < 0
    I_X = 2 (H_X + H_F - H_joint) / (H_X + H_F),   1 where the features in the window are equal
    FMI = mean of (I_ir + I_vi) / 2     over all windows

with phi = 0 where a standard deviation is 0. Where phi exceeds 1 some masses are negative: entropies take the logarithm
of the magnitude, and I_X of a window can exceed 1. FMI_edge, also called FMI_pixel, uses MATLAB's Sobel edge map;
FMI_dct the DCT of the whole image; FMI_w one level of MATLAB's discrete Meyer wavelets, whose filter has 102 taps. All
equal, to 1e-6, a port of the authors' code that reproduces values published from MATLAB.

Reference: Haghighat, Razian, "Fast-FMI: non-reference image fusion metric", AICT 2014, doi:10.1109/ICAICT.2014.7036000;
after Haghighat, Aghagolzadeh, Seyedarabi, Computers and Electrical Engineering 37, 2011,
doi:10.1016/j.compeleceng.2011.07.012.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric
from uaabench.metrics.feature_maps import cosine_transform, edge_map, stretched, wavelet_transform

WINDOW = 3
POSITIONS = np.arange(1.0, WINDOW**2 + 1)[:, None]
WINDOWS_AT_ONCE = 512  # what fits into the cache is twice as fast


class Distributions(NamedTuple):
    """Of N windows of a feature map: p, P (9,N), entropy in bits and standard deviation (N,)."""

    p: FloatImage
    cumulated: FloatImage
    entropy: FloatImage
    deviation: FloatImage


def feature_information(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """FMI of three feature maps (H,W) of the same kind, H and W at least 3: 0..1, 1 where all maps are equal."""
    total = 0.0
    for in_fused, in_ir, in_vi in zip(_windows(fused), _windows(ir), _windows(vi), strict=True):
        total += _information(in_fused, in_ir) + _information(in_fused, in_vi)
    height, width = fused.shape
    return float(total / (2 * (height - WINDOW + 1) * (width - WINDOW + 1)))


def _windows(features: FloatImage) -> Iterator[FloatImage]:
    """All windows, some rows of them at a time: (9,N)."""
    views = np.lib.stride_tricks.sliding_window_view(features, (WINDOW, WINDOW))
    rows = max(1, WINDOWS_AT_ONCE // views.shape[1])
    for first in range(0, len(views), rows):
        yield views[first : first + rows].transpose(3, 2, 0, 1).reshape(WINDOW**2, -1)


def _information(fused: FloatImage, source: FloatImage) -> float:
    """Sum of the normalised mutual information of N pairs of windows."""
    differ = (fused != source).any(axis=0)
    f, x = _distributions(fused[:, differ]), _distributions(source[:, differ])
    entropies = f.entropy + x.entropy
    mutual = entropies - _joint_entropy(f, x)
    shared = np.divide(2 * mutual, entropies, out=np.zeros_like(mutual), where=mutual != 0)
    return float(shared.sum() + np.count_nonzero(~differ))


def _distributions(windows: FloatImage) -> Distributions:
    p = stretched(windows, axis=0)
    p /= p.sum(axis=0)
    mean = (POSITIONS * p).sum(axis=0)
    variance = (POSITIONS**2 * p).sum(axis=0) - mean**2
    return Distributions(p, p.cumsum(axis=0), _surprise(p).sum(axis=0), np.sqrt(np.maximum(variance, 0)))


def _joint_entropy(f: Distributions, x: Distributions) -> FloatImage:
    """Entropy in bits (N,) of the joint distribution of N pairs of windows."""
    correlation = _correlation(f.p, x.p)
    upper = np.minimum(f.cumulated[:, None], x.cumulated)
    lower = np.maximum(f.cumulated[:, None] + x.cumulated - 1, 0)
    bound = np.where(correlation >= 0, upper, lower)
    covariance = bound.sum(axis=(0, 1)) - f.cumulated.sum(axis=0) * x.cumulated.sum(axis=0)
    dependence = correlation * f.deviation * x.deviation
    phi = np.divide(dependence, covariance, out=np.zeros_like(dependence), where=(dependence != 0) & (covariance != 0))
    masses = np.diff(np.diff(bound, axis=0, prepend=0), axis=1, prepend=0)
    joint = phi * masses + (1 - phi) * f.p[:, None] * x.p
    return np.asarray(_surprise(joint).sum(axis=(0, 1)))


def _correlation(first: FloatImage, second: FloatImage) -> FloatImage:
    """Correlation (N,) of the nine values of N pairs of distributions, 0 where one is constant."""
    first, second = first - 1 / len(first), second - 1 / len(second)
    common = (first * second).sum(axis=0)
    size = np.sqrt((first * first).sum(axis=0) * (second * second).sum(axis=0))
    return np.asarray(np.divide(common, size, out=np.zeros_like(common), where=common != 0))


def _surprise(p: FloatImage) -> FloatImage:
    """-p log2 |p|, 0 where p is 0."""
    return np.asarray(-p * np.log2(np.abs(p) + (p == 0)))


def _card(name: str, title: str, features: Callable[[FloatImage], FloatImage], of: str) -> Metric:
    return Metric(
        name=name,
        title=title,
        compute=feature_information,
        features=features,
        higher_is_better=True,
        range=(0.0, 1.0),
        gameable_by_noise=False,
        version=1,
        reference="Haghighat and Razian, AICT 2014",
        formula=f"mean over 3 x 3 windows of I(F;A) / (H(F) + H(A)) + I(F;B) / (H(F) + H(B)) of {of}, "
        "as distributions over the window's positions",
        min_size=WINDOW,
    )


FMI_EDGE = _card("FMI_edge", "feature mutual information of edges", edge_map, "the Sobel edge maps")
FMI_DCT = _card("FMI_dct", "feature mutual information of the DCT", cosine_transform, "the DCT of the images")
FMI_W = _card("FMI_w", "feature mutual information of wavelets", wavelet_transform, "the Meyer wavelet coefficients")
