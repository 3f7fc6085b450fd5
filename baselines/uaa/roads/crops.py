"""Random crops of drawings, varied as infrared, visible and fused images of roads vary by day and night."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from uaabench.baselines.uaa.roads.drawings import PERSON, REST, UNKNOWN, VERSIONS, Drawing
from uaabench.core.arrays import ByteImage, FloatImage
from uaabench.core.errors import UsageError

SCALES = (0.6, 1.8)
_SPOTS = 200


class DrawingSampler:
    """Draws crops; the same seed gives the same sequence.

    Args:
        groups: Drawings by the name of where they are from.
        shares: How often each of these is drawn from, relative to the others.
        size: Height and width of the crops; what is smaller is extended by reflection.
        seed: Seed of the sequence.

    Raises:
        UsageError: A group that has a share is empty, or none has one.
    """

    def __init__(
        self, groups: Mapping[str, Sequence[Drawing]], shares: Mapping[str, float], size: int, seed: int
    ) -> None:
        self._names = [name for name, share in shares.items() if share > 0]
        if not self._names:
            raise UsageError("No share of the drawings is positive, so that there is nothing to train on; raise one.")
        if missing := [name for name in self._names if not groups.get(name)]:
            raise UsageError(f"There is nothing to train on from {', '.join(missing)}; set its share to 0.")
        self._groups = groups
        self._shares = np.array([shares[name] for name in self._names]) / sum(shares[name] for name in self._names)
        self._size = size
        self._random = np.random.default_rng(seed)
        self._spots = {id(drawing): _spots(drawing, seed) for name in self._names for drawing in groups[name]}

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        """Images (n,1,S,S) float32 in [0,1] and class maps (n,S,S) int64 with 255 where nothing is known."""
        crops = [self._crop() for _ in range(n)]
        images = np.stack([image for image, _ in crops]).astype(np.float32)[:, None]
        return torch.from_numpy(images), torch.from_numpy(np.stack([classes for _, classes in crops]).astype(np.int64))

    def state_dict(self) -> dict[str, Any]:
        """State of the random numbers."""
        return {"random": self._random.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        self._random.bit_generator.state = state["random"]

    def _crop(self) -> tuple[FloatImage, ByteImage]:
        random = self._random
        group = self._groups[self._names[int(random.choice(len(self._names), p=self._shares))]]
        drawing = group[int(random.integers(len(group)))]
        image, classes = self._seen(drawing)
        spots = self._spots[id(drawing)]
        height, width = classes.shape
        spot = (random.integers(height), random.integers(width))
        if spots and random.random() < 0.7:
            of_class = spots[int(random.integers(len(spots)))]
            spot = of_class[int(random.integers(len(of_class)))]
        side = round(self._size / float(np.exp(random.uniform(*np.log(SCALES)))))
        corner = [int(position) - int(random.integers(side)) for position in spot]
        planes = [_window(plane, corner, side) for plane in (image, classes)]
        size = (self._size, self._size)
        image = np.asarray(cv2.resize(planes[0], size, interpolation=cv2.INTER_AREA), np.uint8)
        classes = np.asarray(cv2.resize(planes[1], size, interpolation=cv2.INTER_NEAREST), np.uint8)
        if random.random() < 0.5:
            image, classes = image[:, ::-1], classes[:, ::-1]
        is_photograph = len(drawing.images) == 1
        return _vary(image.astype(np.float64) / 255, classes, random, is_photograph=is_photograph), classes

    def _seen(self, drawing: Drawing) -> tuple[ByteImage, ByteImage]:
        """One of the images of a drawing or something between them, and what is seen there."""
        if len(drawing.images) == 1:
            return drawing.images["visible"], drawing.maps["visible"]
        version = VERSIONS[int(self._random.integers(len(VERSIONS)))]
        if version != "fusion":
            return drawing.images[version], drawing.maps[version]
        ir, vi = (drawing.images[name].astype(np.float64) for name in ("infrared", "visible"))
        # What methods make of a pair lies between the average, which is where fusion begins, and the maximum.
        share, brighter = self._random.uniform(0.25, 0.75), self._random.random() * self._random.integers(2)
        mixed = brighter * np.maximum(ir, vi) + (1 - brighter) * (share * ir + (1 - share) * vi)
        return np.rint(mixed).astype(np.uint8), drawing.maps["fusion"]


def _spots(drawing: Drawing, seed: int) -> list[Any]:
    """For each class but the rest some places (n,2) where it is, in any version."""
    random = np.random.default_rng(seed)
    found = []
    for label in {int(v) for classes in drawing.maps.values() for v in np.unique(classes)} - {REST, UNKNOWN}:
        places = np.argwhere(np.any([classes == label for classes in drawing.maps.values()], axis=0))
        found.append(places[random.permutation(len(places))[:_SPOTS]])
    return found


def _window(plane: ByteImage, corner: Sequence[int], side: int) -> ByteImage:
    """A square window of (H,W), moved inside; what is smaller is extended by reflection."""
    short = [max(0, side - length) for length in plane.shape]
    plane = np.pad(plane, [(0, short[0]), (0, short[1])], mode="symmetric")
    top, left = (min(max(0, at), length - side) for at, length in zip(corner, plane.shape, strict=True))
    return np.ascontiguousarray(plane[top : top + side, left : left + side])


def _vary(image: FloatImage, classes: ByteImage, random: Generator, *, is_photograph: bool) -> FloatImage:
    """Random light, contrast, blur and noise: (S,S) in [0,1] to the same."""
    if is_photograph and random.random() < 0.25:
        image = _as_heat(image, classes, random)
    elif is_photograph and random.random() < 0.05:
        image = 1 - image
    dark = random.random() < 0.2
    image = (image * random.uniform(0.15, 0.6) if dark else image * random.uniform(0.7, 1.3)).clip(0, 1)
    image = image ** np.exp(random.uniform(-0.5, 0.5))
    image = (image - 0.5) * random.uniform(0.7, 1.1) + 0.5 + random.uniform(-0.08, 0.08)
    if random.random() < 0.2:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), random.uniform(0.5, 1.5)), np.float64)
    if random.random() < 0.5:
        image = image + random.uniform(0, 0.03) * random.standard_normal(image.shape)
    return np.asarray(image.clip(0, 1))


def _as_heat(image: FloatImage, classes: ByteImage, random: Generator) -> FloatImage:
    """A photograph as if it were infrared: little contrast, soft, what is alive or driven brighter than the rest."""
    heat = np.zeros(256)
    heat[1:4] = random.uniform((0.0, 0.2, 0.05), (0.3, 0.6, 0.4))
    if random.random() < 0.3:
        image = 1 - image
    seen = random.uniform(0.2, 0.5) * image + random.uniform(0.05, 0.25)
    seen = seen + heat[classes] * np.where(classes == PERSON, 1.0, 0.5 + image)
    return np.asarray(cv2.GaussianBlur(seen, (0, 0), random.uniform(0.6, 1.2)).clip(0, 1))
