from pathlib import Path

import numpy as np
import pytest
import torch

from uaabench.core.arrays import ByteImage
from uaabench.core.errors import UsageError
from uaabench.core.interface import DatasetCard, FusionDataset, Pair, Sources
from uaabench.training.crops import CropSampler


class Coordinates(FusionDataset):
    """Images whose pixels tell where they are: infrared = row, red = column, green = row, blue = 7, label = column."""

    card = DatasetCard(name="coordinates", title="", version=1, summary="", splits={}, default_split="all")

    def __init__(self, height: int, width: int) -> None:
        super().__init__(Path())
        self.reads = 0
        self.rows, self.columns = np.mgrid[:height, :width].astype(np.uint8)

    @classmethod
    def locate(cls, data_root: Path) -> Path | None:
        return None

    def pairs(self, split: str) -> list[Pair]:
        return [Pair("labelled", Path("ir"), Path("vi"), Path("label")), Pair("bare", Path("ir"), Path("vi"))]

    def read(self, pair: Pair) -> Sources:
        self.reads += 1
        return Sources(self.rows, np.dstack([self.columns, self.rows, np.full_like(self.rows, 7)]))

    def read_label(self, pair: Pair) -> ByteImage | None:
        return self.columns if pair.label else None


def sampler(dataset: Coordinates, size: int, seed: int = 0) -> CropSampler:
    return CropSampler([(dataset, pair) for pair in dataset.pairs("all")], size, seed)


def test_shapes_types_and_range() -> None:
    batch = sampler(Coordinates(40, 50), 16).batch(5)
    assert batch.ir.shape == (5, 1, 16, 16)
    assert batch.vi.shape == (5, 3, 16, 16)
    assert batch.label.shape == (5, 16, 16)
    assert (batch.ir.dtype, batch.vi.dtype, batch.label.dtype) == (torch.float32, torch.float32, torch.int64)
    assert batch.has_label.dtype == torch.bool
    assert torch.equal((batch.vi[:, 2] * 255).round(), torch.full((5, 16, 16), 7.0))


def test_images_and_labels_stay_aligned() -> None:
    batch = sampler(Coordinates(40, 50), 16).batch(20)
    rows, columns = (batch.ir[:, 0] * 255).round(), (batch.vi[:, 0] * 255).round()
    assert torch.equal((batch.vi[:, 1] * 255).round(), rows)
    assert 0 < int(batch.has_label.sum()) < 20
    assert torch.equal(batch.label[batch.has_label], columns[batch.has_label].long())
    assert not batch.label[~batch.has_label].any()
    assert torch.equal(rows.diff(dim=1).abs(), torch.ones(20, 15, 16)), "neighbouring rows of a crop are neighbours"
    assert torch.equal(columns.diff(dim=2).abs(), torch.ones(20, 16, 15))


def test_crops_reach_every_corner_and_every_flip() -> None:
    batch = sampler(Coordinates(12, 14), 8).batch(300)
    rows, columns = (batch.ir[:, 0] * 255).round(), (batch.vi[:, 0] * 255).round()
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (0, 11, 0, 13)
    directions = {(int(r[1, 0] - r[0, 0]), int(c[0, 1] - c[0, 0])) for r, c in zip(rows, columns, strict=True)}
    assert directions == {(-1, -1), (-1, 1), (1, -1), (1, 1)}


def test_the_seed_decides_the_sequence() -> None:
    first, again, other = (sampler(Coordinates(40, 50), 16, seed) for seed in (3, 3, 4))
    for _ in range(2):
        expected = first.batch(4)
        assert torch.equal(expected.vi, again.batch(4).vi)
        assert not torch.equal(expected.vi, other.batch(4).vi)


def test_small_images_are_extended_by_reflection() -> None:
    batch = sampler(Coordinates(3, 40), 5).batch(8)
    rows = (batch.ir[:, 0, :, 0] * 255).round()
    for column in rows.tolist():
        assert column in ([0, 1, 2, 1, 0], [0, 1, 2, 1, 0][::-1])


def test_an_image_is_read_once() -> None:
    dataset = Coordinates(40, 50)
    crops = sampler(dataset, 16)
    crops.batch(20)
    crops.batch(20)
    assert dataset.reads == 2


def test_no_pairs_and_no_size_are_refused() -> None:
    with pytest.raises(UsageError, match="no pairs"):
        CropSampler([], 8, 0)
    with pytest.raises(UsageError, match="crop size 0"):
        sampler(Coordinates(4, 4), 0)
