"""The conventions of VIFB, the visible and infrared image fusion benchmark."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric
from uaabench.metrics.ag import AG, average_gradient_per_step
from uaabench.metrics.ce import CE
from uaabench.metrics.ei import EI
from uaabench.metrics.en import EN
from uaabench.metrics.mi import MI, mutual_information_in_nats, stretched_levels
from uaabench.metrics.profiles.base import Profile
from uaabench.metrics.profiles.planes import each_channel
from uaabench.metrics.psnr import PSNR
from uaabench.metrics.qabf import QABF
from uaabench.metrics.qcb import QCB
from uaabench.metrics.qcv import QCV
from uaabench.metrics.sd import SD
from uaabench.metrics.sf import SF
from uaabench.metrics.ssim import PUBLISHED, SSIM


def spatial_frequency(fused: FloatImage) -> float:
    """SF with the sums divided by the number of pixels instead of the number of differences.

    A colour image is given as the matrix (H,3W), as which MATLAB indexes it there: the differences across the two seams
    of the channels count too, and one root is taken for all three.
    """
    squares = sum(float(np.sum(np.diff(fused, axis=axis) ** 2)) for axis in (0, 1))
    return math.sqrt(squares / fused.size)


def root_mean_squared_error(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """Mean over the sources of the norm of the difference divided by the number of pixels."""
    return float(np.linalg.norm(fused - ir) + np.linalg.norm(fused - vi)) / (2 * fused.size)


def psnr(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """PSNR of that error, as if it were a mean squared one."""
    error = root_mean_squared_error(fused, ir, vi)
    return 20 * math.log10(255 / math.sqrt(error)) if error > 0 else math.inf


METRICS = (
    replace(CE, note="Grey levels that one of the two images lacks are left out of the sum."),
    EN,
    replace(
        MI,
        compute=mutual_information_in_nats,
        features=stretched_levels,
        range=(0.0, 11.0904),
        note="In nats, after each image was stretched to 0..255 and rounded.",
    ),
    replace(
        PSNR,
        compute=psnr,
        note="20 log10(255 / sqrt(e)) with e the RMSE of this profile, which is no mean squared error: around 57 dB.",
    ),
    replace(
        AG,
        compute=lambda fused, _ir, _vi: average_gradient_per_step(fused),
        note="The sum is divided by (H-1)(W-1) instead of H W: 0.4 % more at 640x480.",
    ),
    EI,
    QABF,
    replace(SD, note="Called Variance there."),
    replace(
        SF,
        compute=lambda fused, _ir, _vi: spatial_frequency(fused),
        joins_channels=True,
        note="Divided by the number of pixels, not of differences: 0.1 % less. The channels of a colour image lie side "
        "by side in one matrix, where the steps across the two seams count: the mean of the channels is up to 14 % "
        "less. Three equal channels count as one, without seams.",
    ),
    Metric(
        name="RMSE",
        title="root mean squared error",
        compute=root_mean_squared_error,
        higher_is_better=False,
        range=(0.0, 255.0),
        gameable_by_noise=False,
        version=1,
        reference="Zhang, Ye, Xiao, CVPR Workshops 2020",
        formula="(||F - A|| / N + ||F - B|| / N) / 2, N = H W",
        note="The norm is divided by N, not by sqrt(N): the number falls with the size of the image.",
    ),
    replace(
        SSIM,
        compute=PUBLISHED.added_in_strips,
        range=(-2.0, 2.0),
        note="Sum over the sources; Gaussian window of side 11 and sigma 1.5 where it fits, L = 255.",
    ),
    QCB,
    QCV,
)

VIFB = Profile(
    name="vifb",
    title="VIFB",
    version=2,
    summary="The benchmark VIFB in MATLAB, which scores the channels of colour images one by one.",
    planes=each_channel,
    reader="Decode to RGB; each channel is scored by itself, a grey image counting as three equal ones; their mean. "
    "SF takes the channels as one matrix.",
    scale="whole grey levels 0..255",
    rounding="stretched levels for MI, halves up",
    sources="sum for MI and SSIM; mean for CE, PSNR and RMSE",
    logarithm="bits for EN and CE, nats for MI",
    ssim="Gaussian window of side 11 and sigma 1.5 where it fits, L = 255",
    undefined="0/0 is a missing value with its reason",
    reference="xingchenzhang/VIFB, run by Octave; and to all printed digits the values that it publishes for 23 "
    "methods on 21 pairs, 483 of SF and 5796 of the other twelve metrics",
    metrics={metric.name: metric for metric in METRICS},
    headline=("EN", "SD", "SF", "MI", "AG", "EI", "SSIM", "Qabf"),
)
