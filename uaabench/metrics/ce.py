"""CE: cross entropy, how far the grey-level distribution of the fused image is from those of the sources.

    CE = (D(A,F) + D(B,F)) / 2,   D(X,F) = sum_k p_X(k) log2(p_X(k) / p_F(k))

Grey levels that only one of the two images has would make D infinite; as in all implementations they are left out,
which is why D may be negative and why an image with few grey levels can look good.

Reference: Bulanon, Burks, Alchanatis, "Image fusion of visible and thermal images for fruit detection", Biosystems
Engineering 103, 2009, doi:10.1016/j.biosystemseng.2009.02.009.
"""

import math

import numpy as np
from numpy.typing import NDArray

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric


def histogram(image: FloatImage) -> NDArray[np.float64]:
    """Share of the pixels at each of the 256 grey levels: (256,), sum 1."""
    counts = np.bincount(np.rint(image).astype(np.intp).ravel(), minlength=256)
    return np.asarray(counts / image.size)


def cross_entropy(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """CE in bits of three images, each given by its `histogram`; NaN where a source shares no level with the fused."""
    return (_divergence(ir, fused) + _divergence(vi, fused)) / 2


def _divergence(source: FloatImage, fused: FloatImage) -> float:
    common = (source > 0) & (fused > 0)
    if not common.any():
        return math.nan
    return float(np.sum(source[common] * np.log2(source[common] / fused[common])))


CE = Metric(
    name="CE",
    title="cross entropy",
    compute=cross_entropy,
    features=histogram,
    higher_is_better=False,
    range=(-math.inf, math.inf),
    gameable_by_noise=True,
    version=1,
    reference="Bulanon et al., Biosyst. Eng. 2009",
    formula="(D(A,F) + D(B,F)) / 2, D(X,F) = sum p_X log2(p_X / p_F) over the grey levels that both images have",
    undefined="a source has no grey level in common with the fused image",
)
