"""SCD: sum of the correlations of differences; what one source added must look like the other.

    SCD = r(F - B, A) + r(F - A, B),   r = Pearson's correlation over the pixels

A fused image that is a copy of a source has no difference from it, and no value.

Reference: Aslantas, Bendes, "A new image quality metric for image fusion: the sum of the correlations of differences",
AEU International Journal of Electronics and Communications 69, 2015, doi:10.1016/j.aeue.2015.09.004.
"""

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric
from uaabench.metrics.cc import correlation


def sum_of_correlations_of_differences(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """SCD of (H,W) images: -2..2, NaN where a source or a difference is constant."""
    return correlation(fused - vi, ir) + correlation(fused - ir, vi)


SCD = Metric(
    name="SCD",
    title="sum of the correlations of differences",
    compute=sum_of_correlations_of_differences,
    higher_is_better=True,
    range=(-2.0, 2.0),
    gameable_by_noise=False,
    version=1,
    reference="Aslantas and Bendes, AEU 2015",
    formula="r(F - B, A) + r(F - A, B), r Pearson's correlation over the pixels",
    undefined="a source, or the difference between it and the fused image, is constant",
)
