"""How an 8-bit image becomes the grey planes that metrics see, and what is kept of a plane once it was computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import fields, is_dataclass
from typing import Any

import cv2
import numpy as np

from uaabench.core import imaging
from uaabench.core.arrays import ByteImage, FloatImage

Planes = tuple[FloatImage, ...]


class Plane:
    """One grey image, of which each feature is computed once; image and features are read-only.

    Args:
        image: (H,W) grey levels; it is locked against writing.
    """

    def __init__(self, image: FloatImage) -> None:
        self.image = read_only(image)
        self._features: dict[Callable[[FloatImage], Any], Any] = {}

    def of(self, feature: Callable[[FloatImage], Any]) -> Any:
        """A feature of this image, computed when it is first asked for and shared by all metrics that need it."""
        if feature not in self._features:
            self._features[feature] = read_only(feature(self.image))
        return self._features[feature]

    def copy_of(self, feature: Callable[[FloatImage], Any]) -> Any:
        """The same for code from outside: torch writes into arrays that NumPy calls read-only, so it gets copies."""
        if feature not in self._features:
            self._features[feature] = read_only(feature(read_only(self.image.copy())))
        return read_only(deepcopy(self._features[feature]))


def read_only(value: Any) -> Any:
    """Lock the arrays in a value, also those in lists, tuples, mappings and dataclasses, against writing; return it."""
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    elif isinstance(value, Mapping):
        read_only(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for entry in value:
            read_only(entry)
    elif is_dataclass(value):
        read_only([getattr(value, entry.name) for entry in fields(value)])
    return value


def grey_by_opencv(rgb: ByteImage) -> Planes:
    """BT.601 luminance in float32 by OpenCV, rounded half to even; see `imaging.grey`."""
    return (imaging.grey(rgb),)


def grey_by_matlab(rgb: ByteImage) -> Planes:
    """BT.601 luminance as MATLAB's `rgb2gray` computes it for uint8: more digits of the weights, halves up."""
    weights = np.array([0.298936021293775, 0.587043074451121, 0.114020904255103])
    return (np.floor(rgb.astype(np.float64) @ weights + 0.5),)


def grey_by_pillow(rgb: ByteImage) -> Planes:
    """BT.601 luminance as Pillow's `convert("L")` computes it: whole weights of 1/65536, halves up."""
    red, green, blue = (rgb[..., channel].astype(np.int64) for channel in range(3))
    return (((19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16).astype(np.float64),)


def each_channel(rgb: ByteImage) -> Planes:
    """The three channels one by one, or one where they are equal."""
    planes = tuple(channel.astype(np.float64) for channel in cv2.split(rgb))
    return planes if any((plane != planes[0]).any() for plane in planes[1:]) else planes[:1]
