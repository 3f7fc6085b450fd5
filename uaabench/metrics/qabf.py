"""Qabf: how well the edges of the two sources, their strength and their direction, are kept in the fused image.

With the Sobel responses sx, sy of an image (zeros beyond its border, so that the frame counts as an edge)

    g = sqrt(sx^2 + sy^2),   a = atan(sy / sx),  a = pi/2 where sx = 0
    G = min(g_X, g_F) / max(g_X, g_F),  G = g_F where they are equal;   A = 1 - |a_X - a_F| / (pi/2)
    Q_X = 0.9994 / (1 + exp(-15 (G - 0.5))) * 0.9879 / (1 + exp(-22 (A - 0.8)))
    Qabf = sum(Q_ir g_ir + Q_vi g_vi) / sum(g_ir + g_vi)     over all pixels

Directions are not wrapped: A goes down to -1. Equal to the evaluator of CDDFuse to 1e-6. Without any gradient in both
sources, that is when both are black, it is undefined.

Reference: Xydeas, Petrovic, "Objective image fusion performance measure", Electronics Letters 36, 2000,
doi:10.1049/el:20000267.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric, Summed
from uaabench.metrics.strips import elementwise


class Edges(NamedTuple):
    """Strength and direction, in (-pi/2, pi/2], of the gradient at each pixel."""

    strength: FloatImage
    direction: FloatImage


def edges(image: FloatImage) -> Edges:
    """Sobel gradient of an (H,W) image with whole values 0..255."""
    # The measure is defined by convolution, which mirrors the kernels: sx has the opposite sign of OpenCV's.
    sx = cv2.Sobel(image, cv2.CV_64F, 1, 0, scale=-1, borderType=cv2.BORDER_CONSTANT)
    sy = cv2.Sobel(image, cv2.CV_64F, 0, 1, borderType=cv2.BORDER_CONSTANT)
    return polar(np.asarray(sx, dtype=np.float64), np.asarray(sy, dtype=np.float64))


def polar(sx: FloatImage, sy: FloatImage) -> Edges:
    """Strength and direction of a gradient given by its two components."""
    return Edges(elementwise(_strength, sx, sy), elementwise(_direction, sx, sy))


def _strength(sx: FloatImage, sy: FloatImage) -> FloatImage:
    return np.asarray(np.sqrt(sx * sx + sy * sy))


def _direction(sx: FloatImage, sy: FloatImage) -> FloatImage:
    return np.asarray(np.arctan(np.divide(sy, sx, out=np.full_like(sx, np.inf), where=sx != 0)))


def edge_sums(fused: Edges, ir: Edges, vi: Edges) -> FloatImage:
    """Strength of the edges of both sources that the fused image keeps, and that there is, over all pixels: (2,)."""
    kept = sum(float(elementwise(_kept, *source, *fused).sum()) for source in (ir, vi))
    return np.array([kept, float(ir.strength.sum() + vi.strength.sum())])


def edge_preservation(sums: FloatImage) -> float:
    """Qabf by its `edge_sums`.

    Returns:
        0..0.9753, the upper limit for a fused image with the edges of both sources; NaN where no source has an edge.
    """
    kept, available = sums.tolist()
    return kept / available if available > 0 else math.nan


def edges_of_rows(found: Edges, rows: slice) -> Edges:
    """The edges in some of the rows."""
    return Edges(*(values[rows] for values in found))


def preservation(source: Edges, fused: Edges) -> FloatImage:
    """Share of the source's edge that the fused image keeps, at each pixel: Q_X, (H,W) in 0..0.9753."""
    return elementwise(_preservation, *source, *fused)


def _kept(g_x: FloatImage, a_x: FloatImage, g_f: FloatImage, a_f: FloatImage) -> FloatImage:
    return _preservation(g_x, a_x, g_f, a_f) * g_x


def _preservation(g_x: FloatImage, a_x: FloatImage, g_f: FloatImage, a_f: FloatImage) -> FloatImage:
    weaker, stronger = np.minimum(g_x, g_f), np.maximum(g_x, g_f)
    similarity = np.divide(weaker, stronger, out=g_f.copy(), where=weaker < stronger)
    alignment = 1 - np.abs(a_x - a_f) / (math.pi / 2)
    return np.asarray(
        (0.9994 * 0.9879) / ((1 + np.exp(-15 * (similarity - 0.5))) * (1 + np.exp(-22 * (alignment - 0.8))))
    )


QABF = Metric(
    name="Qabf",
    title="edge preservation",
    compute=Summed(sums=edge_sums, value=edge_preservation, border=1, inner=edges_of_rows),
    features=edges,
    higher_is_better=True,
    range=(0.0, 0.9994 * 0.9879 / (1 + math.exp(-22 * 0.2))),
    gameable_by_noise=False,
    version=1,
    reference="Xydeas and Petrovic, Electron. Lett. 2000",
    formula="sum(Q_AF g_A + Q_BF g_B) / sum(g_A + g_B), Q_XF = how much of the strength g and direction of the Sobel "
    "gradient of X is kept in F, by two logistic curves",
    undefined="neither source has a gradient",
)
