"""AG: average gradient of the fused image.

    AG = mean sqrt((gx^2 + gy^2) / 2)

gx and gy are central differences, one-sided at the border. Toolboxes divide the sum by N = H W or by (H-1)(W-1).

Reference: Cui, Feng, Xu, Li, Chen, "Detail preserved fusion of visible and infrared images using regional saliency
extraction and multi-scale image decomposition", Optics Communications 341, 2015, doi:10.1016/j.optcom.2014.12.032.
"""

import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric
from uaabench.metrics.strips import elementwise


def average_gradient(image: FloatImage) -> float:
    """Average gradient of an (H,W) image with values 0..255, H and W at least 2: 0..255.

    Example:
        >>> average_gradient(np.array([[0.0, 3.0], [4.0, 7.0]]))  # gx = 3 and gy = 4 everywhere, sqrt(25 / 2)
        3.5355339059327378
    """
    gy, gx = (np.asarray(steps) for steps in np.gradient(image))
    return float(np.mean(elementwise(_strength, gx, gy)))


def _strength(gx: FloatImage, gy: FloatImage) -> FloatImage:
    return np.asarray(np.sqrt((gx * gx + gy * gy) / 2))


def average_gradient_per_step(image: FloatImage) -> float:
    """The same sum divided by (H-1)(W-1), as Tang's toolbox and VIFB do."""
    height, width = image.shape
    return average_gradient(image) * float(height * width / ((height - 1) * (width - 1)))


AG = Metric(
    name="AG",
    title="average gradient",
    compute=lambda fused, _ir, _vi: average_gradient(fused),
    higher_is_better=True,
    range=(0.0, 255.0),
    gameable_by_noise=True,
    version=1,
    reference="Cui et al., Opt. Commun. 2015",
    formula="mean sqrt((gx^2 + gy^2) / 2), gx and gy the central differences of F",
    uses_sources=False,
    min_size=2,
)
