"""A planned data set gives the images it was planned with, or says that they have changed."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from uaabench.core.errors import DataError
from uaabench.running import entries
from units import dataset_plan, make_unit


@pytest.fixture
def planned(pair_folder):
    """A data set of four pairs, of which 0 to 2 have a label map."""
    (pair_folder / "labels").mkdir()
    for number in range(3):
        cv2.imwrite(str(pair_folder / "labels" / f"{number}.png"), np.full((48, 64), number, np.uint8))
    dataset, label, split = entries.open_dataset(f"mine={pair_folder}", pair_folder)
    return entries.plan_dataset(dataset, label, split, dataset.pairs(split))


def test_a_planned_data_set_reads_its_own_images(planned, pair_folder):
    opened = planned.open()
    assert opened.card.name == "folder"
    pair = planned.pairs[1]
    sources = opened.read(pair)
    assert (sources.vi == cv2.imread(str(pair_folder / "vi" / "1.png"))[..., ::-1]).all()
    assert (sources.ir == cv2.imread(str(pair_folder / "ir" / "1.png"))[..., 0]).all()
    assert (opened.read_label(pair) == 1).all()
    assert opened.read_label(planned.pairs[3]) is None


@pytest.mark.parametrize("side", ["ir", "vi"])
def test_a_source_image_that_has_changed_since_is_refused_and_no_other(planned, pair_folder, side):
    cv2.imwrite(str(pair_folder / side / "1.png"), np.zeros((48, 64), np.uint8))
    opened = planned.open()
    with pytest.raises(DataError, match=rf"{side}/1\.png has changed since the run was planned"):
        opened.read(planned.pairs[1])
    opened.read(planned.pairs[0])
    opened.read_label(planned.pairs[1])


def test_a_label_map_that_has_changed_since_is_refused_and_no_image(planned, pair_folder):
    cv2.imwrite(str(pair_folder / "labels" / "1.png"), np.zeros((48, 64), np.uint8))
    opened = planned.open()
    with pytest.raises(DataError, match=r"labels/1\.png has changed since the run was planned"):
        opened.read_label(planned.pairs[1])
    opened.read(planned.pairs[1])


def test_units_and_data_sets_are_named_alike_everywhere():
    fused = make_unit("fuse")
    unit = make_unit("score", fused=fused)
    assert unit.name == "score mine on data test"
    assert dataset_plan().place == Path("data/test")
    assert (unit.artefacts, fused.artefacts) == (fused.folder, fused.folder)
