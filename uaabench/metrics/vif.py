"""VIF: visual information fidelity of the fused image towards each source, summed over the two sources.

The pixel-domain, multi-scale form. At each of four scales a source X and the fused image F are compared in Gaussian
windows of side 17, 9, 5 and 3 (sigma = side / 5); before the second and each further scale both images are blurred with
that scale's window and every second pixel is kept. With the local variances and the local covariance

    g = cov(X,F) / var(X),   v = var(F) - g cov(X,F)
    VIF_X = sum log(1 + g^2 var(X) / (v + 2)) / sum log(1 + var(X) / 2)     over all pixels of all scales
    VIF   = VIF_ir + VIF_vi

g is 0 where a variance vanishes or the covariance is negative. A source without any structure gives 0/0, for which
profiles have different rules.

Reference: Sheikh, Bovik, "Image information and visual quality", IEEE Transactions on Image Processing 15, 2006,
doi:10.1109/TIP.2005.859378.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import cv2
import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric, Summed
from uaabench.metrics.strips import elementwise

WINDOW_SIDES = (17, 9, 5, 3)
NOISE_VARIANCE = 2.0
VANISHING = 1e-10

Product = Callable[[FloatImage, FloatImage], FloatImage]


@dataclass(frozen=True)
class Scale:
    """An image at one scale with its local mean and variance, which are smaller by the side of the window less 1."""

    image: FloatImage
    mean: FloatImage
    variance: FloatImage
    window: FloatImage

    @cached_property
    def information(self) -> float:
        """What there is of a source to keep; computed when it is first asked for, as no fused image needs it."""
        return float(elementwise(_information, self.variance).sum())


def scales(image: FloatImage) -> list[Scale]:
    """The four scales of an (H,W) image with values 0..255, H and W at least 41."""
    # Without its mean no variance changes, and those of flat parts come out as 0 instead of a rounding error.
    smaller = image - image.mean()
    found: list[Scale] = []
    for side in WINDOW_SIDES:
        window = gaussian_window(side)
        if found:
            smaller = np.ascontiguousarray(blur(smaller, window)[::2, ::2])
        found.append(measure(smaller, window))
    return found


def measure(image: FloatImage, window: FloatImage, product: Product = np.multiply) -> Scale:
    """Local mean and variance of an image; `product` is how its values are multiplied."""
    mean = blur(image, window)
    return Scale(image, mean, elementwise(_variance, blur(product(image, image), window), mean), window)


def covariance(first: Scale, second: Scale, product: Product = np.multiply) -> FloatImage:
    """Local covariance of two images at one scale."""
    return elementwise(_covariance, blur(product(first.image, second.image), first.window), first.mean, second.mean)


def information_sums(fused: list[Scale], ir: list[Scale], vi: list[Scale]) -> FloatImage:
    """Information of the infrared source that the fused image keeps and that there is, and of the visible one: (4,)."""
    return np.array([*information(fused, ir), *information(fused, vi)])


def visual_information_fidelity(sums: FloatImage, *, structureless: float = 1.0) -> float:
    """VIF by its `information_sums`.

    Args:
        sums: Kept and available information of one source, and of the other.
        structureless: What a source counts as that has no structure and so no information to keep.

    Returns:
        At least 0; 2 where the fused image equals both sources; more where it has more contrast than they have.
    """
    kept_ir, ir, kept_vi, vi = sums.tolist()
    return (kept_ir / ir if ir > 0 else structureless) + (kept_vi / vi if vi > 0 else structureless)


def information(fused: list[Scale], source: list[Scale], first: Product = np.multiply) -> tuple[float, float]:
    """What the fused image keeps of a source, and what there is; `first` multiplies values at the first scale."""
    kept = 0.0
    for number, (small_f, small_x) in enumerate(zip(fused, source, strict=True)):
        common = covariance(small_x, small_f, np.multiply if number else first)
        kept += float(elementwise(_kept, small_x.variance, small_f.variance, common).sum())
    return kept, sum(small_x.information for small_x in source)


def scales_of_rows(found: list[Scale], rows: slice) -> list[Scale]:
    """The four scales as far as windows are centred in some of the rows of the image.

    Args:
        found: `scales` of an image.
        rows: First row and one after the last, among those of the image.
    """
    inner, top = [], 0
    for number, scale in enumerate(found):
        step, half = 2**number, len(scale.window) // 2
        # Row of the image that the first of this scale stands for: what was blurred before has lost half a window.
        top += half * step // 2 if number else 0
        first, end = (max(0, math.ceil((row - top) / step) - half) for row in (rows.start, rows.stop))
        part = slice(first, end)
        image = scale.image[first : end + 2 * half]
        inner.append(Scale(image, scale.mean[part], scale.variance[part], scale.window))
    return inner


# Formulas of the values at one pixel, given by the local means, variances and covariances of X and F there.


def _variance(mean_of_square: FloatImage, mean: FloatImage) -> FloatImage:
    return np.asarray(np.maximum(mean_of_square - mean * mean, 0))


def _covariance(mean_of_product: FloatImage, mean_x: FloatImage, mean_f: FloatImage) -> FloatImage:
    return np.asarray(mean_of_product - mean_x * mean_f)


def _information(var_x: FloatImage) -> FloatImage:
    return np.asarray(np.log1p(np.where(var_x >= VANISHING, var_x, 0) / NOISE_VARIANCE))


def _kept(var_x: FloatImage, var_f: FloatImage, common: FloatImage) -> FloatImage:
    gain = np.maximum(common, 0) / (var_x + VANISHING)
    gain[np.minimum(var_x, var_f) < VANISHING] = 0
    unexplained = np.maximum(var_f - gain * common, VANISHING)
    return np.asarray(np.log1p(gain * gain * var_x / (unexplained + NOISE_VARIANCE)))


def gaussian_window(side: int) -> FloatImage:
    """Weights (side,) of a Gaussian with sigma = side / 5 that sum to 1; the two-dimensional one is their product."""
    offset = np.arange(side) - side // 2
    weights = np.exp(-0.5 * (offset / (side / 5)) ** 2)
    return np.asarray(weights / weights.sum())


def blur(image: FloatImage, window: FloatImage) -> FloatImage:
    """Filter (H,W) with a separable window of odd side s, only where it fits: (H-s+1,W-s+1)."""
    edge = len(window) // 2
    return np.asarray(cv2.sepFilter2D(image, cv2.CV_64F, window, window)[edge:-edge, edge:-edge])


SUMMED = Summed(
    sums=information_sums,
    value=visual_information_fidelity,
    border=24,  # 20 that the windows of four scales reach, up to the next multiple of the step
    step=8,
    inner=scales_of_rows,
)
# The same where a source without structure leaves VIF undefined.
UNDEFINED_WITHOUT_STRUCTURE = replace(SUMMED, value=partial(visual_information_fidelity, structureless=math.nan))
VIF = Metric(
    name="VIF",
    title="visual information fidelity",
    compute=SUMMED,
    features=scales,
    higher_is_better=True,
    range=(0.0, math.inf),
    gameable_by_noise=False,
    version=1,
    reference="Sheikh and Bovik, IEEE Trans. Image Process. 2006",
    formula="sum_X [sum log(1 + g^2 var(X) / (v + 2)) / sum log(1 + var(X) / 2)] over pixels and four scales, "
    "g = cov(X,F) / var(X), v = var(F) - g cov(X,F) in Gaussian windows",
    min_size=41,
    undefined="a source has no structure",
)
