"""SF: spatial frequency, the size of the differences between neighbouring pixels of the fused image.

    SF = sqrt(RF^2 + CF^2)
    RF^2, CF^2 = mean square of the first differences along rows and along columns

Each mean is over the differences there are, (H,W-1) and (H-1,W); some toolboxes divide by H W instead.

Reference: Eskicioglu, Fisher, "Image quality measures and their performance", IEEE Transactions on Communications 43,
1995, doi:10.1109/26.477498.
"""

import math

import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric


def spatial_frequency(image: FloatImage) -> float:
    """Spatial frequency of an (H,W) image with values 0..255, H and W at least 2: 0..255 sqrt(2).

    Example:
        >>> spatial_frequency(np.array([[3.0, 0.0], [7.0, 4.0]]))  # steps of -3 along rows, 4 along columns
        5.0
    """
    along_rows = np.mean(np.diff(image, axis=1) ** 2)
    along_columns = np.mean(np.diff(image, axis=0) ** 2)
    return math.sqrt(along_rows + along_columns)


SF = Metric(
    name="SF",
    title="spatial frequency",
    compute=lambda fused, _ir, _vi: spatial_frequency(fused),
    higher_is_better=True,
    range=(0.0, 255 * math.sqrt(2)),
    gameable_by_noise=True,
    version=1,
    reference="Eskicioglu and Fisher, IEEE Trans. Commun. 1995",
    formula="sqrt(RF^2 + CF^2), RF and CF the root mean square of the steps along rows and along columns of F",
    uses_sources=False,
    min_size=2,
)
