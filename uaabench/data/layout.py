"""How the adapters find folders, list pairs and read split files; a data set states only its names.

Archives unpack with or without a top folder, and copies change the letter case; both are accepted everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from uaabench.core.errors import DataError, UsageError, unknown_name
from uaabench.core.imaging import IMAGE_SUFFIXES
from uaabench.core.interface import FusionDataset, Pair


@dataclass(frozen=True)
class Part:
    """Where the images of one split lie; each folder may have one of several names, in any letter case.

    Attributes:
        ir: Names of the infrared folder.
        vi: Names of the visible folder.
        label: Names of the folder of label maps, if the set has any.
        folder: Names of the folder that holds these; empty where they lie in the root of the set.
    """

    ir: tuple[str, ...]
    vi: tuple[str, ...]
    label: tuple[str, ...] = ()
    folder: tuple[str, ...] = ()


class LayoutDataset(FusionDataset):
    """A data set whose pairs lie in a folder of infrared and a folder of visible images of equal stems.

    A split is a name of the card, or the path of a text file with one stem a line.

    Attributes:
        parts: Where the images of each split lie; splits may share one part.
        listed_in: Splits whose images a file of stems may name; all, if empty.
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
        return any(_image_folders(folder, part) for part in cls.parts.values())

    def pairs(self, split: str) -> list[Pair]:
        """List the pairs of a split of the card, or of a text file of stems; see `FusionDataset.pairs`."""
        if split in self.card.splits:
            stems = self.stems(split)
            found = self._part_pairs(split)
            return found if stems is None else _select(stems, found)
        if Path(split).is_file():
            named = self.listed_in or tuple(self.parts)
            there = [name for name in named if self.folders(name)]
            # The first part that holds a stem wins; without any part the first one's absence is reported.
            found = [pair for name in there or named[:1] for pair in self._part_pairs(name)]
            return _select(read_stems(Path(split)), found)
        raise unknown_name(f"split of {self.card.name} (nor a file of stems)", split, self.card.splits)

    def stems(self, split: str) -> list[str] | None:  # noqa: ARG002 - what the subclasses need
        """Stems that make up a split, or None where it is all images of its part."""
        return None

    def folders(self, split: str) -> tuple[Path, Path, Path | None] | None:
        """Folders of infrared, visible and label maps of a split; None where the images are not there."""
        return _image_folders(self.root, self.parts[split])

    def expected_hashes(self, split: str) -> Mapping[str, tuple[str, str]]:  # noqa: ARG002 - what the subclasses need
        """SHA-256 of infrared and visible file by id, where the release is known; empty otherwise."""
        return {}

    def _part_pairs(self, split: str) -> list[Pair]:
        folders = self.folders(split)
        if folders is None:
            part = self.parts[split]
            inside = self.root.joinpath(*part.folder[:1])
            raise DataError(
                f"The split '{split}' of {self.card.name} is not there, as {inside} has no folders {part.ir[0]} and "
                f"{part.vi[0]}; bring it into place with `uaabench data prepare {self.card.name} ARCHIVE`."
            )
        return list_pairs(*folders)


def list_pairs(ir: Path, vi: Path, label: Path | None = None) -> list[Pair]:
    """Pair the images of two folders by stem, in natural order.

    A stem of which one image is missing is listed with the path where that image should be.

    Raises:
        DataError: Neither folder holds an image.
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


def images(folder: Path) -> dict[str, Path]:
    """Image files of a folder by stem; hidden files are left out."""
    files = (path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    return {path.stem: path for path in sorted(files, reverse=True) if not path.name.startswith(".")}


def natural(name: str) -> list[str | int]:
    """Sort key that counts numbers as numbers.

    Example:
        >>> sorted(["img10", "img9", "img1"], key=natural)
        ['img1', 'img9', 'img10']
    """
    return [int(piece) if piece.isdigit() else piece.lower() for piece in re.split(r"([0-9]+)", name)]


def read_stems(path: Path) -> list[str]:
    """Read a split file: one stem a line, with or without an image suffix; empty lines do not count.

    Raises:
        UsageError: The file is no text, or names nothing.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"Cannot read the split file {path}: {error}; it must be text with one stem a line."
        ) from error
    if not any(lines):
        raise UsageError(f"The split file {path} is empty; write one stem a line.")
    return [_without_suffix(line) for line in lines if line]


def _without_suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return stem if f"{dot}{suffix}".lower() in IMAGE_SUFFIXES else name


def _select(stems: Iterable[str], found: list[Pair]) -> list[Pair]:
    """Pairs of the named stems; one that is not there is listed as if both its images were missing."""
    by_id: dict[str, Pair] = {}
    for pair in found:
        by_id.setdefault(pair.id, pair)
    example = found[0]

    def missing(stem: str) -> Pair:
        name = stem + example.ir.suffix
        return Pair(stem, example.ir.with_name(name), example.vi.with_name(stem + example.vi.suffix))

    return [by_id.get(stem) or missing(stem) for stem in sorted(set(stems), key=natural)]


def child(folder: Path, names: Iterable[str]) -> Path | None:
    """Sub-folder of one of the names, earlier names first, in any letter case."""
    if not folder.is_dir():
        return None
    present = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir()}
    return next((present[name.lower()] for name in names if name.lower() in present), None)


def _image_folders(root: Path, part: Part) -> tuple[Path, Path, Path | None] | None:
    folder = child(root, part.folder) if part.folder else root
    ir, vi = (child(folder, part.ir), child(folder, part.vi)) if folder else (None, None)
    return (ir, vi, child(folder, part.label)) if folder and ir and vi else None


def _candidates(dataset: type[LayoutDataset], data_root: Path) -> Iterator[Path]:
    """Folders that may be the root of a set, the likeliest first."""
    if not data_root.is_dir():
        return
    name = dataset.card.name.lower()
    inside = sorted(path for path in data_root.iterdir() if path.is_dir())
    named = [path for path in inside if path.name.lower().startswith(name)]
    for folder in sorted(named, key=lambda path: len(path.name)):
        yield folder
        yield from sorted(path for path in folder.iterdir() if path.is_dir())
    if dataset.unmistakable or name in data_root.name.lower():
        yield data_root
