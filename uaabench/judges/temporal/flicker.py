"""Flicker: how much a fused video changes along the motion of its sources, relative to how much these do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from uaabench.core.arrays import Counts, FloatImage, Values
from uaabench.core.columns import Measure
from uaabench.judges.temporal.motion import Motion, change

# Of an image that has no frame of its shot before it: it adds nothing to a sum.
NOTHING = (0.0, 0.0, 0)


def tally(previous: FloatImage, current: FloatImage, moved: Motion) -> tuple[float, float, int]:
    """Change of a fused frame along the flows of both sources, that of the sources along their own, and pixels.

    Args:
        previous: (H,W) grey image of the fused frame before, in 0..255.
        current: (H,W) that of this one.
        moved: The motion between the two, of the sources.
    """
    fused = sum(change(previous, current, flow, moved.followed) for flow in moved.flows)
    return fused, sum(moved.changes), int(moved.followed.sum())


def _flicker(tallies: Sequence[Any], counts: Counts, setting: Mapping[str, Any]) -> Values:  # noqa: ARG001 - of a measure
    """Of each draw of frames the sum of the changes, fused over sources; 0 where nothing fused changes at all."""
    fused, sources, pixels = (counts @ np.asarray(tallies, np.float64)).T
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(fused == 0, 0.0, fused / sources)
    return np.asarray(np.where((pixels > 0) & np.isfinite(ratio), ratio, np.nan))


FLICKER = Measure(
    name="flicker",
    title="change along the motion of the sources, relative to theirs",
    higher_is_better=False,
    range=(0.0, float("inf")),
    gameable_by_noise=False,
    version=1,
    reference="docs/temporal.md",
    formula="sum |F_t - F_t-1(p + w_X)| / sum |X_t - X_t-1(p + w_X)|, over frames, both X, pixels that can be followed",
    note="1: as unsteady as its sources, 0: none; an image without contrast has none either.",
    of=_flicker,
)
