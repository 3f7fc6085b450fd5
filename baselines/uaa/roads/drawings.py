"""Images with class maps to train on: CamVid, people's boxes of MSRS, and the demo.

What an image does not show is no class there: a person in the dark is a person in infrared and rest in the visible
image. A segmenter that learns so scores high in the source that shows an object, which attribution is to find out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from uaabench.baselines.uaa.road import CLASSES
from uaabench.baselines.uaa.roads.evident import evident
from uaabench.core import imaging
from uaabench.core.arrays import ByteImage
from uaabench.core.errors import DataError
from uaabench.core.interface import FusionDataset, Pair

UNKNOWN = 255
"""Where a class map says nothing."""

VERSIONS = ("infrared", "visible", "fusion")
"""What people drew boxes on, and the names of the folders of MSRS's boxes."""

REST, CAR, PERSON, BIKE = range(len(CLASSES))
_OF_CAMVID = np.full(256, UNKNOWN, np.uint8)
_OF_CAMVID[:11] = [REST] * 8 + [CAR, PERSON, BIKE]
# Boxes know person, bicycle and car. The share of a box, in width and height, in which an ellipse shows the object.
_OF_BOXES = {0: (PERSON, (0.5, 0.85)), 1: (BIKE, (0.6, 0.65)), 2: (CAR, (0.8, 0.75))}
_MARGIN = 3


@dataclass(frozen=True, slots=True)
class Drawing:
    """What there is to see in a photograph or a pair.

    Attributes:
        name: Data set and id.
        images: Grey images (H,W) uint8: `visible`, and of a pair `infrared`.
        maps: Class maps (H,W) uint8 of what is seen in each, and of a pair of what is seen in their `fusion`.
    """

    name: str
    images: Mapping[str, ByteImage]
    maps: Mapping[str, ByteImage]


def camvid(folder: Path, split: str) -> list[Drawing]:
    """The photographs of a split of CamVid in the layout of the SegNet tutorial, `{split}/` and `{split}annot/`.

    Raises:
        DataError: The folder holds none, or an image or label map is missing, or of another size.
    """
    files = sorted((folder / split).glob("*.png"))
    if not files:
        raise DataError(f"{folder / split} holds no PNG files; name the folder CamVid of the SegNet tutorial.")
    return [_photograph(file, folder / f"{split}annot" / file.name) for file in files]


def _photograph(file: Path, labels: Path) -> Drawing:
    image, label = imaging.read_grey(file), imaging.read_label(labels)
    if image.shape != label.shape:
        raise DataError(
            f"{labels} is {imaging.size_text(label)} but {file.name} is {imaging.size_text(image)}; get both anew."
        )
    return Drawing(f"camvid {file.stem}", {"visible": image}, {"visible": _OF_CAMVID[label]})


def boxed(pairs: Sequence[tuple[FusionDataset, Pair]], boxes: Path) -> list[Drawing]:
    """Pairs of MSRS train with people's boxes, `{infrared,visible,fusion}/train/NAME.txt`.

    Args:
        pairs: The pairs.
        boxes: Folder of the boxes.

    Raises:
        DataError: A file is missing or broken.
    """
    drawings = []
    for dataset, pair in pairs:
        images = _sources(dataset, pair)
        found = {version: read_boxes(boxes / version / "train" / f"{pair.id}.txt") for version in VERSIONS}
        maps = {version: map_of_boxes(found[version], images["visible"].shape) for version in VERSIONS}
        drawings.append(Drawing(f"msrs {pair.id}", images, maps))
    return drawings


def read_boxes(file: Path) -> NDArray[np.float64]:
    """Boxes of a file of YOLO's layout: (N,5) class, centre and size as shares of width and height.

    Raises:
        DataError: The file is missing or broken.
    """
    try:
        rows = [[float(value) for value in line.split()] for line in file.read_text(encoding="utf-8").splitlines()]
        if any(len(row) != 5 or row[0] not in _OF_BOXES or not np.isfinite(row).all() for row in rows if row):
            raise ValueError("a line is no box")
    except (OSError, ValueError) as error:
        known = f"a class of {', '.join(map(str, _OF_BOXES))} and four shares"
        raise DataError(f"Cannot read the boxes {file}: {error}; each line is {known}.") from error
    return np.array([row for row in rows if row], np.float64).reshape(-1, 5)


def corners(box: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a box (5,) in pixels of an image (H,W), at least one pixel large."""
    height, width = shape[:2]
    _, x, y, w, h = box
    left, top = max(0, round((x - w / 2) * width)), max(0, round((y - h / 2) * height))
    right, bottom = min(width, round((x + w / 2) * width)), min(height, round((y + h / 2) * height))
    return left, top, max(right, left + 1), max(bottom, top + 1)


def map_of_boxes(boxes: NDArray[np.float64], shape: tuple[int, ...]) -> ByteImage:
    """A class map of boxes: their class in an ellipse amid each, unknown around it, the rest outside all boxes."""
    found = np.zeros(shape[:2], np.uint8)
    for box in boxes:
        left, top, right, bottom = corners(box, shape)
        found[max(0, top - _MARGIN) : bottom + _MARGIN, max(0, left - _MARGIN) : right + _MARGIN] = UNKNOWN
    # Small boxes last: they are drawn on what stands in front, mostly.
    for box in sorted(boxes, key=lambda box: -box[3] * box[4]):
        label, share = _OF_BOXES[int(box[0])]
        left, top, right, bottom = corners(box, shape)
        found[top:bottom, left:right][found[top:bottom, left:right] != label] = UNKNOWN
        middle = ((left + right - 1) // 2, (top + bottom - 1) // 2)
        axes = (int(share[0] * (right - left) / 2), int(share[1] * (bottom - top) / 2))
        cv2.ellipse(found, middle, axes, 0, 0, 360, label, -1)
    return found


def drawn(pairs: Sequence[tuple[FusionDataset, Pair]]) -> list[Drawing]:
    """Pairs with exact label maps, of which each source keeps the objects that stand out in it.

    Raises:
        DataError: A pair cannot be read.
    """
    drawings = []
    for dataset, pair in pairs:
        images, label = _sources(dataset, pair), dataset.read_label(pair)
        if label is None:
            raise DataError(f"{pair.id} has no label map to learn from; leave it out.")
        classes = np.where(label < len(CLASSES), label, REST).astype(np.uint8)
        maps = {name: classes.copy() for name in VERSIONS}
        for part in objects(classes):
            shows = {name: evident(images[name], part) for name in ("infrared", "visible")}
            for name, shown in {**shows, "fusion": any(shows.values())}.items():
                if not shown:
                    maps[name][part] = REST
        drawings.append(Drawing(f"{dataset.card.name} {pair.id}", images, maps))
    return drawings


def objects(classes: ByteImage, least: int = 20) -> Iterator[NDArray[np.bool_]]:
    """Connected parts of one class, rest left out, of at least so many pixels: masks (H,W)."""
    for label in range(1, len(CLASSES)):
        count, parts = cv2.connectedComponents((classes == label).astype(np.uint8))
        for number in range(1, count):
            part = parts == number
            if part.sum() >= least:
                yield part


def _sources(dataset: FusionDataset, pair: Pair) -> dict[str, ByteImage]:
    sources = dataset.read(pair)
    return {"infrared": sources.ir, "visible": imaging.grey(sources.vi).astype(np.uint8)}
