"""The images a segmenter is trained on: which pairs, how it sees them, and how mmsegmentation reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from uaabench.core import files, imaging
from uaabench.core.arrays import ByteImage
from uaabench.core.errors import DataError, UsageError
from uaabench.core.interface import FusionDataset, Pair
from uaabench.data.listing import pairs_of
from uaabench.data.split_file import read_stems
from uaabench.judges.segmentation.protocols import Protocol, for_dataset
from uaabench.running.entries import open_dataset

Counts = NDArray[np.int64]
MODALITIES = ("visible", "infrared", "both", "mix")

# What a segmenter on `mix` is trained on: each pair in each of these ways.
MIX = ("visible", "infrared", "average")


def image_of(dataset: FusionDataset, pair: Pair, on: str) -> ByteImage:
    """The image of a pair that a segmenter sees: (H,W,3) uint8.

    Args:
        dataset: The data set.
        pair: The pair.
        on: `visible`; `infrared`, three times; `both`, the luminance of the visible image, infrared, and nothing;
            `average`, the mean of luminance and infrared in the colours of the visible image; or a folder of fused
            images.

    Raises:
        DataError: A file is missing or unreadable.
    """
    sources = dataset.read(pair)
    if on == "visible":
        return sources.vi
    if on == "infrared":
        return np.repeat(sources.ir[..., None], 3, axis=2)
    if on == "both":
        return np.stack([imaging.grey(sources.vi).astype(np.uint8), sources.ir, np.zeros_like(sources.ir)], axis=2)
    if on == "average":
        mean = np.rint((imaging.grey(sources.vi) + sources.ir) / 2).astype(np.uint8)
        return imaging.colourise(mean, sources.vi)
    folder = Path(on)
    path = _fused_images(folder, folder.stat().st_mtime_ns if folder.is_dir() else 0).get(pair.id)
    if path is None:
        raise DataError(f"There is no fused image of the pair '{pair.id}' in {on}; add {pair.id}.png there.")
    fused = imaging.read_rgb(path)
    return imaging.colourise(fused[..., 0], sources.vi) if (fused == fused[..., :1]).all() else fused


@lru_cache(maxsize=4)
def _fused_images(folder: Path, _changed: int) -> Mapping[str, Path]:
    """The images of a folder, listed again only when it has changed: once for each of its images is too often."""
    return files.images(folder)


@dataclass(frozen=True, kw_only=True)
class TrainingImages:
    """What a segmenter is trained on.

    Attributes:
        dataset: Reads the pairs.
        split: The split they are of.
        pairs: Pairs with label maps.
        protocol: Which label values count; the others are left out of the loss.
        held_out: Further pairs of the split, which the trained segmenter is validated on.
        on: How it sees them; see `image_of`, or `mix` for `MIX`.
        origin: What `on` is, where it is a folder.
    """

    dataset: FusionDataset
    split: str
    pairs: Sequence[Pair]
    protocol: Protocol
    held_out: Sequence[Pair] = ()
    on: str = "visible"
    origin: str = ""

    @property
    def colours(self) -> bool:
        """Whether the three channels are colours, and not two sources side by side."""
        return self.on != "both"

    @property
    def identity(self) -> str:
        """What tells them from others of the same pairs, wherever the folder of a method's images is moved to."""
        if self.on in MODALITIES:
            return self.on
        # A fused folder that `train judges` made is named by the hash of everything that decides its images.
        return Path(self.on).name if self.origin else str(Path(self.on).resolve())

    @property
    def described(self) -> str:
        """What a card says of them, for example `MSRS train, 1083 pairs, visible`."""
        return f"{self.dataset.card.title} {self.split}, {len(self.pairs)} pairs, {self.origin or self.on}"


def choose(
    entry: str,
    data_root: Path,
    *,
    on: str = "visible",
    protocol: str = "",
    names: Path | None = None,
    held_out: int | None = None,
) -> TrainingImages:
    """Find the labelled pairs of a split, and set some of them aside for validation.

    Args:
        entry: `name` of a data set, for its split `train`, or `name:split`.
        data_root: Where data sets are.
        on: How the segmenter sees them.
        protocol: Which classes count; empty for the usual convention of the data set.
        names: File with the ids to take, one a line; None for the whole split.
        held_out: How many pairs to set aside; None for a tenth of 20 pairs or more.

    Raises:
        UsageError: A name is unknown, or no pair would be left to train on.
        DataError: The data set is not there or has no label maps.
    """
    name, _, split = entry.partition(":")
    dataset, label, default = open_dataset(name, data_root)
    split = split or ("train" if "train" in dataset.card.splits else default)
    convention = for_dataset(dataset.card, protocol)
    pairs = labelled(dataset, named(pairs_of(dataset, split), names, f"{label} {split}"))
    if convention is None or not pairs:
        raise DataError(f"The split '{split}' of {label} has no label maps; a segmenter cannot be trained on it.")
    kept, aside = set_aside(pairs, held_out)
    return TrainingImages(dataset=dataset, split=split, pairs=kept, protocol=convention, held_out=aside, on=on)


def named(pairs: Sequence[Pair], names: Path | None, where: str) -> Sequence[Pair]:
    """The pairs whose ids stand in a file; all without one."""
    if names is None:
        return pairs
    known = {pair.id for pair in pairs}
    wanted = set(read_stems(names, known))
    if wanted - known:
        raise UsageError(f"{names} names '{min(wanted - known)}', which is no pair of {where}; take it away.")
    return [pair for pair in pairs if pair.id in wanted]


def set_aside(pairs: Sequence[Pair], count: int | None) -> tuple[list[Pair], list[Pair]]:
    """Pairs to train on and pairs to validate on: the same ones whatever the method and the seed of the training."""
    if count is None:
        count = len(pairs) // 10 if len(pairs) >= 20 else 0
    if count >= len(pairs):
        raise UsageError(f"Of {len(pairs)} labelled pairs {count} cannot be held out; give a smaller --validate.")
    drawn = {pairs[index].id for index in np.random.default_rng(0).permutation(len(pairs))[:count]}
    return [pair for pair in pairs if pair.id not in drawn], [pair for pair in pairs if pair.id in drawn]


def labelled(dataset: FusionDataset, pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs whose label map is there.

    Raises:
        DataError: One that is there cannot be read: to leave it out silently would train on fewer pairs than it says.
    """
    there = [pair for pair in pairs if pair.label is not None and pair.label.is_file()]
    return [pair for pair in there if dataset.read_label(pair) is not None]


def label_of(dataset: FusionDataset, pair: Pair) -> ByteImage:
    """The label map of a pair.

    Raises:
        DataError: It has none, or it cannot be read.
    """
    label = dataset.read_label(pair)
    if label is None:
        raise DataError(f"The pair '{pair.id}' of {dataset.card.title} has no label map; a segmenter needs them.")
    return label


def ways(on: str) -> tuple[str, ...]:
    """The ways in which each pair is seen; see `image_of`."""
    return MIX if on == "mix" else (on,)


def write(images: TrainingImages, folder: Path) -> Counts:
    """Write images and label maps as mmsegmentation reads them; label values that do not count become 255.

    Returns:
        Number of pixels of each class.
    """
    dataset, on, protocol = images.dataset, images.on, images.protocol
    counts = np.zeros(len(protocol.classes), np.int64)
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for pair in images.pairs:
        label = label_of(dataset, pair)
        left_out = (label == protocol.ignore) | (label < protocol.first)
        if (wrong := label[~left_out]).size and wrong.max() >= len(protocol.classes):
            raise DataError(
                f"{pair.label} has the value {wrong.max()}, but {protocol.name} has classes 0 to "
                f"{len(protocol.classes) - 1}; choose the protocol of this data set."
            )
        counts += np.bincount(label[~left_out], minlength=len(counts))
        for seen in ways(on):
            name = f"{pair.id}-{seen}.png" if on == "mix" else f"{pair.id}.png"
            imaging.write_png(folder / "images" / name, image_of(dataset, pair, seen))
            imaging.write_png(folder / "labels" / name, np.where(left_out, np.uint8(255), label))
    return counts
