"""A kept hash counts only while a file is what it was; whatever is in doubt is read again."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from uaabench.core import files, hashes
from uaabench.core.files import Mark


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """A cache of its own, in which files of this moment are kept too."""
    monkeypatch.setenv("UAABENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(hashes, "SETTLED", 0)


@pytest.fixture
def read(monkeypatch):
    """The names of the files that are read."""
    names = []
    of = Mark.of
    monkeypatch.setattr(Mark, "of", lambda path: names.append(path.name) or of(path))
    return names


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name in "abc":
        (folder / name).write_text(name)
    return folder


def marks(folder):
    return hashes.marks(folder, [folder / name for name in "abc"])


def true_marks(folder):
    return {
        path: Mark(hashlib.sha256(path.read_bytes()).hexdigest(), files.fingerprint(path))
        for path in (folder / name for name in "abc")
    }


def test_files_are_read_once_and_not_again_by_the_next_command(folder, read):
    for _ in range(2):
        assert marks(folder) == true_marks(folder)
        assert sorted(read) == ["a", "b", "c"]


def write(path):
    path.write_text("much longer")


def write_as_long_at_the_same_time(path):
    facts = path.stat()
    path.write_text("x")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def put_another_in_its_place(path):
    facts = path.stat()
    other = path.with_name("other")
    other.write_text("x")
    os.utime(other, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    other.replace(path)


def touch(path):
    os.utime(path, ns=(0, 0))


@pytest.mark.parametrize("change", [write, write_as_long_at_the_same_time, put_another_in_its_place, touch])
def test_a_file_that_may_be_another_is_read_again_and_no_other(folder, read, change):
    marks(folder)
    read.clear()
    change(folder / "b")
    assert marks(folder) == true_marks(folder)
    assert read == ["b"]


def test_a_file_of_this_moment_is_read_again_as_it_may_be_written_to_within_a_tick(folder, read, monkeypatch):
    monkeypatch.setattr(hashes, "SETTLED", 3600 * 10**9)
    marks(folder)
    marks(folder)
    assert sorted(read) == ["a", "a", "b", "b", "c", "c"]


def test_a_file_that_is_gone_or_none_has_no_hash_and_is_not_kept(folder):
    (folder / "a").unlink()
    os.mkfifo(folder / "a")
    (folder / "b").unlink()
    found = marks(folder)
    assert [found[folder / name].sha256 for name in "ab"] == ["", ""]
    assert found[folder / "c"].sha256 == hashlib.sha256(b"c").hexdigest()
    assert list(hashes.kept(folder, [folder / name for name in "abc"])) == [folder / "c"]


def cached(tmp_path) -> Path:
    (file,) = (tmp_path / "home" / "cache" / "hashes").iterdir()
    return file


def forge(file):
    content = json.loads(file.read_text())
    for entry in content["files"].values():
        entry[1] = "0" * 64
    file.write_text(json.dumps(content))


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_text(""),
        lambda file: file.write_bytes(file.read_bytes()[:-20]),
        lambda file: file.write_text("[]"),
        lambda file: file.write_text('{"files": 3}'),
        lambda file: file.write_bytes(b"\xff\xfe"),
        forge,
    ],
)
def test_a_cache_that_is_not_as_it_was_written_is_not_believed(folder, tmp_path, damage, read):
    marks(folder)
    damage(cached(tmp_path))
    read.clear()
    assert marks(folder) == true_marks(folder)
    assert sorted(read) == ["a", "b", "c"]


def test_a_cache_that_cannot_be_written_only_costs_time(folder, tmp_path):
    (tmp_path / "home").write_text("a file where the folder should be")
    assert marks(folder) == true_marks(folder)
    assert hashes.kept(folder, [folder / "a"]) == {}


def test_the_hashes_of_two_folders_and_of_two_calls_lie_beside_each_other(folder, tmp_path, read):
    hashes.marks(folder, [folder / "a"])
    hashes.marks(folder, [folder / "b"])
    hashes.marks(tmp_path, [folder / "a"])
    assert sorted(read) == ["a", "a", "b"]
    assert set(hashes.kept(folder, [folder / name for name in "abc"])) == {folder / "a", folder / "b"}
