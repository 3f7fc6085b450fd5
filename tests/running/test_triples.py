"""Fused images and sources come together by name or by place, as files or as arrays, or are refused in one sentence."""

import re

import numpy as np
import pytest

from uaabench.core import imaging
from uaabench.core.errors import DataError, UsageError
from uaabench.running.triples import triples

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4)
RGB = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)


@pytest.fixture
def folder(tmp_path):
    """A folder with the images 2.png and 10.png."""
    for name in ("2", "10"):
        imaging.write_png(tmp_path / f"{name}.png", RGB)
    return tmp_path


def test_three_arrays_are_one_pair():
    (triple,) = triples(GREY, RGB, GREY)
    sources, fused = triple.read()
    assert triple.id == "0"
    assert (sources.ir == GREY).all()
    assert (sources.vi == RGB).all()
    assert (fused == GREY[..., None]).all()


def test_lists_go_together_by_place():
    found = triples([GREY, GREY], (RGB, RGB), [GREY, RGB])
    assert [triple.id for triple in found] == ["0", "1"]


def test_dictionaries_and_folders_go_together_by_name_in_natural_order(folder):
    found = triples(folder, str(folder), {"2": GREY, "10": RGB})
    assert [triple.id for triple in found] == ["2", "10"]
    assert (found[1].read()[1] == RGB).all()


def test_single_files_go_together_whatever_they_are_called(folder):
    (triple,) = triples(folder / "2.png", str(folder / "10.png"), GREY)
    assert (triple.read()[0].vi == RGB).all()


def test_a_colour_array_is_read_as_the_file_of_it_would_be(folder):
    colours = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    imaging.write_png(folder / "c.png", colours)
    imaging.write_png(folder / "g.png", colours[..., 0])
    arrays, _ = triples(colours, colours[..., 0], colours)[0].read()
    files, _ = triples(folder / "c.png", folder / "g.png", colours)[0].read()
    np.testing.assert_array_equal(arrays.ir, files.ir)
    np.testing.assert_array_equal(arrays.vi, files.vi)


@pytest.mark.parametrize("lacking", ["ir", "vi", "fused"])
def test_a_pair_that_lacks_an_image_says_which(lacking):
    given = {kind: {"a": GREY, "b": GREY} for kind in ("ir", "vi", "fused")}
    given[lacking] = {"b": GREY}
    first, second = triples(**given)
    second.read()
    word = {"ir": "infrared", "vi": "visible", "fused": "fused"}[lacking]
    with pytest.raises(DataError, match=f"no {word} image"):
        first.read()


@pytest.mark.parametrize(
    "image",
    [
        GREY.astype(np.float32),
        GREY.astype(np.uint16),
        GREY > 3,
        np.zeros((3, 4, 4), np.uint8),
        np.zeros((3, 4, 1), np.uint8),
        np.zeros((2, 3, 4, 3), np.uint8),
        np.zeros((0, 4), np.uint8),
        [[1, 2], [3, 4]],
        7,
        None,
    ],
    ids=["float", "uint16", "bool", "rgba", "one channel", "stack", "empty", "lists of numbers", "number", "none"],
)
def test_what_is_no_image_of_8_bit_is_refused_in_a_sentence(image):
    with pytest.raises(DataError, match=r"The visible image '0' has the type .* an image is uint8, \(H,W\)"):
        triples(GREY, image, GREY)


def test_an_array_that_is_not_in_memory_is_refused_in_a_sentence():
    class OnDevice:
        def __array__(self, *_arguments, **_options):
            raise TypeError("copy it to the host first")

    with pytest.raises(DataError, match="The fused image '0' cannot be made a NumPy array: copy it"):
        triples(GREY, GREY, OnDevice())


def test_arrays_of_several_sizes_are_refused_by_the_name_of_their_pair():
    with pytest.raises(DataError, match="images of the pair 'b' differ in size: 4x3, 4x3, 3x4"):
        triples({"b": GREY}, {"b": RGB}, {"b": GREY.T})


@pytest.mark.parametrize(
    ("ir", "vi", "fused", "said"),
    [
        ([GREY], [GREY], [GREY, GREY], "There are 1 infrared, 1 visible, 2 fused images"),
        ([], [], [], "There are 0 infrared, 0 visible, 0 fused images"),
        ({"a": GREY}, {"a": GREY}, GREY, "The infrared and visible images have names but the fused images have none"),
        ({1: GREY}, {1: GREY}, {1: GREY}, "named by 1, which is no text"),
    ],
    ids=["lengths", "nothing", "names and none", "numbers as names"],
)
def test_what_cannot_be_matched_is_refused(ir, vi, fused, said):
    with pytest.raises(UsageError, match=said):
        triples(ir, vi, fused)


def test_a_fused_image_of_no_pair_is_refused_by_name():
    with pytest.raises(DataError, match=re.escape("1 of 2 fused images in the fused images are named like no pair")):
        triples({"a": GREY}, {"a": GREY}, {"a": GREY, "z": GREY})
