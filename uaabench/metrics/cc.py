"""CC: correlation coefficient of the fused image with each source, averaged.

    CC = (r(A,F) + r(B,F)) / 2,   r = Pearson's correlation over the pixels

Reference: Ma, Ma, Li, "Infrared and visible image fusion methods and applications: a survey", Information Fusion 45,
2019, doi:10.1016/j.inffus.2018.02.004.
"""

import math

import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric
from uaabench.metrics.strips import elementwise


def correlation(first: FloatImage, second: FloatImage) -> float:
    """Pearson's correlation of two (H,W) images: -1..1, NaN where one of them is constant.

    Example:
        >>> round(correlation(np.array([[0.0, 1.0]]), np.array([[7.0, 5.0]])), 12)
        -1.0
    """
    a, b = first - first.mean(), second - second.mean()
    # Not by a threshold on the variance: the mean of a constant image may be off by a rounding error.
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return math.nan
    # Not by a scalar product of the linear algebra library, whose last digits depend on how many threads it has.
    common, of_a, of_b = (float(elementwise(np.multiply, *pair).sum()) for pair in ((a, b), (a, a), (b, b)))
    return common / math.sqrt(of_a * of_b)


def mean_correlation(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """CC of (H,W) images: -1..1, NaN where one of the three is constant."""
    return (correlation(fused, ir) + correlation(fused, vi)) / 2


CC = Metric(
    name="CC",
    title="correlation coefficient",
    compute=mean_correlation,
    higher_is_better=True,
    range=(-1.0, 1.0),
    gameable_by_noise=False,
    version=1,
    reference="Ma et al., Inf. Fusion 2019",
    formula="(r(A,F) + r(B,F)) / 2, r Pearson's correlation over the pixels",
    undefined="one of the three images is constant",
)
