"""Checks a data set against its card: counts, pairing, sizes, readability, label values and released hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from uaabench.core import imaging
from uaabench.core.errors import DataError
from uaabench.core.interface import FusionDataset, Pair, Sources

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


def verify(dataset: FusionDataset, splits: Iterable[str]) -> list[Problem]:
    """Check splits of a data set completely; a pair that is in several splits is checked once.

    Args:
        dataset: The data set; it may state `expected_hashes(split)`, SHA-256 of infrared and visible file by id.
        splits: Names of its card, or files of stems.

    Returns:
        All problems, in the order of splits and pairs.

    Raises:
        UsageError: The data set has no such split.
    """
    problems: list[Problem] = []
    checked: set[Path] = set()
    for split in splits:
        where = f"{dataset.card.name}:{split}"
        try:
            pairs = dataset.pairs(split)
        except DataError as error:
            problems.append(Problem(where, str(error)))
            continue
        hashes: Hashes = getattr(dataset, "expected_hashes", _no_hashes)(split)
        problems += _count_problems(dataset, split, where, {pair.id for pair in pairs}, hashes)
        for pair in pairs:
            if pair.ir not in checked:
                problems += _pair_problems(dataset, pair, hashes)
            checked.add(pair.ir)
    return problems


def present_splits(dataset: FusionDataset) -> dict[str, list[Pair]]:
    """Pairs of those splits of the card whose folders are there."""
    there = {}
    for split in dataset.card.splits:
        try:
            there[split] = dataset.pairs(split)
        except DataError:
            continue
    return there


def _no_hashes(split: str) -> Hashes:  # noqa: ARG001 - stands in for a method of the data set
    return {}


def _count_problems(
    dataset: FusionDataset, split: str, where: str, present: set[str], hashes: Hashes
) -> Iterator[Problem]:
    expected = dataset.card.splits.get(split)
    missing, foreign = sorted(hashes.keys() - present), sorted(present - hashes.keys()) if hashes else []
    if missing:
        yield Problem(where, f"{len(missing)} of {len(hashes)} pairs are missing, for example {missing[0]}; copy them.")
    elif expected is not None and len(present) != expected and not foreign:
        yield Problem(where, f"It has {len(present)} pairs instead of {expected}; copy it from the source again.")
    if foreign:
        yield Problem(where, f"{len(foreign)} pairs are not of the release, for example {foreign[0]}; remove them.")


def _pair_problems(dataset: FusionDataset, pair: Pair, hashes: Hashes) -> Iterator[Problem]:
    missing = [path for path in (pair.ir, pair.vi) if not path.is_file()]
    for path in missing:
        kind = "infrared" if path == pair.ir else "visible"
        yield Problem(str(path), f"The {kind} image of the pair {pair.id} is missing; copy it from the source again.")
    if missing:
        return
    yield from _hash_problems(pair, hashes)
    unreadable = list(_unreadable(pair))
    yield from unreadable
    if not unreadable:
        yield from _content_problems(dataset, pair)


def _hash_problems(pair: Pair, hashes: Hashes) -> Iterator[Problem]:
    for path, expected in zip((pair.ir, pair.vi), hashes.get(pair.id, ()), strict=False):
        if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            yield Problem(str(path), "The file is not the released one (its SHA-256 differs); copy it from the source.")


def _unreadable(pair: Pair) -> Iterator[Problem]:
    for path in filter(None, (pair.ir, pair.vi, pair.label)):
        if path.suffix.lower() not in imaging.IMAGE_SUFFIXES:
            continue  # a data set of its own format is judged by its `read`
        try:
            (imaging.read_label if path == pair.label else imaging.read_rgb)(path)
        except DataError as error:
            yield Problem(str(path), str(error))


def _content_problems(dataset: FusionDataset, pair: Pair) -> Iterator[Problem]:
    try:
        sources = dataset.read(pair)
    except DataError as error:
        yield Problem(str(pair.vi), str(error))
        return
    yield from _source_problems(dataset, pair, sources)
    if pair.label is None:
        return
    try:
        label = dataset.read_label(pair)
    except DataError as error:
        yield Problem(str(pair.label), str(error))
        return
    if label is not None and dataset.card.classes:
        known = {*range(len(dataset.card.classes)), dataset.card.ignore_index}
        unknown = [int(value) for value in np.unique(label) if int(value) not in known]
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
    if (sources.vi == sources.ir[..., None]).all():
        yield Problem(str(pair.ir), f"Its content equals that of {pair.vi}; one was probably copied over the other.")
