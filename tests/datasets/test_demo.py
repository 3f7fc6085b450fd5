"""The demo set is the same everywhere, and holds what its card says."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from uaabench.core import imaging
from uaabench.datasets.demo import Demo
from uaabench.running.entries import plan_dataset

# Over id, infrared, visible and label of all 80 pairs; trained weights and reported numbers depend on these pixels.
PIXELS = "375b0d78c1c05ba6cdd4d09ebea8af36da24ef4ee63b5467f5b3e7eb9993ac9e"


@pytest.fixture
def demo():
    return Demo(Demo.locate(Path()))


def test_every_pixel_is_pinned(demo):
    found = hashlib.sha256()
    for split in ("train", "test"):
        for pair in demo.pairs(split):
            found.update(pair.id.encode())
            for image in (imaging.read_grey(pair.ir), imaging.read_rgb(pair.vi), imaging.read_label(pair.label)):
                found.update(image.tobytes())
    assert found.hexdigest() == PIXELS


def test_counts_sizes_and_labels_are_those_of_the_card(demo):
    assert {split: len(demo.pairs(split)) for split in demo.card.splits} == {"train": 64, "test": 16, "study": 100}
    for pair in demo.pairs("test"):
        assert demo.read(pair).ir.shape == (240, 320)
        assert demo.read_label(pair).max() < len(demo.card.classes)


def test_each_split_has_scenes_of_its_own_and_is_made_when_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr("uaabench.datasets.demo.cache_folder", lambda: tmp_path)
    monkeypatch.setattr("uaabench.datasets.demo.COUNTS", {"train": 1, "test": 1, "study": 2})
    demo = Demo(Demo.locate(Path()))
    demo.pairs("test")
    assert [entry.name for entry in demo.root.iterdir()] == ["test"]
    pairs = [pair for split in ("train", "test", "study") for pair in demo.pairs(split)]
    assert [pair.id for pair in pairs] == ["0001D", "0002N", "0003D", "0004N"]
    assert len({pair.vi.read_bytes() for pair in pairs}) == 4


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_class_occurs_in_several_images(demo, split):
    present = [set(np.unique(demo.read_label(pair)).tolist()) for pair in demo.pairs(split)]
    for value in range(9):
        assert sum(value in values for values in present) >= 3, demo.card.classes[value].name


def test_the_demo_is_known_by_its_pixels_whatever_encoded_them(tmp_path, monkeypatch):
    monkeypatch.setattr("uaabench.datasets.demo.cache_folder", lambda: tmp_path)
    monkeypatch.setattr("uaabench.datasets.demo.COUNTS", {"train": 0, "test": 1, "study": 0})
    demo = Demo(Demo.locate(Path()))
    (pair,) = demo.pairs("test")

    def planned():
        found = plan_dataset(demo, "demo", "test", [pair])
        return found.index, found.labels

    before = planned()
    for path in (pair.ir, pair.vi, pair.label):
        encoded = path.read_bytes()
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(path), image, [cv2.IMWRITE_PNG_COMPRESSION, 0])
        assert path.read_bytes() != encoded
    assert planned() == before
    label = imaging.read_label(pair.label)
    imaging.write_png(pair.label, np.roll(label, 1))
    assert planned()[0] == before[0]
    assert planned()[1] != before[1]
    imaging.write_png(pair.ir, 255 - imaging.read_grey(pair.ir))
    assert planned()[0] != before[0]
    pair.ir.unlink()
    assert planned()[0] != before[0]
