"""Checks a data set against its card: counts, pairing, sizes, readability, label values, boxes and released hashes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from uaabench.core import imaging
from uaabench.core.errors import AbsentError, DataError
from uaabench.core.files import IMAGE_SUFFIXES, sha256
from uaabench.core.hashes import kept
from uaabench.core.interface import FusionDataset, Pair, Sources
from uaabench.core.streams import ordered_map
from uaabench.data.listing import pairs_of

Hashes = Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a data set.

    Attributes:
        where: The file, the folder, or the set and split.
        sentence: What is wrong and how to mend it.
    """

    where: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in a data set.

    Attributes:
        pairs: Number of pairs of each split that was listed.
        absent: Splits of its card that are not there.
        problems: All that is wrong, in the order of splits and pairs.
    """

    pairs: dict[str, int]
    absent: tuple[str, ...]
    problems: tuple[Problem, ...]


def verify(dataset: FusionDataset, splits: Sequence[str] = (), *, threads: int = 1) -> Report:
    """Check splits of a data set completely; a pair that is in several splits is checked once.

    Args:
        dataset: The data set; it may state `expected_hashes(split)`, SHA-256 of infrared and visible file by id.
        splits: Names of its card, or split files; all that are there, and at least the default one, unless given.
        threads: Pairs that are worked on at a time.

    Raises:
        UsageError: The data set has no such split.
    """
    listed, refused, absent = list_splits(dataset, splits or tuple(dataset.card.splits))
    asked = splits or (() if listed or refused else (dataset.card.default_split,))
    refused |= {split: absent[split] for split in asked if split in absent}
    problems = [Problem(f"{dataset.card.name}:{split}", str(error)) for split, error in refused.items()]
    everything = {path for pairs in listed.values() for pair in pairs for path in _files(pair)}
    problems += _kept_hash_problems(dataset, everything)
    checked: set[Path] = set()
    for split, pairs in listed.items():
        hashes: Hashes = getattr(dataset, "expected_hashes", _no_hashes)(split)
        problems += _count_problems(dataset, split, {pair.id for pair in pairs}, hashes)
        problems += _label_problems(dataset, split, pairs)
        problems += _lack_of_boxes(dataset, split, pairs)
        fresh = [pair for pair in pairs if pair.ir not in checked]
        checked.update(pair.ir for pair in fresh)
        of_pair = partial(_of_pair, dataset, hashes)
        problems += chain.from_iterable(ordered_map(of_pair, fresh, threads=threads))
    counts = {split: len(pairs) for split, pairs in listed.items()}
    return Report(counts, tuple(split for split in absent if split not in asked), tuple(problems))


def list_splits(
    dataset: FusionDataset, splits: Iterable[str]
) -> tuple[dict[str, list[Pair]], dict[str, DataError], dict[str, DataError]]:
    """List several splits.

    Returns:
        The pairs of those that can be listed; the errors of those that cannot, as something is wrong with them; and of
        those that are not there.
    """
    listed: dict[str, list[Pair]] = {}
    refused: dict[str, DataError] = {}
    absent: dict[str, DataError] = {}
    for split in splits:
        try:
            listed[split] = pairs_of(dataset, split)
        except AbsentError as error:
            absent[split] = error
        except DataError as error:
            refused[split] = error
    return listed, refused, absent


def _no_hashes(split: str) -> Hashes:  # noqa: ARG001 - stands in for a method of the data set
    return {}


def _count_problems(dataset: FusionDataset, split: str, present: set[str], hashes: Hashes) -> Iterator[Problem]:
    where = f"{dataset.card.name}:{split}"
    expected = dataset.card.splits.get(split)
    missing, foreign = sorted(hashes.keys() - present), sorted(present - hashes.keys()) if hashes else []
    if missing:
        yield Problem(where, f"{len(missing)} of {len(hashes)} pairs are missing, for example {missing[0]}; copy them.")
    elif expected is not None and len(present) != expected and not foreign:
        yield Problem(where, f"It has {len(present)} pairs instead of {expected}; copy it from the source again.")
    if foreign:
        yield Problem(where, f"{len(foreign)} pairs are not of the release, for example {foreign[0]}; remove them.")


def _label_problems(dataset: FusionDataset, split: str, pairs: Sequence[Pair]) -> Iterator[Problem]:
    """Label maps for some of the pairs only: mIoU would be that of a part."""
    without = [pair.id for pair in pairs if pair.label is None]
    if without and len(without) < len(pairs):
        yield Problem(
            f"{dataset.card.name}:{split}",
            f"{len(without)} of {len(pairs)} pairs have no label map, for example {without[0]}; copy them, or take the "
            "folder of label maps away.",
        )


def _lack_of_boxes(dataset: FusionDataset, split: str, pairs: Sequence[Pair]) -> Iterator[Problem]:
    """Boxes of some of the pairs only: AP would be that of a part."""
    for version in dict.fromkeys(version for pair in pairs for version in pair.boxes):
        without = [pair.id for pair in pairs if version not in pair.boxes]
        if without:
            yield Problem(
                f"{dataset.card.name}:{split}",
                f"{len(without)} of {len(pairs)} pairs have no file of boxes ({version}), for example {without[0]}; "
                "add an empty one for an image without objects, or take the boxes away.",
            )


def _box_problems(dataset: FusionDataset, pair: Pair) -> Iterator[Problem]:
    for version, path in pair.boxes.items():
        try:
            dataset.read_boxes(pair, version)
        except DataError as error:
            yield Problem(str(path), str(error))


def _of_pair(dataset: FusionDataset, hashes: Hashes, pair: Pair) -> list[Problem]:
    return list(_pair_problems(dataset, pair, hashes))


def _pair_problems(dataset: FusionDataset, pair: Pair, hashes: Hashes) -> Iterator[Problem]:
    missing = [path for path in (pair.ir, pair.vi) if not path.exists()]
    for path in missing:
        kind = "infrared" if path == pair.ir else "visible"
        yield Problem(str(path), f"The {kind} image of the pair {pair.id} is missing; copy it from the source again.")
    if missing:
        return
    yield from _hash_problems(pair, hashes)
    try:
        sources = dataset.read(pair)
    except DataError as error:
        # Reading a pair stops at the first error; the others of its files must not have to wait for the next check.
        yield from list(_unreadable(pair)) or [Problem(str(pair.vi), str(error))]
        return
    yield from _source_problems(dataset, pair, sources)
    yield from _class_problems(dataset, pair)
    yield from _box_problems(dataset, pair)


def _hash_problems(pair: Pair, hashes: Hashes) -> Iterator[Problem]:
    for path, expected in zip((pair.ir, pair.vi), hashes.get(pair.id, ()), strict=False):
        try:
            changed = sha256(path) != expected
        except OSError:
            continue  # reading says why
        if changed:
            yield Problem(str(path), "The file is not the released one (its SHA-256 differs); copy it from the source.")


def _files(pair: Pair) -> list[Path]:
    """All files of a pair."""
    return [path for path in (pair.ir, pair.vi, pair.label, *pair.boxes.values()) if path is not None]


def _kept_hash_problems(dataset: FusionDataset, paths: Iterable[Path]) -> Iterator[Problem]:
    """Files whose content has changed unseen since a run kept its hash."""
    for path, expected in kept(dataset.root, sorted(paths)).items():
        with suppress(OSError):  # reading says why
            if sha256(path) != expected:
                yield Problem(
                    str(path),
                    "Its content is not what a run has read, although size and times of the file are: the disk may be "
                    "failing; copy the file from the source again, which later runs will see.",
                )


def _unreadable(pair: Pair) -> Iterator[Problem]:
    for path in filter(None, (pair.ir, pair.vi, pair.label)):
        if path.suffix.lower() not in IMAGE_SUFFIXES:
            continue  # a data set of its own format is judged by its `read`
        try:
            (imaging.read_label if path == pair.label else imaging.read_rgb)(path)
        except DataError as error:
            yield Problem(str(path), str(error))


def _class_problems(dataset: FusionDataset, pair: Pair) -> Iterator[Problem]:
    try:
        label = dataset.read_label(pair)
    except DataError as error:
        yield Problem(str(pair.label), str(error))
        return
    if label is None or not dataset.card.classes:
        return
    known = {*range(len(dataset.card.classes)), dataset.card.ignore_index}
    unknown = sorted(set(np.flatnonzero(np.bincount(label.ravel(), minlength=256)).tolist()) - known)
    if unknown:
        yield Problem(
            str(pair.label),
            f"The label map has the value {unknown[0]}, but {dataset.card.title} has the classes 0 to "
            f"{len(dataset.card.classes) - 1}; use the original label maps, not their coloured versions.",
        )


def _source_problems(dataset: FusionDataset, pair: Pair, sources: Sources) -> Iterator[Problem]:
    size = dataset.card.image_size
    if size is not None and sources.ir.shape != size:
        yield Problem(
            str(pair.ir),
            f"It is {imaging.size_text(sources.ir)} instead of {size[1]}x{size[0]}; use the original, not a copy "
            "that was scaled.",
        )
    if all(np.array_equal(sources.vi[..., channel], sources.ir) for channel in range(3)):
        yield Problem(str(pair.ir), f"Its content equals that of {pair.vi}; one was probably copied over the other.")
