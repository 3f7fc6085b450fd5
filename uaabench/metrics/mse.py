"""MSE: mean squared error of the fused image towards each source, averaged.

    MSE = (mean (F - A)^2 + mean (F - B)^2) / 2

Lowest for the average of the two sources. Toolboxes take grey levels 0..255 or 0..1.

Reference: Ma, Ma, Li, "Infrared and visible image fusion methods and applications: a survey", Information Fusion 45,
2019, doi:10.1016/j.inffus.2018.02.004.
"""

import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric


def mean_squared_error(fused: FloatImage, ir: FloatImage, vi: FloatImage) -> float:
    """MSE of (H,W) images with values 0..255: 0..65025.

    Example:
        >>> mean_squared_error(np.array([[3.0]]), np.array([[1.0]]), np.array([[7.0]]))  # (4 + 16) / 2
        10.0
    """
    return float((np.mean((fused - ir) ** 2) + np.mean((fused - vi) ** 2)) / 2)


MSE = Metric(
    name="MSE",
    title="mean squared error",
    compute=mean_squared_error,
    higher_is_better=False,
    range=(0.0, 255.0**2),
    gameable_by_noise=False,
    version=1,
    reference="Ma et al., Inf. Fusion 2019",
    formula="(mean (F - A)^2 + mean (F - B)^2) / 2",
)
