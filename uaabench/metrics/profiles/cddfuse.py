"""The conventions of the evaluator of CDDFuse, and the same with SSIM on the range that the images have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.metrics.ag import AG
from uaabench.metrics.cc import CC
from uaabench.metrics.en import EN
from uaabench.metrics.mi import MI, mutual_information_in_nats
from uaabench.metrics.mse import MSE
from uaabench.metrics.profiles.base import Profile
from uaabench.metrics.profiles.planes import grey_by_opencv
from uaabench.metrics.psnr import PSNR, peak_signal_to_noise_ratio
from uaabench.metrics.qabf import QABF
from uaabench.metrics.scd import SCD
from uaabench.metrics.sd import SD
from uaabench.metrics.sf import SF
from uaabench.metrics.ssim import SSIM, Similarity
from uaabench.metrics.vif import VIF

UNIFORM = np.full(7, 1 / 7)
# scikit-image up to 0.19 took this range for a float image without a stated one: that of -1..1.
FORGOTTEN_RANGE = 2.0


def psnr(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """PSNR with the brightest grey level of the fused image as its peak."""
    return peak_signal_to_noise_ratio(fused, ir, vi, peak=float(fused.max()))


METRICS = (
    EN,
    SD,
    SF,
    VIF,
    QABF,
    AG,
    replace(
        MI,
        compute=mutual_information_in_nats,
        range=(0.0, 11.0904),
        note="In nats: 0.69 times the number in bits.",
    ),
    SCD,
    CC,
    MSE,
    replace(PSNR, compute=psnr, note="The peak is the brightest level of the fused image, not 255."),
    replace(
        SSIM,
        compute=Similarity(data_range=FORGOTTEN_RANGE, window=UNIFORM, unbiased=True).added_in_strips,
        range=(-2.0, 2.0),
        min_size=7,
        note="Sum over the sources; uniform 7x7 window; L = 2 although grey levels go to 255, as scikit-image up to "
        "0.19 assumed where no range was given (later versions refuse), so flat areas count as dissimilar.",
    ),
)

CDDFUSE = Profile(
    name="cddfuse",
    title="CDDFuse",
    version=1,
    summary="The conventions of CDDFuse's evaluator, which most papers of this line of work use.",
    planes=grey_by_opencv,
    reader=(
        "Decode to BGR by OpenCV, turn to grey by BT.601 (0.299 R + 0.587 G + 0.114 B) in float32, round half to even; "
        "float64 from there on."
    ),
    scale="whole grey levels 0..255",
    rounding="none before a table is printed",
    sources="sum for MI, SCD, VIF and SSIM; mean for CC and MSE",
    logarithm="bits for EN, nats for MI",
    ssim="uniform 7x7 window where it fits, unbiased variances, L = 2",
    undefined="VIF of a source without structure (0/0) counts as 1; any other 0/0 is a missing value with its reason",
    reference="Zhaozixiang1228/MMIF-CDDFuse utils/Evaluator.py, computed in float64",
    metrics={metric.name: metric for metric in METRICS},
    headline=("EN", "SD", "SF", "VIF", "Qabf"),
)

_SSIM255 = replace(
    SSIM,
    compute=Similarity(data_range=255, window=UNIFORM, unbiased=True).added_in_strips,
    range=(-2.0, 2.0),
    min_size=7,
    note="Sum over the sources; uniform 7x7 window; L = 255.",
)

CDDFUSE_SSIM255 = replace(
    CDDFUSE,
    name="cddfuse-ssim255",
    title="CDDFuse, SSIM on 0..255",
    version=1,
    summary="CDDFuse's evaluator with data_range=255 for SSIM, as its users write it for scikit-image 0.20 and later.",
    ssim="uniform 7x7 window where it fits, unbiased variances, L = 255",
    reference="Zhaozixiang1228/MMIF-CDDFuse utils/Evaluator.py with data_range=255, computed in float64",
    metrics={**CDDFUSE.metrics, "SSIM": _SSIM255},
)
