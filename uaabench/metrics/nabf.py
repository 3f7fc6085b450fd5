"""Nabf: edges of the fused image that stand in neither source, that is noise and artefacts of the fusion.

With the Sobel responses sx, sy of an image (divided by 8; mirrored at its border, without repeating the edge sample)

    g = sqrt(sx^2 + sy^2),   a = atan(sx / sy),  a = 0 where both are 0
    G = min(g_X, g_F) / max(g_X, g_F),  G = 0 where either is 0;   A = | |a_X - a_F| - pi/2 | / (pi/2)
    Q_X = sqrt(0.9999 / (1 + exp(-19 (G - 0.5))) * 0.9995 / (1 + exp(-22 (A - 0.5))))
    w_X = g_X^1.5 where g_X >= 2, else 0.001
    Nabf = sum over pixels with g_F > g_ir and g_F > g_vi of (1 - Q_ir) w_ir + (1 - Q_vi) w_vi,
           divided by the sum of w_ir + w_vi over all pixels

Lower is better. The threshold of 2 and the floor of 0.001 make it depend on the scale of the images: 0..255 is meant.
Equal to the author's MATLAB code to 1e-6.

Reference: Shreyamsha Kumar, "Multifocus and multispectral image fusion based on pixel significance using discrete
cosine harmonic wavelet transform", Signal, Image and Video Processing 7, 2013, doi:10.1007/s11760-012-0361-x; after
Petrovic, Xydeas, "Objective image fusion performance characterisation", ICCV 2005, doi:10.1109/ICCV.2005.175.
"""

import math
from typing import NamedTuple

import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric

STRONG_EDGE = 2.0
WEIGHT_OF_WEAK_EDGES = 0.001


class Edges(NamedTuple):
    """Strength, direction in [-pi/2, pi/2] and weight as a source of the gradient at each pixel."""

    strength: FloatImage
    direction: FloatImage
    weight: FloatImage


def edges(image: FloatImage) -> Edges:
    """Sobel gradient of an (H,W) image with values 0..255, H and W at least 2."""
    # Pixels are added in the order of the published code: on images in 0..1 equal strengths hang on the rounding.
    around = np.pad(image, 1, mode="reflect")
    columns = around[:-2] + 2 * around[1:-1] + around[2:]
    steps = around[2:] - around[:-2]
    sx = (columns[:, 2:] - columns[:, :-2]) / 8
    sy = (steps[:, :-2] + 2 * steps[:, 1:-1] + steps[:, 2:]) / 8
    strength = np.sqrt(sy * sy + sx * sx)
    # Where sy = 0 the sign of the slope is lost, but both signs are equally well aligned with any other direction.
    slope = np.divide(sx, sy, out=np.where(sx == 0, 0.0, np.inf), where=sy != 0)
    weight = np.where(strength >= STRONG_EDGE, strength**1.5, WEIGHT_OF_WEAK_EDGES)
    return Edges(strength, np.arctan(slope), weight)


def added_edges(fused: Edges, ir: Edges, vi: Edges) -> float:
    """Nabf of three images, each given by its `edges`.

    Returns:
        0..1; 0 where no edge of the fused image is stronger than those of both sources, so for each source itself.
    """
    added = (fused.strength > ir.strength) & (fused.strength > vi.strength)
    lost = sum(float(((1 - _preservation(source, fused)) * source.weight)[added].sum()) for source in (ir, vi))
    total = float(ir.weight.sum() + vi.weight.sum())
    return lost / total if total > 0 else math.nan


def _preservation(source: Edges, fused: Edges) -> FloatImage:
    """Share of the source's edge that the fused image keeps, at each pixel."""
    weaker, stronger = np.minimum(source.strength, fused.strength), np.maximum(source.strength, fused.strength)
    similarity = np.divide(weaker, stronger, out=np.zeros_like(weaker), where=weaker > 0)
    alignment = np.abs(np.abs(source.direction - fused.direction) - math.pi / 2) / (math.pi / 2)
    strength_kept = 0.9999 / (1 + np.exp(-19 * (similarity - 0.5)))
    direction_kept = 0.9995 / (1 + np.exp(-22 * (alignment - 0.5)))
    return np.asarray(np.sqrt(strength_kept * direction_kept))


NABF = Metric(
    name="Nabf",
    title="fusion artefacts",
    compute=added_edges,
    features=edges,
    higher_is_better=False,
    range=(0.0, 1.0),
    gameable_by_noise=False,
    version=1,
    reference="Shreyamsha Kumar, Signal Image Video Process. 2013",
    formula="sum over pixels with g_F > g_A, g_B of (1 - Q_AF) w_A + (1 - Q_BF) w_B, over sum(w_A + w_B); Q_XF = how "
    "much of the strength g and direction of the Sobel gradient of X is kept in F, w = g^1.5 where g >= 2, else 0.001",
    min_size=2,
)
