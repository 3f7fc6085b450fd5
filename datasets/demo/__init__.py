"""The embedded demo: generated road scenes with exact label maps, so that everything can be tried without a download.

Some classes can be told only in infrared (people in the dark, in fog or behind glare), some only in the visible image
(cones, kerbs), some only by both (a striped bump is warm, the same stripes merely painted are not).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from uaabench.core import imaging
from uaabench.core.errors import StorageError
from uaabench.core.interface import DatasetCard, FusionDataset, Pair
from uaabench.core.paths import cache_folder
from uaabench.datasets.demo.canvas import HEIGHT, WIDTH
from uaabench.datasets.demo.render import render
from uaabench.datasets.demo.scene import compose
from uaabench.datasets.msrs import CLASSES

VERSION = 2
COUNTS = {"train": 64, "test": 16}


class Demo(FusionDataset):
    """Generated road scenes by day and night, in the layout and the classes of MSRS."""

    card = DatasetCard(
        name="demo",
        title="Demo",
        version=VERSION,
        summary="80 generated road scenes by day and night with exact label maps; made on first use.",
        splits=COUNTS,
        default_split="test",
        image_size=(HEIGHT, WIDTH),
        classes=CLASSES,
        licence="part of uaabench, Apache-2.0",
    )

    @classmethod
    def locate(cls, data_root: Path) -> Path | None:  # noqa: ARG003 - the demo lies in the cache, wherever the data are
        """Return the folder of the demo in the user's cache, which is made first if need be."""
        folder = cache_folder() / f"demo-v{VERSION}"
        if not folder.is_dir():
            _make(folder)
        return folder

    def pairs(self, split: str) -> list[Pair]:
        """List the pairs of `train` or `test`; see `FusionDataset.pairs`."""
        folder = self.root / split
        return [
            Pair(name, *(folder / kind / f"{name}.png" for kind in ("ir", "vi", "Segmentation_labels")))
            for number, name in _numbered(split)
        ]


def _numbered(split: str) -> list[tuple[int, str]]:
    first = 1 if split == "train" else 1 + COUNTS["train"]
    numbers = range(first, first + COUNTS[split])
    return [(number, f"{number:04d}{'DN'[number % 2 == 0]}") for number in numbers]


def _make(folder: Path) -> None:
    """Generate all scenes into `folder`, which appears complete or not at all."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise StorageError.of(folder, error) from error
    try:
        for split in COUNTS:
            _make_split(partial / split, split)
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
    for number, name in _numbered(split):
        for kind, image in zip(kinds, render(compose(number)), strict=True):
            imaging.write_png(kind / f"{name}.png", image)
