"""How the adapters find folders and list pairs; a data set states only its names.

Archives unpack with or without a top folder, and copies change the letter case; both are accepted everywhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from uaabench.core import decoding
from uaabench.core.boxes import Boxes
from uaabench.core.errors import AbsentError, DataError, unknown_name
from uaabench.core.files import images
from uaabench.core.interface import FusionDataset, Pair
from uaabench.data import box_files
from uaabench.data.sources import how_to_get
from uaabench.data.split_file import read_stems

# Name of the one version of boxes that most data sets have.
BOXES = "boxes"


@dataclass(frozen=True)
class Part:
    """Where the images of one split lie; each folder may have one of several names, in any letter case.

    Attributes:
        ir: Names of the infrared folder.
        vi: Names of the visible folder.
        label: Names of the folder of label maps, if the set has any.
        boxes: Names of the folder of box files, or, before `.json`, of the file with all boxes; they lie beside the
            images, or in the root of the set.
        folder: Names of the folder that holds these; empty where they lie in the root of the set.
    """

    ir: tuple[str, ...]
    vi: tuple[str, ...]
    label: tuple[str, ...] = ()
    boxes: tuple[str, ...] = ()
    folder: tuple[str, ...] = ()


class LayoutDataset(FusionDataset):
    """A data set whose pairs lie in a folder of infrared and a folder of visible images of equal stems.

    A split is a name of the card, or the path of a split file.

    Attributes:
        parts: Where the images of each split lie; splits may share one part.
        listed_in: Splits whose images a split file may name; all, if empty.
        unmistakable: Whether the folder names alone identify the set, whatever the folder they lie in is called.
    """

    parts: ClassVar[Mapping[str, Part]]
    listed_in: ClassVar[tuple[str, ...]] = ()
    unmistakable: ClassVar[bool] = True

    @classmethod
    def locate(cls, data_root: Path) -> Path | None:
        """Find the set below a data root: in a folder of its name, one level deeper, or the root itself."""
        return next((folder for folder in _candidates(cls, data_root) if cls.is_root(folder)), None)

    @classmethod
    def is_root(cls, folder: Path) -> bool:
        """Whether any part of the set lies in this folder."""
        return any(_holds(folder, part) for part in cls.parts.values())

    def pairs(self, split: str) -> list[Pair]:
        """List the pairs of a split of the card, or of a split file; see `FusionDataset.pairs`."""
        if split in self.card.splits:
            found = {pair.id: pair for pair in self._part_pairs(split)}
            stems = self.stems(split, found)
            return list(found.values()) if stems is None else _select(stems, found)
        if not os.path.isfile(split):  # noqa: PTH113 - a name of any length and any signs is no error
            raise unknown_name(f"split of {self.card.name} (nor a split file)", split, self.card.splits)
        listed = self._listed_pairs()
        stems = read_stems(Path(split), listed)
        for first, *others in (listed[stem] for stem in stems if stem in listed):
            if others:
                raise DataError(
                    f"The pair '{first.id}' that {split} names is in both {first.ir.parent} and {others[0].ir.parent}: "
                    "which one is meant cannot be known; copy the pairs of the list into a folder of their own."
                )
        return _select(stems, {stem: first for stem, (first, *_) in listed.items()})

    def stems(self, split: str, present: Collection[str]) -> Collection[str] | None:  # noqa: ARG002 - for subclasses
        """Stems that make up a split, or None where it is all images of its part.

        Args:
            split: Name of the card.
            present: Stems of the images of its part.
        """
        return None

    def folders(self, split: str) -> tuple[Path, Path, Path | None] | None:
        """Folders of infrared, visible and label maps of a split; None where the images are not there.

        Raises:
            DataError: Several folders with images have names for the same.
        """
        part = self.parts[split]
        folder = _only(self.root, part.folder) if part.folder else self.root
        ir, vi = (_only(folder, part.ir), _only(folder, part.vi)) if folder else (None, None)
        return (ir, vi, _only(folder, part.label)) if folder and ir and vi else None

    def box_places(self, split: str) -> Mapping[str, Path]:
        """Where the boxes of a split lie, by version, the usual one first: a folder, or a COCO file; empty without."""
        part = self.parts[split]
        inside = child(self.root, part.folder) if part.folder else None
        for folder in filter(None, (inside, self.root)):
            place = child(folder, part.boxes) or box_files.in_one(folder, part.boxes)
            if place:
                return {BOXES: place}
        return {}

    def read_boxes(self, pair: Pair, version: str = "") -> Boxes | None:
        """Read the boxes of a pair from a YOLO, Pascal VOC or COCO file; see `FusionDataset.read_boxes`."""
        path = pair.boxes.get(version) if version else next(iter(pair.boxes.values()), None)
        if path is None:
            return None
        return box_files.read(path, pair.id, decoding.size(pair.ir), self.box_classes)

    def expected_hashes(self, split: str) -> Mapping[str, tuple[str, str]]:  # noqa: ARG002 - what the subclasses need
        """SHA-256 of infrared and visible file by id, where the release is known; empty otherwise."""
        return {}

    def _part_pairs(self, split: str) -> list[Pair]:
        folders = self.folders(split)
        if folders is None:
            part = self.parts[split]
            inside = self.root.joinpath(*part.folder[:1])
            raise AbsentError(
                f"The split '{split}' of {self.card.name} is not there, as {inside} has no folders {part.ir[0]} and "
                f"{part.vi[0]}; bring it into place: {how_to_get(type(self), split)}"
            )
        versions = {version: box_files.finder(place) for version, place in self.box_places(split).items()}
        return [
            replace(pair, boxes={version: file for version, find in versions.items() if (file := find(pair.id))})
            for pair in list_pairs(*folders)
        ]

    def _listed_pairs(self) -> dict[str, list[Pair]]:
        """Pairs that a split file may name, by id; of several parts there may be several."""
        named = self.listed_in or tuple({part: name for name, part in self.parts.items()}.values())
        there = [name for name in named if self.folders(name)]
        listed: dict[str, list[Pair]] = {}
        for name in there or named[:1]:  # without any part the absence of the first one is reported
            for pair in self._part_pairs(name):
                listed.setdefault(pair.id, []).append(pair)
        return listed


def list_pairs(ir: Path, vi: Path, label: Path | None = None) -> list[Pair]:
    """Pair the images of two folders by stem, in natural order.

    A stem of which one image is missing is listed with the path where that image should be.

    Raises:
        DataError: Neither folder holds an image, or one of them holds two of one stem.
    """
    infrared, visible = images(ir), images(vi)
    labels = images(label) if label else {}
    stems = sorted(infrared.keys() | visible.keys(), key=natural)
    if not stems:
        raise DataError(f"There are no images in {ir} and {vi}; put the pairs there, with equal stems.")
    return [_pair(stem, ir, vi, infrared, visible, labels) for stem in stems]


def _pair(
    stem: str, ir: Path, vi: Path, infrared: dict[str, Path], visible: dict[str, Path], labels: dict[str, Path]
) -> Pair:
    name = (infrared.get(stem) or visible[stem]).name
    return Pair(stem, infrared.get(stem, ir / name), visible.get(stem, vi / name), labels.get(stem))


def natural(name: str) -> list[str | int]:
    """Sort key that counts numbers as numbers.

    Example:
        >>> sorted(["img10", "img9", "img1"], key=natural)
        ['img1', 'img9', 'img10']
    """
    return [int(piece) if piece.isdigit() else piece.lower() for piece in re.split(r"([0-9]+)", name)]


def _select(stems: Iterable[str], found: Mapping[str, Pair]) -> list[Pair]:
    """Pairs of the named stems; one that is not there is listed as if both its images were missing."""
    example = next(iter(found.values()))

    def missing(stem: str) -> Pair:
        return Pair(
            stem, example.ir.parent / f"{stem}{example.ir.suffix}", example.vi.parent / f"{stem}{example.vi.suffix}"
        )

    return [found.get(stem) or missing(stem) for stem in sorted(stems, key=natural)]


def child(folder: Path, names: Iterable[str]) -> Path | None:
    """Sub-folder of one of the names, or paths below, earlier names first, in any letter case."""
    return next(iter(_children(folder, names)), None)


def _children(folder: Path, names: Iterable[str]) -> list[Path]:
    inside = subfolders(folder)
    found: list[Path] = []
    for name in names:
        first, _, rest = name.lower().partition("/")
        here = [path for path in inside if path.name.lower() == first]
        found += [deeper for path in here for deeper in _children(path, [rest])] if rest else here
    return found


def _only(folder: Path, names: Iterable[str]) -> Path | None:
    """The sub-folder of one of the names; of several the one that holds images.

    Raises:
        DataError: Several hold images, or folders of them.
    """
    found = _children(folder, names)
    filled = [path for path in found if len(found) > 1 and (images(path) or subfolders(path))]
    if len(filled) > 1:
        raise DataError(
            f"{folder} holds both {filled[0].name} and {filled[1].name}, and which of them is meant cannot be known; "
            "rename one of them."
        )
    return next(iter(filled or found), None)


def subfolders(folder: Path) -> list[Path]:
    """Folders in a folder, sorted; none where it is not there or may not be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(folder / entry.name for entry in entries if entry.is_dir())
    except OSError:
        return []


def _holds(root: Path, part: Part) -> bool:
    folder = child(root, part.folder) if part.folder else root
    return bool(folder and child(folder, part.ir) and child(folder, part.vi))


def _candidates(dataset: type[LayoutDataset], data_root: Path) -> Iterator[Path]:
    """Folders that may be the root of a set, the likeliest first."""
    name = dataset.card.name.lower()
    named = [path for path in subfolders(data_root) if path.name.lower().startswith(name)]
    for folder in sorted(named, key=lambda path: len(path.name)):
        yield folder
        yield from subfolders(folder)
    if dataset.unmistakable or name in data_root.name.lower():
        yield data_root
