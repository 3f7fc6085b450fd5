"""Images fused elsewhere: each is of a pair of the data sets of the run, or is refused before anything is computed."""

import shutil

import pytest

from uaabench.core.errors import DataError
from uaabench.running import plan
from uaabench.running.config import build


@pytest.fixture
def fused(pair_folder, tmp_path):
    """A fused image for each of the four pairs."""
    return shutil.copytree(pair_folder / "vi", tmp_path / "fused")


@pytest.fixture
def planned(pair_folder, fused):
    def make(**entries):
        given = {"methods": [f"mine={fused}"], "datasets": [f"own={pair_folder}"], "floor": False, **entries}
        return plan.make(build(given), "cpu")

    return make


def test_a_fused_image_that_is_of_no_pair_is_refused_by_name(planned, fused):
    shutil.copy(fused / "0.png", fused / "overview.png")
    with pytest.raises(
        DataError, match=r"1 of 5 fused images in .*fused are named like no pair of own: overview; name"
    ):
        planned()


def test_a_limit_does_not_make_the_images_of_other_pairs_strangers(planned):
    (unit,) = planned(limit=2).units["fuse"]
    assert list(unit.task.precomputed) == ["0", "1"]


def test_the_images_of_a_folder_may_be_of_pairs_of_any_data_set_of_the_run(planned, pair_folder, fused, tmp_path):
    other = shutil.copytree(pair_folder, tmp_path / "other")
    for folder in ("ir", "vi"):
        (other / folder / "3.png").rename(other / folder / "4.png")
    shutil.copy(fused / "0.png", fused / "4.png")
    with pytest.raises(DataError, match="no pair of own: 4;"):
        planned()
    first, second = planned(datasets=[f"own={pair_folder}", f"other={other}"]).units["fuse"]
    assert (list(first.task.precomputed), list(second.task.precomputed)) == (["0", "1", "2", "3"], ["0", "1", "2", "4"])


def test_the_images_of_a_folder_may_be_of_pairs_of_another_split(planned, pair_folder, fused, tmp_path):
    root = tmp_path / "data" / "MSRS"
    for split, names in (("train", "01"), ("test", "23")):
        for folder in ("ir", "vi"):
            (root / split / folder).mkdir(parents=True)
            for name in names:
                shutil.copy(pair_folder / folder / f"{name}.png", root / split / folder / f"{name}.png")
    (unit,) = planned(datasets=["msrs:test"], data_root=tmp_path / "data").units["fuse"]
    assert list(unit.task.precomputed) == ["2", "3"]
    shutil.copy(fused / "0.png", fused / "4.png")
    with pytest.raises(DataError, match="no pair of msrs: 4;"):
        planned(datasets=["msrs:test"], data_root=tmp_path / "data")
