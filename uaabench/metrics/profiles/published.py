"""The profile `uaabench`: each metric by its published definition, without the quirks of any toolbox."""

from __future__ import annotations

from dataclasses import replace

from uaabench.metrics.ag import AG
from uaabench.metrics.cc import CC
from uaabench.metrics.ce import CE
from uaabench.metrics.en import EN
from uaabench.metrics.fmi import FMI_DCT, FMI_EDGE, FMI_W
from uaabench.metrics.mi import MI
from uaabench.metrics.ms_ssim import MS_SSIM
from uaabench.metrics.mse import MSE
from uaabench.metrics.nabf import NABF
from uaabench.metrics.nmi import NMI
from uaabench.metrics.perceptual import DISTS, FSIM, GMSD, HAARPSI, LPIPS, VSI
from uaabench.metrics.profiles.base import Profile
from uaabench.metrics.profiles.planes import grey_by_opencv
from uaabench.metrics.psnr import PSNR
from uaabench.metrics.qabf import QABF
from uaabench.metrics.qcb import QCB
from uaabench.metrics.qcv import QCV
from uaabench.metrics.quse import QUSE
from uaabench.metrics.scd import SCD
from uaabench.metrics.sd import SD
from uaabench.metrics.sf import SF
from uaabench.metrics.ssim import SSIM
from uaabench.metrics.vif import UNDEFINED_WITHOUT_STRUCTURE, VIF
from uaabench.metrics.viff import VIFF

METRICS = (
    EN,
    SD,
    SF,
    replace(VIF, compute=UNDEFINED_WITHOUT_STRUCTURE),
    QABF,
    QUSE,
    AG,
    MI,
    NMI,
    SCD,
    CC,
    MSE,
    PSNR,
    SSIM,
    MS_SSIM,
    VIFF,
    NABF,
    FMI_EDGE,
    FMI_DCT,
    FMI_W,
    QCB,
    QCV,
    CE,
    FSIM,
    GMSD,
    VSI,
    HAARPSI,
    LPIPS,
    DISTS,
)

PUBLISHED = Profile(
    name="uaabench",
    title="Published definitions",
    version=1,
    summary="Each metric as it was published, without the quirks of any toolbox.",
    planes=grey_by_opencv,
    reader=(
        "Decode by OpenCV, turn to grey by BT.601 (0.299 R + 0.587 G + 0.114 B) in float32, round half to even; "
        "float64 from there on."
    ),
    scale="whole grey levels 0..255",
    rounding="none before a table is printed",
    sources="sum for MI, NMI, SCD and VIF, as published; mean for every other metric that compares with one source",
    logarithm="bits",
    ssim="Gaussian window of side 11 and sigma 1.5 where it fits, L = 255",
    undefined="0/0 and infinity are missing values with their reason",
    reference="the publications named with each metric; golden values of the authors' code where it exists",
    metrics={metric.name: metric for metric in METRICS},
    headline=("EN", "SD", "SF", "MI", "SCD", "VIF", "Qabf", "SSIM", "Nabf"),
)
