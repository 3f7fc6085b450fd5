"""The conventions of Linfeng Tang's toolbox before March 2023: MATLAB's 8-bit arithmetic, which saturates at 255.

Papers of 2020 to 2023 that print an SD around 9 or an SF around 0.05 used it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.metrics.cc import CC
from uaabench.metrics.en import EN
from uaabench.metrics.nabf import NABF, edges
from uaabench.metrics.profiles.tang import AG_TANG, MI_TANG, MSE_TANG, PSNR_TANG, TANG
from uaabench.metrics.qabf import QABF, Edges, polar
from uaabench.metrics.scd import SCD
from uaabench.metrics.sd import SD
from uaabench.metrics.sf import SF, spatial_frequency
from uaabench.metrics.vif import (
    UNDEFINED_WITHOUT_STRUCTURE,
    VIF,
    WINDOW_SIDES,
    Scale,
    gaussian_window,
    information,
    measure,
    scales,
)

WHITE = 255.0
SOBEL = np.array([[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]])


def standard_deviation(fused: FloatImage) -> float:
    """SD in 8-bit arithmetic: differences below the mean become 0, those above are rounded, squares end at 255."""
    difference = np.floor(np.maximum(fused - fused.mean(), 0) + 0.5)
    return math.sqrt(float(np.mean(saturating_product(difference, difference))))


def saturating_product(first: FloatImage, second: FloatImage) -> FloatImage:
    """Product of two 8-bit images in 8 bit."""
    return np.minimum(first * second, WHITE)


def saturating_scales(image: FloatImage) -> list[Scale]:
    """The scales of VIF with the squares of the first one taken in 8 bit; the others are of floating point."""
    first = measure(image, gaussian_window(WINDOW_SIDES[0]), saturating_product)
    return [first, *scales(image)[1:]]


def information_sums(fused: list[Scale], ir: list[Scale], vi: list[Scale]) -> FloatImage:
    """The sums of VIF of three images, each given by its `saturating_scales`."""
    return np.array([part for source in (ir, vi) for part in information(fused, source, saturating_product)])


def edges_of_unit_range(image: FloatImage) -> Edges:
    """The gradient of grey levels 0..1, summed in the order of MATLAB's conv2: down the columns of the kernel.

    Rounding errors decide which gradients are zero or equal; in this order they are those of the published values.
    """
    return polar(_convolve(image / WHITE, SOBEL.T), _convolve(image / WHITE, -SOBEL))


def _convolve(image: FloatImage, kernel: FloatImage) -> FloatImage:
    """Convolve (H,W) with (3,3), zeros beyond the border."""
    height, width = image.shape
    padded = np.pad(image, 1)
    total = np.zeros_like(image)
    for column in range(3):
        for row in range(3):
            if kernel[row, column] != 0:
                total += kernel[row, column] * padded[2 - row :, 2 - column :][:height, :width]
    return total


METRICS = (
    EN,
    replace(
        SD,
        compute=lambda fused, _ir, _vi: standard_deviation(fused),
        range=(0.0, math.sqrt(WHITE)),
        note="In 8-bit arithmetic: pixels below the mean count as 0, squares end at 255. Never above 16.",
    ),
    replace(
        SF,
        compute=lambda fused, _ir, _vi: spatial_frequency(fused) / WHITE,
        range=(0.0, math.sqrt(2)),
        note="Of grey levels 0..1.",
    ),
    replace(
        VIF,
        compute=replace(UNDEFINED_WITHOUT_STRUCTURE, sums=information_sums),
        features=saturating_scales,
        note="Products at the first scale are taken in 8 bit and end at 255: -9 to +58 %, another order of methods.",
    ),
    replace(
        QABF,
        features=edges_of_unit_range,
        note="Of grey levels 0..1, where rounding errors decide which gradients are equal or zero: the third decimal "
        "depends on the order of summation, here MATLAB's.",
    ),
    AG_TANG,
    MI_TANG,
    SCD,
    CC,
    MSE_TANG,
    PSNR_TANG,
    replace(
        NABF,
        features=lambda image: edges(image / WHITE),
        note="Of grey levels 0..1, where no gradient reaches the threshold 2, so that all pixels weigh the same.",
    ),
)

TANG_LEGACY = replace(
    TANG,
    name="tang-legacy",
    title="Tang's toolbox before March 2023",
    version=1,
    summary="The same toolbox as papers of 2020 to 2023 used it, with 8-bit arithmetic: SD around 9, SF around 0.05.",
    scale="0..255 in saturating 8-bit arithmetic for SD and the first scale of VIF; 0..1 for SF, Qabf, Nabf, MSE, PSNR",
    rounding="results of 8-bit arithmetic, halves up",
    sources="sum for MI, SCD and VIF; mean for CC and MSE",
    ssim="",
    reference="Linfeng-Tang/Evaluation-for-Image-Fusion before commit 7849642, run by Octave, and all 4158 "
    "values that were published for TNO",
    omitted="SSIM and MS_SSIM, which there are the quality model of Ma et al. for multi-exposure fusion; "
    "FMI, whose feature maps depend on the last bit of the image.",
    metrics={metric.name: metric for metric in METRICS},
    headline=("EN", "SD", "SF", "MI", "VIF", "AG", "SCD", "Qabf"),
)
