"""The conventions of IVIF_ZOO, the metric code of a survey in Python, ported to torch from Tang's toolbox.

The toolbox computes in single precision. The profile promises what its code gives in double precision, equal to 4e-8,
except in the few places where rounding decides the value, which the docstrings name. What the toolbox prints, in single
precision, differs from that on real images by up to 1.4e-2 (SSIM), 8.9e-3 (MS-SSIM), 1.4e-3 (Qcb) and 2.7e-4 (VIF).
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric
from uaabench.metrics.ag import AG
from uaabench.metrics.cc import CC
from uaabench.metrics.ce import CE
from uaabench.metrics.ei import EI
from uaabench.metrics.en import EN
from uaabench.metrics.mi import MI, levels, mutual_information
from uaabench.metrics.ms_ssim import MS_SSIM, WEIGHTS
from uaabench.metrics.nabf import NABF, STRONG_EDGE, Edges, edges
from uaabench.metrics.nmi import NMI
from uaabench.metrics.profiles.base import Profile
from uaabench.metrics.profiles.planes import grey_by_pillow
from uaabench.metrics.profiles.tang import MSE_TANG, PSNR_TANG
from uaabench.metrics.qabf import QABF
from uaabench.metrics.qcb import QCB, masked, periods, weigh_frequencies
from uaabench.metrics.scd import SCD
from uaabench.metrics.sd import SD
from uaabench.metrics.sf import SF
from uaabench.metrics.ssim import SSIM, Similarity
from uaabench.metrics.vif import VIF, WINDOW_SIDES, Scale, blur, information_sums, measure, visual_information_fidelity

# The toolbox multiplies its grey levels by 255 as if they were in 0..1, which they are not, and takes L = 255.
SIMILARITY = Similarity(data_range=1.0)


def entropy(fused: FloatImage) -> float:
    """EN with 1e-7 added to each share, in float32: -sum p log2(p + 1e-7), in bits; below 0 for a constant image."""
    return _entropy_in_float32(fused, 1e-7)


def qte(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """H(A) + H(B) - H(F) in bits, with 1e-10 added to each share, in float32: Tsallis entropy of order 1 is Shannon's.

    No joint histogram is in it, so it says nothing of how the images belong together: -8..16.
    """
    of_fused, of_ir, of_vi = (_entropy_in_float32(image, 1e-10) for image in (fused, ir, vi))
    return of_ir + of_vi - of_fused


def nmi(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """2 [I(F;A) + I(F;B)] / [H(A) + H(B) + 1e-10]: without the entropy of F, and one quotient for both sources.

    1e-10 is also added to each share under the logarithm of H(A) and H(B), which are below 0 for constant images.
    """
    of_sources = sum(float(-np.sum(share * np.log2(share + 1e-10))) for share in (_histogram(ir), _histogram(vi)))
    return 2 * mutual_information(levels(fused), levels(ir), levels(vi)) / (of_sources + 1e-10)


def cross_entropy(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """Mean binary cross entropy, in nats, of sigmoid(F) to the mean of sigmoid(A) and sigmoid(B), pixel by pixel.

    No histogram is in it, and the sigmoid of a grey level: in float32 it is 1 from level 17 on, and limited to
    1 - 1e-7, also in float32. So only pixels that are all but black in some image count.
    """
    sigmoid = 1 / (1 + np.exp(-np.arange(256, dtype=np.float32)))
    of_fused, of_ir, of_vi = (sigmoid[image.astype(np.intp)] for image in (fused, ir, vi))
    limits = np.float32(1e-7), np.float32(1 - 1e-7)
    predicted, target = (np.clip(part, *limits) for part in (of_fused, (of_ir + of_vi) / 2))
    terms = (target - 1) * np.log1p(-predicted) - target * np.log(predicted)
    return float(np.mean(terms, dtype=np.float64))


def edge_intensity(fused: FloatImage) -> float:
    """EI with zeros beyond the border, so that the frame of the image counts as an edge."""
    sx = cv2.Sobel(fused, cv2.CV_64F, 1, 0, borderType=cv2.BORDER_CONSTANT)
    sy = cv2.Sobel(fused, cv2.CV_64F, 0, 1, borderType=cv2.BORDER_CONSTANT)
    return float(np.mean(np.sqrt(sx * sx + sy * sy)))


def ms_ssim(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """MS-SSIM(A,F) + MS-SSIM(B,F) with L = 1 for grey levels 0..255; sides of at least 161.

    From scale to scale an odd side gets a zero at both ends before 2 x 2 pixels are averaged.
    """
    return _multi_scale_similarity(fused, ir) + _multi_scale_similarity(fused, vi)


def vif(fused: list[Scale], ir: list[Scale], vi: list[Scale]) -> float:
    """VIF of three images, each given by its `padded_scales`; NaN where a source is black."""
    return visual_information_fidelity(information_sums(fused, ir, vi), structureless=math.nan)


def qy(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """Yang's selection of local SSIMs, by the SSIM of the sources, in a window of side 7 whose weights sum to 7.

    It is a Gaussian along rows and all ones along columns, so that "variances" 7 E[x^2] - 49 E[x]^2 are mostly
    negative, with zeros beyond the border and L = 1. Where the sources are similar, from 0.75 on, their SSIMs with F
    are weighted by the variances; elsewhere the greater counts.
    """
    weights = np.exp(-0.5 * (np.arange(-3, 4) / 1.5) ** 2)
    rows, columns = weights / weights.sum(), np.ones(7)
    means = [_filter_with_zeros(image, rows, columns) for image in (fused, ir, vi)]

    def covariance(first: int, second: int) -> FloatImage:
        images = (fused, ir, vi)
        return _filter_with_zeros(images[first] * images[second], rows, columns) - means[first] * means[second]

    variances = [covariance(image, image) for image in range(3)]

    def similarity(first: int, second: int) -> FloatImage:
        m1, m2, v1, v2 = means[first], means[second], variances[first], variances[second]
        common = (2 * m1 * m2 + 1e-4) * (2 * covariance(first, second) + 9e-4)
        return np.asarray(common / ((m1 * m1 + m2 * m2 + 1e-4) * (v1 + v2 + 9e-4)))

    with_ir, with_vi = similarity(0, 1), similarity(0, 2)
    share = variances[1] / (variances[1] + variances[2] + 1e-10)
    alike = similarity(1, 2) >= 0.75
    return float(np.mean(np.where(alike, share * with_ir + (1 - share) * with_vi, np.maximum(with_ir, with_vi))))


def qcb(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """Qcb of three images, each given by its `contrast`.

    1e-10 is added to the sum of the saliencies. NaN where an image is constant.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        kept_ir, kept_vi = (np.minimum(source, fused) / np.maximum(source, fused) for source in (ir, vi))
        salient_ir, salient_vi = ir * ir, vi * vi
        return float(np.mean((salient_ir * kept_ir + salient_vi * kept_vi) / (salient_ir + salient_vi + 1e-10)))


def qncie(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """1 + sum_i (r_i / 3) log256(r_i / 3), r_i the eigenvalues of the matrix of Pearson's correlations of A, B and F.

    0 log 0 = 0. The definition has nonlinear correlations, of histograms of ranks. NaN where an image is constant.
    """
    images = np.stack([image.ravel() for image in (ir, vi, fused)])
    if (np.ptp(images, axis=1) == 0).any():
        return math.nan
    share = np.maximum(np.linalg.eigvalsh(np.corrcoef(images)), 0) / 3
    return float(1 + np.sum(share * np.log2(share, where=share > 0, out=np.zeros(3))) / 8)


def _histogram(image: FloatImage) -> NDArray[np.float64]:
    """Share of the pixels at each of the 256 grey levels."""
    return np.asarray(np.bincount(image.astype(np.intp).ravel(), minlength=256) / image.size)


def _entropy_in_float32(image: FloatImage, offset: float) -> float:
    share = _histogram(image)
    return float(-np.sum(share * np.log2((share.astype(np.float32) + np.float32(offset)).astype(np.float64))))


def strong_edges(image: FloatImage) -> Edges:
    """The edges of Nabf with weight 0 instead of 0.001 where the gradient is below 2."""
    found = edges(image)
    return found._replace(weight=np.where(found.strength >= STRONG_EDGE, found.weight, 0.0))


def _multi_scale_similarity(fused: FloatImage, source: FloatImage) -> float:
    product = 1.0
    for scale, weight in enumerate(WEIGHTS, start=1):
        luminance, structure = SIMILARITY.maps(fused, source)
        factor = np.mean(luminance * structure if scale == len(WEIGHTS) else structure)
        product *= max(float(factor), 0.0) ** weight
        fused, source = _halve(fused), _halve(source)
    return product


def _halve(image: FloatImage) -> FloatImage:
    """Average 2 x 2 pixels after an odd side got a zero at both ends."""
    even = np.pad(image, [(side % 2, side % 2) for side in image.shape])
    height, width = (side // 2 for side in even.shape)
    return np.asarray(even[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean(axis=(1, 3)))


def padded_scales(image: FloatImage) -> list[Scale]:
    """The four scales of VIF, each in a frame of zeros, with windows off their centre."""
    found: list[Scale] = []
    for side in WINDOW_SIDES:
        window = _off_centre_window(side)
        if found:
            image = np.ascontiguousarray(blur(np.pad(image, side // 2), window)[::2, ::2])
        found.append(measure(np.pad(image, side // 2), window))
    return found


def _off_centre_window(side: int) -> FloatImage:
    """Weights (side,) of a Gaussian with sigma = side / 5 at steps of (side + 1) / side, from -(side + 1) / 2 on."""
    offset = np.linspace(-(side + 1) / 2, (side - 1) / 2, side)
    weights = np.exp(-0.5 * (offset / (side / 5)) ** 2)
    return np.asarray(weights / weights.sum())


def contrast(image: FloatImage) -> FloatImage:
    """Contrast of Qcb of the image stretched to 0..1 without rounding, with periods / 30 instead of periods / 15."""
    lowest, highest = image.min(), image.max()
    radius = periods(image.shape) / 30
    sensitivity = np.exp(-((radius / 15.387) ** 2)) - 0.7622 * np.exp(-((radius / 1.3456) ** 2))
    return masked(weigh_frequencies((image - lowest) / (highest - lowest), sensitivity))


def _filter_with_zeros(image: FloatImage, rows: FloatImage, columns: FloatImage) -> FloatImage:
    """Filter along rows and along columns, with zeros beyond the border."""
    return np.asarray(cv2.sepFilter2D(image, cv2.CV_64F, rows, columns, borderType=cv2.BORDER_CONSTANT))


def _itself(image: FloatImage) -> FloatImage:
    return image


METRICS = (
    replace(
        EN,
        compute=lambda fused, _ir, _vi: entropy(fused),
        range=(-1e-6, 8.0),
        note="1e-7 is added to each probability under the logarithm: up to 0.00004 less.",
    ),
    SD,
    SF,
    replace(
        VIF,
        compute=vif,
        features=padded_scales,
        note="Zeros beyond the border and windows drawn off their centre: +2 to +20 %. In double precision; the "
        "toolbox in single precision prints numbers that differ by up to 0.027 % on real images.",
    ),
    QABF,
    AG,
    replace(
        EI, compute=lambda fused, _ir, _vi: edge_intensity(fused), note="Zeros beyond the border: its frame is an edge."
    ),
    MI,
    replace(
        NMI,
        compute=nmi,
        features=_itself,
        range=(0.0, 4.0),
        note="Twice the mutual information over H(A) + H(B): the entropy of the fused image does not count.",
    ),
    SCD,
    CC,
    MSE_TANG,
    PSNR_TANG,
    replace(
        SSIM,
        compute=SIMILARITY.added,
        range=(-2.0, 2.0),
        note="Sum over the sources; L = 255 for grey levels that were multiplied by 255 once more, which is L = 1. In "
        "double precision; the toolbox in single precision prints numbers that differ by up to 1.4 % on real images, "
        "dark ones most.",
    ),
    replace(
        MS_SSIM,
        compute=ms_ssim,
        range=(0.0, 2.0),
        min_size=161,
        note="Sum over the sources; L = 1 as for SSIM; odd sides get a zero at both ends before halving. In double "
        "precision; the toolbox in single precision prints numbers that differ by up to 0.89 % on real images.",
    ),
    replace(
        NABF,
        features=strong_edges,
        note="Edges below the threshold weigh nothing instead of 0.001, so that it can be undefined.",
        undefined="neither source has an edge above the threshold",
    ),
    replace(
        QCB,
        compute=qcb,
        features=contrast,
        note="Frequencies of half the published value, and no rounding after stretching. In double precision; the "
        "toolbox in single precision prints numbers that differ by up to 0.14 % on real images.",
    ),
    replace(
        CE,
        compute=cross_entropy,
        features=_itself,
        range=(0.0, math.inf),
        note="The binary cross entropy of sigmoids of grey levels, pixel by pixel: all levels above 16 are the same.",
    ),
    Metric(
        name="Qncie",
        title="nonlinear correlation information entropy",
        compute=qncie,
        higher_is_better=True,
        range=(0.0, 1.0),
        gameable_by_noise=False,
        version=1,
        reference="Wang et al., Image Fusion: Algorithms and Applications, 2008",
        formula="1 + sum r/3 log256(r/3) over the eigenvalues r of the 3 x 3 matrix of correlations of A, B and F",
        note="Of linear correlations, where the definition takes those of ranks in 256 classes.",
        undefined="one of the three images is constant",
    ),
    Metric(
        name="Qte",
        title="Tsallis entropy",
        compute=qte,
        higher_is_better=True,
        range=(-8.0, 16.0),
        gameable_by_noise=False,
        version=1,
        reference="Cvejic et al., IEEE Trans. Inf. Technol. 2006",
        formula="H(A) + H(B) - H(F) in bits",
        note="Not the Tsallis entropy of the publication: an image with fewer grey levels is better.",
    ),
    Metric(
        name="Qy",
        title="Yang's similarity",
        compute=qy,
        higher_is_better=True,
        range=(-math.inf, math.inf),
        gameable_by_noise=True,
        version=1,
        reference="Yang et al., Meas. Sci. Technol. 2008",
        formula="mean of share SSIM(A,F) + (1 - share) SSIM(B,F) where SSIM(A,B) >= 0.75, of their maximum elsewhere; "
        "share = var(A) / (var(A) + var(B))",
        note="The window is Gaussian along rows and constant along columns and sums to 7; L = 1 on grey levels 0..255.",
    ),
)

IVIF_ZOO = Profile(
    name="ivif-zoo",
    title="IVIF_ZOO",
    version=1,
    summary="The Python metrics of the survey IVIF_ZOO, ported from Tang's toolbox with differences of their own.",
    planes=grey_by_pillow,
    reader='Decode and turn to grey by Pillow\'s convert("L") (BT.601 in whole numbers, halves up).',
    scale="whole grey levels 0..255; 0..1 for MSE and PSNR",
    rounding="double precision, but for EN, Qte and CE; the toolbox computes in single precision",
    sources="sum for MI, SCD, VIF, SSIM and MS-SSIM; mean for CC and MSE",
    logarithm="bits; natural for CE",
    ssim="Gaussian window of side 11 and sigma 1.5 where it fits, L = 1",
    undefined="0/0 is a missing value with its reason",
    reference="RollingPlain/IVIF_ZOO Metric/, its code run in float64, to 4e-8; as published, in float32, its numbers "
    "differ from these on real images by up to 1.4e-2 for SSIM, 8.9e-3 for MS-SSIM, 1.4e-3 for Qcb and 2.7e-4 for VIF",
    metrics={metric.name: metric for metric in METRICS},
    headline=("EN", "SD", "SF", "MI", "VIF", "AG", "SCD", "SSIM", "Qabf"),
)
