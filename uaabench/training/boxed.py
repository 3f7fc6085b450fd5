"""The images a detector is trained on: which pairs, how it sees them, and the crops of a step with their boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from uaabench.core import imaging
from uaabench.core.arrays import ByteImage
from uaabench.core.boxes import Boxes
from uaabench.core.errors import DataError
from uaabench.core.interface import FusionDataset, Pair
from uaabench.data.listing import pairs_of
from uaabench.running.entries import open_dataset
from uaabench.training.images import image_of, named, set_aside

MIX = ("visible", "infrared", "average", "maximum")
ON = ("visible", "infrared", "average", "maximum", "mix")
# An object of which a crop shows less, in pixels of a side, is not asked for.
SMALLEST = 4

Example = tuple[Tensor, dict[str, Tensor]]


@dataclass(frozen=True, kw_only=True)
class BoxedImages:
    """What a detector is trained on.

    Attributes:
        dataset: Reads the pairs.
        split: The split they are of.
        pairs: Pairs with boxes.
        held_out: Further pairs of the split, which the trained detector is validated on.
        on: How it sees them: one of `ON`, or a folder of fused images.
        origin: What `on` is, where it is a folder.
    """

    dataset: FusionDataset
    split: str
    pairs: Sequence[Pair]
    held_out: Sequence[Pair] = ()
    on: str = "mix"
    origin: str = ""

    @property
    def identity(self) -> str:
        """What tells them from others of the same pairs, wherever the folder of a method's images is moved to."""
        if self.on in ON:
            return self.on
        return Path(self.on).name if self.origin else str(Path(self.on).resolve())

    @property
    def ways(self) -> tuple[str, ...]:
        """The ways in which each pair is seen."""
        return MIX if self.on == "mix" else (self.on,)

    @property
    def described(self) -> str:
        """What a card says of them, for example `Demo train, 64 pairs, average`."""
        mixed = f"mix ({', '.join(MIX)}: fused images are nothing new to it)"
        seen = mixed if self.on == "mix" else self.origin or self.on
        return f"{self.dataset.card.title} {self.split}, {len(self.pairs)} pairs, {seen}"


def choose(
    entry: str, data_root: Path, *, on: str = "mix", names: Path | None = None, held_out: int | None = None
) -> BoxedImages:
    """Find the pairs with boxes of a split, and set some of them aside for validation.

    Args:
        entry: `name` of a data set, for its split `train`, or `name:split`.
        data_root: Where data sets are.
        on: How the detector sees them.
        names: File with the ids to take, one a line; None for the whole split.
        held_out: How many pairs to set aside; None for a tenth of 20 pairs or more.

    Raises:
        UsageError: A name is unknown, or no pair would be left to train on.
        DataError: The data set is not there, or its boxes are not or cannot be read.
    """
    name, _, split = entry.partition(":")
    dataset, label, default = open_dataset(name, data_root)
    split = split or ("train" if "train" in dataset.card.splits else default)
    pairs = named(pairs_of(dataset, split), names, f"{label} {split}")
    boxed = [pair for pair in pairs if dataset.read_boxes(pair) is not None]
    if not boxed:
        raise DataError(f"The split '{split}' of {label} has no boxes; a detector cannot be trained on it.")
    kept, aside = set_aside(boxed, held_out)
    return BoxedImages(dataset=dataset, split=split, pairs=kept, held_out=aside, on=on)


def seen(dataset: FusionDataset, pair: Pair, on: str) -> ByteImage:
    """The image of a pair that a detector sees, (H,W,3): as a segmenter does, or `maximum` of the two sources.

    Raises:
        DataError: A file is missing or unreadable.
    """
    if on != "maximum":
        return image_of(dataset, pair, on)
    sources = dataset.read(pair)
    return imaging.colourise(np.maximum(imaging.grey(sources.vi).astype(np.uint8), sources.ir), sources.vi)


def boxes_of(dataset: FusionDataset, pair: Pair) -> Boxes:
    """The boxes of a pair.

    Raises:
        DataError: It has none, or they cannot be read.
    """
    boxes = dataset.read_boxes(pair)
    if boxes is None:
        raise DataError(f"The pair '{pair.id}' of {dataset.card.title} has no boxes; a detector needs them.")
    return boxes


class Crops:
    """Draws random crops with the boxes in them, by torch's random numbers, whose state checkpoints hold.

    Images stay in memory after their first reading.

    Args:
        images: What to draw from; each way of seeing each pair is drawn equally often.
        size: Height and width of a crop; what of it lies outside the image is grey.
    """

    def __init__(self, images: BoxedImages, size: int) -> None:
        self._images, self._size = images, size
        self._items = [(pair, way) for pair in images.pairs for way in images.ways]
        self._read: dict[int, tuple[ByteImage, Boxes]] = {}

    def batch(self, n: int) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
        """Draw crops as torchvision's detectors take them: images (3,S,S) in [0,1], and boxes with labels."""
        chosen = torch.randint(len(self._items), (n,)).tolist()
        examples = [self._crop(*self._load(index)) for index in chosen]
        return [image for image, _ in examples], [target for _, target in examples]

    def _load(self, index: int) -> tuple[ByteImage, Boxes]:
        if index not in self._read:
            pair, way = self._items[index]
            dataset = self._images.dataset
            self._read[index] = seen(dataset, pair, way), boxes_of(dataset, pair)
        return self._read[index]

    def _crop(self, image: ByteImage, boxes: Boxes) -> Example:
        counted = ~boxes.ignored
        size = image.shape[0], image.shape[1]
        corners = tv_tensors.BoundingBoxes(boxes.corners[counted], format="XYXY", canvas_size=size, dtype=torch.float32)
        target = {"boxes": corners, "labels": torch.from_numpy(boxes.labels[counted])}
        picture = tv_tensors.Image(torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))))
        cropped, found = augmentation(*size, self._size)(picture, target)
        return cropped.as_subclass(Tensor), {name: value.as_subclass(Tensor) for name, value in found.items()}


@cache
def augmentation(height: int, width: int, size: int) -> Any:
    """Scaled by 0.8 to 1.6, cropped, flipped, distorted in brightness and contrast.

    Colours stay, as a hue that a fused image does not have would say nothing of fused images.
    """
    return v2.Compose(
        [
            v2.ScaleJitter((height, width), (0.8, 1.6), antialias=True),
            v2.RandomCrop(size, pad_if_needed=True, fill=128),
            v2.RandomHorizontalFlip(),
            v2.RandomApply([v2.ColorJitter(brightness=0.3, contrast=0.3)], p=0.5),
            v2.ToDtype(torch.float32, scale=True),
            v2.SanitizeBoundingBoxes(min_size=SMALLEST),
        ]
    )
