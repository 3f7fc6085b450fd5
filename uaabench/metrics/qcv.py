"""Qcv: perceived difference between the fused image and the sources, where their edges are strong. Lower is better.

Each image is stretched to 0..255 by its own range and rounded. With the Sobel strength g_X of a source (zeros beyond
its border), and the difference filtered in the frequency domain by the contrast sensitivity S of the eye, in which k, l
count the periods over width and height,

    S(r) = 2.6 (0.0192 + 0.144 r) exp(-(0.144 r)^1.1),   r = sqrt(k^2 + l^2) / 4
    L_X = sum of g_X^5,   D_X = mean of (S * (X - F))^2     over each block of 16 x 16 pixels
    Qcv = sum(L_ir D_ir + L_vi D_vi) / sum(L_ir + L_vi)     over all blocks

Blocks that reach over the border are filled up with zeros. Equal to the MATLAB code of Z. Liu, metricChen.m, to 1e-6.
Undefined where an image is constant and not black, so that it cannot be stretched, and where both sources are black.

Reference: Chen, Varshney, "A human perception inspired quality metric for image fusion based on regional information",
Information Fusion 8, 2007, doi:10.1016/j.inffus.2005.10.001.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric
from uaabench.metrics.qcb import periods, stretched, weigh_frequencies

BLOCK = 16
SALIENCY_EXPONENT = 5


class Appearance(NamedTuple):
    """An image as the eye sees it, and the strength of its edges in each block."""

    seen: FloatImage
    saliency: FloatImage


def appearance(image: FloatImage) -> Appearance:
    """What Qcv needs of an (H,W) image with values 0..255."""
    visible = stretched(image)
    sx, sy = (cv2.Sobel(visible, cv2.CV_64F, *order, borderType=cv2.BORDER_CONSTANT) for order in ((1, 0), (0, 1)))
    scaled = 0.144 * periods(image.shape) / 4
    sensitivity = 2.6 * (0.0192 + scaled) * np.exp(-(scaled**1.1))
    # The filter is linear: the filtered difference of two images is the difference of the filtered ones.
    return Appearance(
        weigh_frequencies(visible, sensitivity), _sum_over_blocks(np.sqrt(sx * sx + sy * sy) ** SALIENCY_EXPONENT)
    )


def perceived_difference(fused: Appearance, ir: Appearance, vi: Appearance) -> float:
    """Qcv of three images, each given by its `appearance`.

    Returns:
        At least 0; 0 where the fused image equals both sources; NaN where an image is constant and not black, or both
        sources are black.
    """
    seen = available = 0.0
    for source in (ir, vi):
        difference = _sum_over_blocks((source.seen - fused.seen) ** 2) / BLOCK**2
        seen += float((source.saliency * difference).sum())
        available += float(source.saliency.sum())
    return seen / available if available else math.nan


def _sum_over_blocks(image: FloatImage) -> FloatImage:
    """Sums over blocks of 16 x 16 pixels; those at the right and lower border may hold fewer."""
    rows, columns = (np.arange(0, side, BLOCK) for side in image.shape)
    return np.asarray(np.add.reduceat(np.add.reduceat(image, rows, axis=0), columns, axis=1))


QCV = Metric(
    name="Qcv",
    title="perceived difference in salient regions",
    compute=perceived_difference,
    features=appearance,
    higher_is_better=False,
    range=(0.0, math.inf),
    gameable_by_noise=False,
    version=1,
    reference="Chen and Varshney, Inf. Fusion 2007",
    formula="sum(L_A D_A + L_B D_B) / sum(L_A + L_B) over blocks of 16 x 16 pixels, L_X = sum g_X^5 of the Sobel "
    "strength, D_X = mean square of X - F filtered by the contrast sensitivity of the eye",
    undefined="an image is constant, or both sources are black",
)
