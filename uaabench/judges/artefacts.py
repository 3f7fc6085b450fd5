"""Fused images as judges see them."""

from __future__ import annotations

from pathlib import Path

from uaabench.core import imaging
from uaabench.core.arrays import ByteImage
from uaabench.core.interface import Pair
from uaabench.running.units import PlannedPairs


def in_colour(dataset: PlannedPairs, pair: Pair, artefact: Path) -> ByteImage:
    """An artefact in colour, (H,W,3) RGB; one of luminance alone gets the chroma of the visible image.

    Raises:
        DataError: It cannot be read, or the visible image of the pair has changed.
    """
    fused = imaging.read_rgb(artefact)
    return imaging.colourise(fused[..., 0], dataset.read(pair).vi) if (fused == fused[..., :1]).all() else fused
