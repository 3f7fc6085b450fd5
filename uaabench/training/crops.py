"""Random aligned crops of registered pairs, as the training loops eat them.

Images are kept in memory as 8-bit arrays after their first reading: the training sets of this field are small, and
decoding PNGs would otherwise cost more than a step of a small network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from uaabench.core.arrays import ByteImage
from uaabench.core.errors import UsageError
from uaabench.core.interface import FusionDataset, Pair


@dataclass(frozen=True, slots=True)
class Batch:
    """Aligned crops.

    Attributes:
        ir: Infrared, (B,1,S,S) float32 in [0,1].
        vi: Visible RGB, (B,3,S,S) float32 in [0,1].
        label: Class indices, (B,S,S) int64; zeros where the pair has no label map.
        has_label: Which crops have a label map, (B,) bool.
    """

    ir: Tensor
    vi: Tensor
    label: Tensor
    has_label: Tensor

    def on(self, device: torch.device) -> Batch:
        """The same on a device."""
        return Batch(*(part.to(device) for part in (self.ir, self.vi, self.label, self.has_label)))


class CropSampler:
    """Draws random square crops with random flips; the same seed gives the same sequence of batches.

    Args:
        items: Pairs with the data set that reads them; each entry is drawn equally often, so a pair named twice comes
            twice as often.
        size: Height and width of the crops; smaller images are extended by reflection.
        seed: Seed of the sequence.

    Raises:
        UsageError: There are no pairs, or the size is not positive.
    """

    def __init__(self, items: Sequence[tuple[FusionDataset, Pair]], size: int, seed: int) -> None:
        if not items:
            raise UsageError("There are no pairs to crop; name a data set whose training split is not empty.")
        if size < 1:
            raise UsageError(f"The crop size {size} is not positive; give the number of pixels of a side.")
        self._items = list(items)
        self._size = size
        self._random = np.random.default_rng(seed)
        self._planes: dict[tuple[int, Pair], ByteImage] = {}

    def batch(self, n: int) -> Batch:
        """Draw `n` crops.

        Raises:
            DataError: A pair cannot be read.
        """
        chosen = self._random.integers(len(self._items), size=n)
        crops = np.stack([self._crop(self._load(int(index))) for index in chosen])
        labelled = np.array([self._items[index][1].label is not None for index in chosen])
        return batch_of(torch.from_numpy(crops), labelled)

    def state_dict(self) -> dict[str, Any]:
        """State of the random numbers."""
        return {"random": self._random.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        self._random.bit_generator.state = state["random"]

    def _load(self, index: int) -> ByteImage:
        """The planes of a pair, at least as large as a crop."""
        dataset, pair = self._items[index]
        key = (id(dataset), pair)
        if key not in self._planes:
            self._planes[key] = extend(read_planes(dataset, pair), self._size)
        return self._planes[key]

    def _crop(self, planes: ByteImage) -> ByteImage:
        """A random window of (5,H,W), flipped in each direction every other time."""
        top, left = (int(self._random.integers(length - self._size + 1)) for length in planes.shape[1:])
        window = planes[:, top : top + self._size, left : left + self._size]
        vertical, horizontal = self._random.integers(2, size=2) * 2 - 1
        return window[:, ::vertical, ::horizontal]


def read_planes(dataset: FusionDataset, pair: Pair) -> ByteImage:
    """Infrared, red, green, blue and label of a pair, (5,H,W) uint8; the label is 0 where the pair has no label map.

    Raises:
        DataError: The pair cannot be read.
    """
    sources, label = dataset.read(pair), dataset.read_label(pair)
    drawn = np.zeros_like(sources.ir) if label is None else label
    return np.concatenate([sources.ir[None], sources.vi.transpose(2, 0, 1), drawn[None]])


def extend(planes: ByteImage, size: int) -> ByteImage:
    """Extend (C,H,W) by reflection until height and width are at least `size`."""
    short = [max(0, size - length) for length in planes.shape[1:]]
    return np.pad(planes, [(0, 0), (0, short[0]), (0, short[1])], mode="reflect")


def batch_of(planes: Tensor, labelled: NDArray[np.bool_]) -> Batch:
    """Make a batch of planes as `read_planes` gives them, (B,5,S,S), and of which have a label map, (B,)."""
    images = planes[:, :4].float() / 255
    return Batch(
        ir=images[:, :1].contiguous(),
        vi=images[:, 1:].contiguous(),
        label=planes[:, 4].long(),
        has_label=torch.from_numpy(labelled),
    )
