"""VIFF: visual information fidelity for fusion, where each pixel is compared with one of the two sources.

At each of the four scales of `vif` (Gaussian windows of side 17, 9, 5 and 3, every second pixel kept in between), with
local variances and covariances of a source X and the fused image F,

    g = cov(X,F) / var(X),   v = var(F) - g cov(X,F)
    kept = log10(1 + g^2 var(X) / (v + n)),   available = log10(1 + var(X) / n),   n = 0.005 * 255^2
    VIFF = sum_k p_k (sum kept + c) / (sum available + c),   p = (1, 0, 0.15, 1) / 2.15

Each pixel takes both terms from the source with the smaller gain g. g is 0 where a variance vanishes or the covariance
is negative; where it is 0 towards both sources the visible one counts, so the measure is not quite symmetric. c is 1e-7
per pixel, so that images without any structure count as equal. Equal to the authors' MATLAB code, VIFF_Public.m, to
1e-6, except where a scale holds nothing but rounding errors, as for chessboards of single pixels.

Reference: Han, Cai, Cao, Xu, "A new image fusion performance metric based on visual information fidelity",
Information Fusion 14, 2013, doi:10.1016/j.inffus.2011.08.002.
"""

import math
from typing import NamedTuple

import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric
from uaabench.metrics.vif import VANISHING, Scale, covariance, scales

SCALE_WEIGHTS = (1 / 2.15, 0.0, 0.15 / 2.15, 1 / 2.15)
NOISE_VARIANCE = 0.005 * 255**2
BASELINE = 1e-7


class Information(NamedTuple):
    """Towards one source, at each pixel of a scale: the gain, the information that is kept and that there is."""

    gain: FloatImage
    kept: FloatImage
    available: FloatImage


def fusion_information_fidelity(fused: list[Scale], ir: list[Scale], vi: list[Scale]) -> float:
    """VIFF of three images, each given by its `vif.scales`.

    Returns:
        At least 0; 1 where the fused image equals both sources; more where it has more contrast than they have.
    """
    value = 0.0
    for weight, small_f, small_ir, small_vi in zip(SCALE_WEIGHTS, fused, ir, vi, strict=True):
        if weight:
            value += weight * _fidelity(_information(small_f, small_ir), _information(small_f, small_vi))
    return value


def _fidelity(ir: Information, vi: Information) -> float:
    """Kept share of the information at one scale."""
    from_ir = ir.gain < vi.gain
    kept = np.where(from_ir, ir.kept, vi.kept) + BASELINE
    available = np.where(from_ir, ir.available, vi.available) + BASELINE
    return float(kept.sum() / available.sum())


def _information(fused: Scale, source: Scale) -> Information:
    """What the fused image keeps of one source at one scale."""
    common = covariance(source, fused)
    structured = (source.variance >= VANISHING) & (fused.variance >= VANISHING)
    gain = np.maximum(common, 0) / (source.variance + VANISHING) * structured
    unexplained = np.maximum(fused.variance - gain * common, VANISHING)
    variance = np.where(source.variance >= VANISHING, source.variance, 0)
    kept = np.log1p(gain * gain * variance / (unexplained + NOISE_VARIANCE)) / math.log(10)
    return Information(gain, kept, np.log1p(variance / NOISE_VARIANCE) / math.log(10))


VIFF = Metric(
    name="VIFF",
    title="visual information fidelity for fusion",
    compute=fusion_information_fidelity,
    features=scales,
    higher_is_better=True,
    range=(0.0, math.inf),
    gameable_by_noise=False,
    version=1,
    reference="Han et al., Inf. Fusion 2013",
    formula="sum_k p_k sum log(1 + g^2 var(X) / (v + n)) / sum log(1 + var(X) / n) over the pixels of scale k, each "
    "with the source X of smaller gain g = cov(X,F) / var(X); v = var(F) - g cov(X,F), p = (1, 0, 0.15, 1) / 2.15",
    min_size=41,
)
