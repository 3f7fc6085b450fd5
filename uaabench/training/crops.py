"""Random aligned crops of registered pairs, as the training loops eat them.

Images are kept in memory as 8-bit arrays after their first reading: the training sets of this field are small, and
decoding PNGs would otherwise cost more than a step of a small network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from uaabench.errors import UsageError
from uaabench.interface import ByteImage, FusionDataset, Pair


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
        images = torch.from_numpy(crops[:, :4]).float() / 255
        return Batch(
            ir=images[:, :1].contiguous(),
            vi=images[:, 1:].contiguous(),
            label=torch.from_numpy(crops[:, 4]).long(),
            has_label=torch.tensor([self._items[index][1].label is not None for index in chosen], dtype=torch.bool),
        )

    def _load(self, index: int) -> ByteImage:
        """Infrared, red, green, blue and label of a pair as planes (5,H,W), at least as large as a crop."""
        dataset, pair = self._items[index]
        key = (id(dataset), pair)
        if key not in self._planes:
            sources, label = dataset.read(pair), dataset.read_label(pair)
            drawn = np.zeros_like(sources.ir) if label is None else label
            planes = np.concatenate([sources.ir[None], sources.vi.transpose(2, 0, 1), drawn[None]])
            short = [max(0, self._size - length) for length in planes.shape[1:]]
            self._planes[key] = np.pad(planes, [(0, 0), (0, short[0]), (0, short[1])], mode="reflect")
        return self._planes[key]

    def _crop(self, planes: ByteImage) -> ByteImage:
        """A random window of (5,H,W), flipped in each direction every other time."""
        top, left = (int(self._random.integers(length - self._size + 1)) for length in planes.shape[1:])
        window = planes[:, top : top + self._size, left : left + self._size]
        vertical, horizontal = self._random.integers(2, size=2) * 2 - 1
        return window[:, ::vertical, ::horizontal]
