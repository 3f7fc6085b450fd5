"""The conventions of Linfeng Tang's toolbox (Evaluation-for-Image-Fusion) since March 2023."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.metrics.ag import AG, average_gradient_per_step
from uaabench.metrics.cc import CC
from uaabench.metrics.en import EN
from uaabench.metrics.fmi import FMI_DCT, FMI_EDGE, FMI_W
from uaabench.metrics.mi import LEVELS, MI, Levels, entropy_of, joint_counts, levels
from uaabench.metrics.mse import MSE, mean_squared_error
from uaabench.metrics.nabf import NABF
from uaabench.metrics.profiles.base import Profile
from uaabench.metrics.profiles.planes import grey_by_matlab
from uaabench.metrics.psnr import PSNR
from uaabench.metrics.qabf import QABF
from uaabench.metrics.scd import SCD
from uaabench.metrics.sd import SD
from uaabench.metrics.sf import SF
from uaabench.metrics.ssim import SSIM, Similarity
from uaabench.metrics.vif import UNDEFINED_WITHOUT_STRUCTURE, VIF


def mutual_information(fused: Levels, ir: Levels, vi: Levels) -> float:
    """MI in bits with grey levels 254 and 255 sharing a bin of the joint histogram, but not of the single ones."""
    total = 0.0
    for source in (ir, vi):
        # Counting from 1 in 8 bit, 255 + 1 saturates.
        first, second = (np.minimum(image.of_pixels, LEVELS - 2) for image in (fused, source))
        joint = entropy_of(joint_counts(first, second))
        total += fused.entropy + source.entropy - joint
    return total


def mse(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """MSE of grey levels 0..1."""
    return mean_squared_error(fused, ir, vi) / 255**2


def psnr(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """PSNR of grey levels 0..1 with a peak of 255: the usual one plus 48.13 dB."""
    error = mse(fused, ir, vi)
    return 20 * math.log10(255 / math.sqrt(error)) if error > 0 else math.inf


MI_TANG = replace(
    MI,
    compute=mutual_information,
    features=levels,
    range=(0.0, 24.0),
    note="In bits. Levels 254 and 255 share a bin of the joint histogram only, so saturated pixels raise the value.",
)
AG_TANG = replace(
    AG,
    compute=lambda fused, _ir, _vi: average_gradient_per_step(fused),
    note="The sum is divided by (H-1)(W-1) instead of H W: 0.4 % more at 640x480.",
)
MSE_TANG = replace(MSE, compute=mse, range=(0.0, 1.0), note="Of grey levels 0..1.")
PSNR_TANG = replace(
    PSNR, compute=psnr, note="A peak of 255 over an error on 0..1: the usual number plus 48.13 dB (papers with 60 dB)."
)
VIF_TANG = replace(VIF, compute=UNDEFINED_WITHOUT_STRUCTURE)
METRICS = (
    EN,
    SD,
    SF,
    VIF_TANG,
    QABF,
    AG_TANG,
    MI_TANG,
    SCD,
    CC,
    MSE_TANG,
    PSNR_TANG,
    replace(
        SSIM,
        compute=Similarity(data_range=1.0, replicate=True).averaged,
        note="L = 1 although grey levels go to 255, as MATLAB's ssim assumes of floating point; replicated border.",
    ),
    replace(
        NABF,
        compute=lambda fused, ir, vi: NABF.compute(ir, vi, fused),
        gameable_by_noise=True,
        note="Called with its arguments in another order than it is written for: the infrared image is judged as if it "
        "were the fused one, with the visible and the fused image as its sources.",
    ),
    replace(FMI_EDGE, note="Called FMI_pixel there."),
    FMI_DCT,
    FMI_W,
)

TANG = Profile(
    name="tang",
    title="Tang's toolbox",
    version=1,
    summary="Linfeng Tang's MATLAB toolbox (Evaluation-for-Image-Fusion) as it is since March 2023.",
    planes=grey_by_matlab,
    reader="Decode to RGB, turn to grey by MATLAB's rgb2gray for uint8 (BT.601, halves up).",
    scale="whole grey levels 0..255; 0..1 for MSE and PSNR",
    rounding="none",
    sources="sum for MI, SCD and VIF; mean for CC, MSE, SSIM and FMI",
    logarithm="bits",
    ssim="Gaussian window of side 11 and sigma 1.5, replicated border, L = 1",
    undefined="0/0 is a missing value with its reason, also for VIF",
    reference="Linfeng-Tang/Evaluation-for-Image-Fusion, run by Octave",
    omitted="MS_SSIM, which there is the quality model of Ma et al. for multi-exposure fusion, not MS-SSIM.",
    metrics={metric.name: metric for metric in METRICS},
    headline=("EN", "SD", "SF", "MI", "VIF", "AG", "SCD", "Qabf"),
)
