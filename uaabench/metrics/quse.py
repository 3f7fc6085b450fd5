"""Quse: Qabf that counts each pixel of a source by what it contributes to what a segmenter sees there.

With Q_X of `uaabench.metrics.qabf` and the attribution A_X of each pixel of a source, see `ATTRIBUTION`,

    Quse = sum(Q_ir A_ir + Q_vi A_vi) / sum(A_ir + A_vi)     over all pixels

A region counts by how much of its score the source explains, and not by how many edges it has. The attribution is that
of UAAFusion: integrated gradients from black, of each class on its own region, by the segmenter of roads that comes
with the package. It is computed in float32; float64 is nine times slower and changes it by less than 1e-4.

An experiment: docs/which-metric.md says how well it predicts use, and what Qabf does there.
"""

import math
from functools import cached_property

from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Metric
from uaabench.core.kinds import PIXEL_ATTRIBUTION, import_object
from uaabench.metrics.qabf import Edges, edges, preservation


class Seen:
    """The edges of an (H,W) image with whole values 0..255, and what each pixel contributes, once that is asked for."""

    def __init__(self, image: FloatImage) -> None:
        self._image = image

    @cached_property
    def edges(self) -> Edges:
        """See `uaabench.metrics.qabf.edges`."""
        return edges(self._image)

    @cached_property
    def attribution(self) -> FloatImage:
        """Contribution of each pixel, (H,W), not negative."""
        found: FloatImage = import_object(PIXEL_ATTRIBUTION)(self._image)
        return found


def attributed_preservation(fused: Seen, ir: Seen, vi: Seen) -> float:
    """Quse of three images.

    Returns:
        0..0.9753, as of Qabf; NaN where no pixel of the sources contributes anything.
    """
    kept = sum(float((preservation(source.edges, fused.edges) * source.attribution).sum()) for source in (ir, vi))
    available = float(ir.attribution.sum() + vi.attribution.sum())
    return kept / available if available > 0 else math.nan


QUSE = Metric(
    name="Quse",
    title="edge preservation where a segmenter looks",
    compute=attributed_preservation,
    features=Seen,
    higher_is_better=True,
    range=(0.0, 0.9994 * 0.9879 / (1 + math.exp(-22 * 0.2))),
    gameable_by_noise=False,
    version=1,
    reference="docs/which-metric.md",
    formula="sum(Q_AF a_A + Q_BF a_B) / sum(a_A + a_B), Q_XF as in Qabf, a_X = what each pixel of X contributes to the "
    "score of the class that a segmenter sees there",
    note="Experimental, and not part of --metrics all; takes about 4 s a pair, and is computed in float32.",
    undefined="the segmenter looks at no pixel of the sources",
    min_size=32,
    experimental=True,
)
