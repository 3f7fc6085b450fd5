"""PSNR: peak signal-to-noise ratio of the fused image towards both sources.

    PSNR = 10 log10(255^2 / MSE),   MSE = (mean (F - A)^2 + mean (F - B)^2) / 2

Infinite, which is no value, for a fused image equal to both sources. Highest for the average of the two sources.

Reference: Ma, Ma, Li, "Infrared and visible image fusion methods and applications: a survey", Information Fusion 45,
2019, doi:10.1016/j.inffus.2018.02.004.
"""

import math

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric
from uaabench.metrics.mse import mean_squared_error


def peak_signal_to_noise_ratio(fused: FloatImage, ir: FloatImage, vi: FloatImage, *, peak: float = 255.0) -> float:
    """PSNR in dB of (H,W) images with values 0..255; infinite where all three are equal, NaN if the peak is 0."""
    error = mean_squared_error(fused, ir, vi)
    if error == 0 or peak == 0:
        return math.nan if peak == 0 else math.inf
    return 10 * math.log10(peak**2 / error)


PSNR = Metric(
    name="PSNR",
    title="peak signal-to-noise ratio",
    compute=peak_signal_to_noise_ratio,
    higher_is_better=True,
    range=(0.0, math.inf),
    gameable_by_noise=False,
    version=1,
    reference="Ma et al., Inf. Fusion 2019",
    formula="10 log10(255^2 / MSE) in dB",
    undefined="infinite, as all three images are equal",
)
