"""Files are replaced as a whole, and what an image of a folder is has one answer."""

import errno
import os
from pathlib import Path

import pytest

from uaabench.core import files
from uaabench.core.errors import DataError, StorageError


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def write():
        with files.replacing(path) as aside:
            aside.write_text("half")
            raise ValueError("the writer broke")

    with pytest.raises(ValueError, match="broke"):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_told_in_one_sentence_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def write():
        with files.replacing(path):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match=r"Cannot write .*table\.csv: No space left on device") as caught:
        write()
    assert caught.value.exit_code == 5
    assert path.read_text() == "old"


def test_a_file_written_aside_has_the_suffix_of_its_target(tmp_path):
    # Writers such as Matplotlib choose the format by it.
    with files.replacing(tmp_path / "figure.pdf") as aside:
        assert aside.suffix == ".pdf"
        aside.write_text("new")
    assert (tmp_path / "figure.pdf").read_text() == "new"


def test_images_are_found_in_upper_and_lower_case(tmp_path):
    for name in ("b.PNG", "a.Jpeg", "c.txt", ".d.png"):
        (tmp_path / name).touch()
    assert list(files.images(tmp_path)) == ["a", "b"]


def test_two_images_of_one_stem_are_refused_by_name(tmp_path):
    for name in ("a.png", "a.JPG"):
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=r"a\.JPG and a\.png"):
        files.images(tmp_path)


def test_a_link_that_leads_nowhere_is_an_image_that_will_be_missed(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "b.png")
    assert list(files.images(tmp_path)) == ["a", "b"]


def test_a_link_to_an_image_is_one_and_a_link_to_a_folder_is_none(tmp_path):
    (tmp_path / "elsewhere").touch()
    (tmp_path / "a.png").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "b.png").symlink_to(tmp_path)
    assert list(files.images(tmp_path)) == ["a"]


def test_an_image_whose_name_is_no_text_is_refused(tmp_path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")).touch()
    with pytest.raises(DataError, match=r"name b'\\xff\.png' is not UTF-8"):
        files.images(tmp_path)


def test_a_pipe_has_no_hash(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(OSError, match="no regular file"):
        files.sha256(tmp_path / "a.png")


def test_a_pipe_is_no_image(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    assert files.images(tmp_path) == {}


def test_a_file_that_was_replaced_by_one_of_equal_size_has_another_fingerprint(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("one")
    before = files.fingerprint(path)
    with files.replacing(path) as aside:
        aside.write_text("two")
    assert before != files.fingerprint(path)
    assert files.fingerprint(tmp_path / "b.png") is None


def test_a_place_below_a_file_is_told_in_one_sentence(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(StorageError, match="Not a directory"):
        files.write_text(tmp_path / "a" / "b.txt", "text")


def test_a_name_as_long_as_the_file_system_takes_can_be_written(tmp_path):
    path = tmp_path / f"{'夜' * 80}.json"  # 240 of 255 bytes
    files.write_json(path, {})
    assert list(tmp_path.iterdir()) == [path]
