"""The fused images that a segmenter is trained on are found as everywhere else."""

import shutil

import pytest

from uaabench.core import imaging, registry
from uaabench.core.errors import DataError
from uaabench.training.images import image_of


@pytest.fixture
def fused(pair_folder):
    folder = pair_folder / "fused"
    shutil.copytree(pair_folder / "vi", folder)
    return folder


def see(pair_folder, fused):
    dataset = registry.dataset_class("folder")(pair_folder)
    return image_of(dataset, dataset.pairs("all")[1], str(fused))


def test_a_fused_image_is_found_in_upper_case(pair_folder, fused):
    (fused / "1.png").rename(fused / "1.PNG")
    assert (see(pair_folder, fused) == imaging.read_rgb(pair_folder / "vi" / "1.png")).all()


def test_two_fused_images_of_one_stem_are_refused_also_when_one_comes_later(pair_folder, fused):
    see(pair_folder, fused)
    shutil.copy(fused / "1.png", fused / "1.bmp")
    with pytest.raises(DataError, match=r"holds both 1\.bmp and 1\.png"):
        see(pair_folder, fused)


def test_a_missing_fused_image_is_named(pair_folder, fused):
    (fused / "1.png").unlink()
    with pytest.raises(DataError, match=r"add 1\.png there"):
        see(pair_folder, fused)
