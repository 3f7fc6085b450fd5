"""SD: standard deviation of the fused image, its contrast.

    SD = sqrt(sum (F - mean F)^2 / N),   N = number of pixels

Reference: Rao, "In-fibre Bragg grating sensors", Measurement Science and Technology 8, 1997, is what the field cites;
the formula is the population standard deviation.
"""

import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric


def standard_deviation(image: FloatImage) -> float:
    """Population standard deviation of an (H,W) image with values 0..255: 0 for a constant image, at most 127.5.

    Example:
        >>> standard_deviation(np.array([[0.0, 255.0], [255.0, 0.0]]))
        127.5
    """
    return float(np.std(image))


SD = Metric(
    name="SD",
    title="standard deviation",
    compute=lambda fused, _ir, _vi: standard_deviation(fused),
    higher_is_better=True,
    range=(0.0, 127.5),
    gameable_by_noise=True,
    version=1,
    reference="Rao, Meas. Sci. Technol. 1997",
    formula="sqrt(mean((F - mean F)^2))",
    uses_sources=False,
)
