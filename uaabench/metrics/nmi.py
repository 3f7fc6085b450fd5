"""NMI: mutual information of fused image and sources, normalised by their entropies; also called Q_MI.

    NMI = 2 [I(F;A) / (H(F) + H(A)) + I(F;B) / (H(F) + H(B))]

Without the normalisation a source with more entropy counts for more.

Reference: Hossny, Nahavandi, Creighton, "Comments on 'Information measure for performance of image fusion'",
Electronics Letters 44, 2008, doi:10.1049/el:20081754.
"""

import math

from uaabench.core.columns import Metric
from uaabench.metrics.mi import Levels, information, levels


def normalised_mutual_information(fused: Levels, ir: Levels, vi: Levels) -> float:
    """NMI of three images, each given by its `levels`: 0..2, NaN where the fused image and a source are constant."""
    total = 0.0
    for source in (ir, vi):
        entropies = fused.entropy + source.entropy
        total += 2 * information(fused, source) / entropies if entropies > 0 else math.nan
    return total


NMI = Metric(
    name="NMI",
    title="normalised mutual information",
    compute=normalised_mutual_information,
    features=levels,
    higher_is_better=True,
    range=(0.0, 2.0),
    gameable_by_noise=False,
    version=1,
    reference="Hossny et al., Electron. Lett. 2008",
    formula="2 [I(F;A) / (H(F) + H(A)) + I(F;B) / (H(F) + H(B))]",
    undefined="the fused image and a source are constant",
)
