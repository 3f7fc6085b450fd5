"""Names of frames: what follows what."""

from pathlib import Path

import pytest

from uaabench.core.interface import Pair
from uaabench.data.sequences import chained
from uaabench.datasets.folder import Folder


def befores(*names):
    return {pair.id: pair.previous for pair in chained(Pair(name, Path("ir"), Path("vi")) for name in names)}


def test_a_frame_follows_that_of_the_number_before():
    assert befores("a_09", "a_10", "b_10", "a_11") == {"a_09": "", "a_10": "a_09", "b_10": "", "a_11": "a_10"}


def test_a_gap_begins_anew():
    assert befores("a_0001", "a_0003") == {"a_0001": "", "a_0003": ""}


@pytest.mark.parametrize("name", ["00001", "1", "tree", "a_b", "a_1", "_01", "a_00", "a-01"])
def test_what_is_no_frame_follows_nothing(name):
    number = {"00001": "00000", "1": "0", "a_1": "a_0", "_01": "_00", "a-01": "a-00"}.get(name, "x")
    assert befores(number, name)[name] == ""


def test_other_digits_are_no_numbers_of_this_name():
    assert befores("a_0001", "a_02") == {"a_0001": "", "a_02": ""}


def test_a_folder_knows_its_frames(pair_folder):
    for folder in ("ir", "vi"):
        for number in range(4):
            (pair_folder / folder / f"{number}.png").rename(pair_folder / folder / f"car_{number:04}.png")
    assert [pair.previous for pair in Folder(pair_folder).pairs("all")] == ["", *(f"car_{n:04}" for n in range(3))]
