"""The pairs of a split, after the checks that hold for every data set, also one of a plugin."""

from __future__ import annotations

from uaabench.core.errors import DataError
from uaabench.core.files import is_text
from uaabench.core.interface import FusionDataset, Pair


def pairs_of(dataset: FusionDataset, split: str) -> list[Pair]:
    """List the pairs of a split, of which each has an id of its own.

    Args:
        dataset: The data set.
        split: A name of its card, or what else it takes for one.

    Raises:
        UsageError: The data set has no such split.
        DataError: The split is not there, an image of it is in doubt, two pairs have one id, or an id is no text.
    """
    pairs = dataset.pairs(split)
    found: dict[str, Pair] = {}
    for pair in pairs:
        other = found.setdefault(pair.id, pair)
        if other is not pair:
            raise DataError(
                f"The data set '{dataset.card.name}' lists the pair '{pair.id}' twice in its split '{split}', with "
                f"{other.ir} and {pair.ir}; an id must stand for one pair, as results are kept under it."
            )
        if not is_text(pair.id):
            raise DataError(f"The id {pair.id!a} of a pair in {pair.ir.parent} is not UTF-8; rename its files.")
    return pairs
