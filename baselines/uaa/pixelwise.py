"""What each pixel of an image contributes to what the segmenter of roads sees in it."""

from __future__ import annotations

from functools import cache

import torch

from uaabench.baselines.uaa.attribution import pixel_contributions
from uaabench.baselines.uaa.road import RoadSegmenter
from uaabench.baselines.uaa.roads.shipped import read_shipped
from uaabench.core.arrays import FloatImage

STEPS = 5
"""As many as the released UAAFusion takes."""


def attribution_map(image: FloatImage) -> FloatImage:
    """Size of each pixel's contribution to the class that the shipped segmenter sees there; on the CPU, in float32.

    Args:
        image: (H,W) grey image in 0..255.

    Returns:
        (H,W), not negative: |integrated gradient| of the mean score of the pixel's class over its region, so that small
        regions count as much as large ones.

    Raises:
        WeightsError: The segmenter is missing from the package.
    """
    segmenter, x = _segmenter(), torch.from_numpy(image / 255).float()[None, None]
    with torch.no_grad():
        labels = segmenter(x).argmax(1)[0]
    found: FloatImage = pixel_contributions(segmenter, labels, x, STEPS).abs().double().numpy()
    return found


@cache
def _segmenter() -> RoadSegmenter:
    return read_shipped()
