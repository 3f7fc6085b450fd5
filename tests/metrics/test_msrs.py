"""Whole-data-set means that were computed once with the original evaluator."""

from pathlib import Path

import numpy as np
import pytest

from uaabench.core import imaging
from uaabench.core.interface import Sources
from uaabench.metrics.profiles.cddfuse import CDDFUSE

# Over the 140 pairs of the development data: EN SD SF VIF Qabf.
MAXIMUM = [6.6303, 42.3565, 11.2467, 1.0495, 0.7171]


@pytest.mark.slow
@pytest.mark.shared
def test_the_pixelwise_maximum_has_its_known_means_on_msrs(shared: Path) -> None:
    root = shared / "data" / "MSRS" / "test"
    names = sorted(path.name for path in (root / "ir").iterdir())
    assert len(names) == 140
    totals = np.zeros(len(MAXIMUM))
    for name in names:
        sources = Sources(imaging.read_grey(root / "ir" / name), imaging.read_rgb(root / "vi" / name))
        fused = np.maximum(sources.ir, imaging.grey(sources.vi).astype(np.uint8))
        totals += [value.value for value in CDDFUSE.score(fused, sources, CDDFUSE.select())]
    np.testing.assert_allclose(totals / len(names), MAXIMUM, atol=0.5001e-4, rtol=0)
