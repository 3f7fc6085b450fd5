"""Boxes around objects: those that people drew, and those that a detector found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Corners: TypeAlias = npt.NDArray[np.float64]
Indices: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Boxes:
    """The objects of one image as its data set knows them.

    Attributes:
        corners: (N,4) float64 left, top, right and bottom in pixels; an edge lies between two pixels, so that the whole
            image is (0, 0, width, height).
        labels: (N,) int64 indices into the box classes of the data set's card.
        ignored: (N,) bool; a detection of such an object is neither right nor wrong.
    """

    corners: Corners
    labels: Indices
    ignored: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Detections:
    """What a detector found in one image.

    Attributes:
        corners: (N,4) float64 left, top, right and bottom in pixels of the image, as those of `Boxes`.
        labels: (N,) int64 indices into the classes of the detector.
        scores: (N,) float64 confidences in [0,1], in no particular order.
    """

    corners: Corners
    labels: Indices
    scores: npt.NDArray[np.float64]
