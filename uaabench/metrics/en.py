"""EN: Shannon entropy of the grey levels of the fused image.

    EN = -sum_k p_k log2 p_k,   p_k = share of the pixels with grey level k = 0..255,   0 log 0 = 0

Reference: Roberts, van Aardt, Ahmed, "Assessment of image fusion procedures using entropy, image quality, and
multispectral classification", Journal of Applied Remote Sensing 2, 2008, doi:10.1117/1.2945910.
"""

import numpy as np

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric


def entropy(image: FloatImage) -> float:
    """Entropy of an (H,W) image with values 0..255, in bits: 0 for a constant image, at most 8.

    Values are rounded to whole grey levels first, as the evaluator of CDDFuse does.

    Example:
        >>> entropy(np.array([[0.0, 255.0], [255.0, 0.0]]))
        1.0
    """
    counts = np.bincount(np.round(image).astype(np.uint8).ravel())
    share = counts[counts > 0] / image.size
    return float(np.sum(share * np.log2(1 / share)))


EN = Metric(
    name="EN",
    title="entropy",
    compute=lambda fused, _ir, _vi: entropy(fused),
    higher_is_better=True,
    range=(0.0, 8.0),
    gameable_by_noise=True,
    version=1,
    reference="Roberts et al., J. Appl. Remote Sens. 2008",
    formula="-sum p log2 p over the 256 grey levels of F, 0 log 0 = 0",
    uses_sources=False,
)
