"""The pairs that a training sees: what a recipe names, found on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from uaabench.core.errors import DataError
from uaabench.core.interface import FusionDataset, Pair

Items = Sequence[tuple[FusionDataset, Pair]]


@dataclass(frozen=True)
class TrainingPairs:
    """What a training sees.

    Attributes:
        items: Pairs to fuse, with or without label maps; where there is none, the segmenter's prediction serves.
        labelled: The pairs the segmenter is trained on alone; all with label maps.
        held_out: The pairs that validation fuses; none of `items`.
        described: What the card says of them, an entry for each data set.
    """

    items: Items
    labelled: Items
    held_out: Items = ()
    described: Sequence[str] = ()

    def ids(self) -> list[list[str]]:
        """Data set and id of the pairs to fuse, and of the labelled ones."""
        return [[_id(item) for item in items] for items in (self.items, self.labelled)]


def find(data: Sequence[str], labelled: Sequence[str], hold_out: int, data_root: Path | None) -> TrainingPairs:
    """Find the pairs of a recipe.

    Args:
        data: Data sets to fuse, `name` for its training split or `name:split`.
        labelled: Those with label maps; none where no segmenter is trained.
        hold_out: How many pairs to keep for validation, evenly spread over `data`.
        data_root: Folder of the data sets; None for the user's.

    Raises:
        DataError: A data set is not there or has no pairs.
        UsageError: There is no data set or split of this name.
    """
    opened = [(entry, _open(entry, data_root)) for entry in data]
    items = [item for _, found in opened for item in found]
    # Of a set that is named twice to count double, a pair must not stay in by its other mention.
    distinct = list({_id(item): item for item in items}.values())
    held_out = [distinct[len(distinct) * (2 * k + 1) // (2 * hold_out)] for k in range(hold_out)]
    kept = {_id(item) for item in held_out}
    with_labels = [item for entry in labelled for item in _open(entry, data_root) if item[1].label is not None]
    if labelled and not with_labels:
        raise DataError(f"No pair of {', '.join(labelled)} has a label map; name a data set with labels, as 'demo'.")
    return TrainingPairs(
        items=[item for item in items if _id(item) not in kept],
        labelled=with_labels,
        held_out=held_out,
        described=[_described(entry, found, data.count(entry)) for entry, found in dict(opened).items()],
    )


def _id(item: tuple[FusionDataset, Pair]) -> str:
    return f"{item[0].card.name}/{item[1].id}"


def _open(entry: str, data_root: Path | None) -> list[tuple[FusionDataset, Pair]]:
    from uaabench.core.paths import data_folder
    from uaabench.data.listing import pairs_of
    from uaabench.running.entries import open_dataset

    name, _, split = entry.partition(":")
    dataset, _, _ = open_dataset(name, data_root or data_folder())
    found = [(dataset, pair) for pair in pairs_of(dataset, split or "train") if pair.ir.is_file() and pair.vi.is_file()]
    if not found:
        raise DataError(
            f"The data set {name} has no pairs in its split '{split or 'train'}'; see 'uaabench data info'."
        )
    return found


def _described(entry: str, found: Items, times: int) -> str:
    card = found[0][0].card
    split = entry.partition(":")[2] or "train"
    expected = card.splits.get(split)
    of_all = f" of {expected}" if expected and expected != len(found) else ""
    repeated = f", each {times} times as often" if times > 1 else ""
    return f"{card.title} {split}: {len(found)}{of_all} pairs{repeated}"
