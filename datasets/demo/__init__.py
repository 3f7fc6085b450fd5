"""The embedded demo: generated road scenes with exact label maps, so that everything can be tried without a download.

Some classes can be told only in infrared (people in the dark, in fog or behind glare), some only in the visible image
(cones, kerbs), some only by both (a striped bump is warm, the same stripes merely painted are not).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from uaabench.core import decoding, imaging
from uaabench.core.boxes import Boxes
from uaabench.core.errors import DataError, StorageError
from uaabench.core.interface import DatasetCard, FusionDataset, Pair
from uaabench.core.paths import cache_folder
from uaabench.data import box_files
from uaabench.datasets.demo import boxes
from uaabench.datasets.demo.canvas import HEIGHT, WIDTH
from uaabench.datasets.demo.render import render
from uaabench.datasets.demo.scene import compose
from uaabench.datasets.msrs import CLASSES

VERSION = 2
# Raised whenever the boxes change; they are made beside the images of an earlier version of this package too.
BOXES = "boxes-v1.json"
COUNTS = {"train": 64, "test": 16, "study": 100}


class Demo(FusionDataset):
    """Generated road scenes by day and night, in the layout and the classes of MSRS."""

    card = DatasetCard(
        name="demo",
        title="Demo",
        version=VERSION,
        summary="80 generated road scenes by day and night with exact labels and boxes, 100 for studies; made on use.",
        splits=COUNTS,
        default_split="test",
        image_size=(HEIGHT, WIDTH),
        classes=CLASSES,
        box_classes=boxes.CLASSES,
        licence="part of uaabench, Apache-2.0",
    )

    @classmethod
    def locate(cls, data_root: Path) -> Path | None:  # noqa: ARG003 - the demo lies in the cache, wherever the data are
        """Return the folder of the demo in the user's cache; each split is made when it is first asked for."""
        folder = cache_folder() / f"demo-v{VERSION}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError.of(folder, error) from error
        return folder

    def pairs(self, split: str) -> list[Pair]:
        """List the pairs of `train`, `test` or `study`; see `FusionDataset.pairs`."""
        folder = self.root / split
        if not folder.is_dir():
            _make(folder, lambda partial: _make_split(partial, split))
        if not (folder / BOXES).is_file():
            objects = {name: list(boxes.objects_of(compose(number))) for number, name in _numbered(split)}
            boxes.write(folder / BOXES, objects)
        return [
            Pair(
                name,
                ir=folder / "ir" / f"{name}.png",
                vi=folder / "vi" / f"{name}.png",
                label=folder / "Segmentation_labels" / f"{name}.png",
                boxes={"boxes": folder / BOXES},
            )
            for _, name in _numbered(split)
        ]

    def content_hash(self, path: Path, sha256: str) -> str:
        """Hash of the pixels: the scenes are the same on every machine, the bytes of a PNG are its encoder's."""
        try:
            pixels = decoding.pixels(path)
        except DataError:
            return sha256
        return hashlib.sha256(f"{pixels.shape}{pixels.dtype}".encode() + pixels.tobytes()).hexdigest()

    def read_boxes(self, pair: Pair, version: str = "boxes") -> Boxes | None:
        """The boxes of a scene; see `FusionDataset.read_boxes`."""
        path = pair.boxes.get(version or "boxes")
        return box_files.read(path, pair.id, (HEIGHT, WIDTH), boxes.CLASSES) if path else None


def _numbered(split: str) -> list[tuple[int, str]]:
    first = 1 + sum(COUNTS[earlier] for earlier in list(COUNTS)[: list(COUNTS).index(split)])
    numbers = range(first, first + COUNTS[split])
    return [(number, f"{number:04d}{'DN'[number % 2 == 0]}") for number in numbers]


def _make(folder: Path, fill: Callable[[Path], None]) -> None:
    """Generate scenes into `folder`, which appears complete or not at all."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise StorageError.of(folder, error) from error
    try:
        fill(partial)
        os.replace(partial, folder)
    except OSError as error:
        if not folder.is_dir():  # otherwise another process was faster, and made the same
            raise StorageError.of(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _make_split(folder: Path, split: str) -> None:
    kinds = [folder / kind for kind in ("ir", "vi", "Segmentation_labels")]
    for kind in kinds:
        kind.mkdir(parents=True)
    objects = {}
    for number, name in _numbered(split):
        scene = compose(number)
        objects[name] = list(boxes.objects_of(scene))
        for kind, image in zip(kinds, render(scene), strict=True):
            imaging.write_png(kind / f"{name}.png", image)
    boxes.write(folder / BOXES, objects)
