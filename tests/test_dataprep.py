"""`data prepare` accepts what people have, and refuses what it does not know."""

import shutil
import tarfile
import zipfile

import cv2
import numpy as np
import pytest

from uaabench import registry
from uaabench.dataprep import prepare
from uaabench.errors import DataError, UsageError


@pytest.fixture
def unpacked(tmp_path):
    """An unpacked MSRS with an extra top folder, in other letters."""
    root = tmp_path / "download" / "MSRS-main"
    for folder in ("Test/IR", "Test/VI"):
        (root / folder).mkdir(parents=True)
        cv2.imwrite(str(root / folder / "00004N.png"), np.full((8, 8), len(folder), np.uint8))
    return root.parent


def pack(folder, kind, target):
    if kind == "zip":
        return shutil.make_archive(str(target), "zip", folder)
    return shutil.make_archive(str(target), "gztar", folder)


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_a_folder_or_archive_is_brought_into_place(unpacked, tmp_path, kind):
    source = unpacked if kind == "folder" else type(tmp_path)(pack(unpacked, kind, tmp_path / "MSRS"))
    home = prepare(source, "msrs", tmp_path / "data")
    adapter = registry.dataset_class("msrs")
    assert adapter.locate(tmp_path / "data") == home
    assert [pair.id for pair in adapter(home).pairs("test")] == ["00004N"]
    assert unpacked.exists()
    with pytest.raises(DataError, match="is there already"):
        prepare(source, "msrs", tmp_path / "data")


def test_a_link_leaves_the_images_where_they_are(unpacked, tmp_path):
    home = prepare(unpacked, "msrs", tmp_path / "data", link=True)
    assert any(path.is_symlink() for path in (home, *home.iterdir()))


def test_an_archive_that_leads_outside_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../outside.txt", "x")
    with pytest.raises(DataError, match="leads outside"):
        prepare(tmp_path / "evil.zip", "msrs", tmp_path / "data")
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        (tmp_path / "x").write_text("x")
        archive.add(tmp_path / "x", arcname="../outside.txt")
    with pytest.raises(DataError):
        prepare(tmp_path / "evil.tar", "msrs", tmp_path / "data")
    assert not (tmp_path / "outside.txt").exists()


def test_what_is_not_recognised_is_refused(tmp_path):
    (tmp_path / "other" / "images").mkdir(parents=True)
    with pytest.raises(DataError, match="is not recognised as MSRS"):
        prepare(tmp_path / "other", "msrs", tmp_path / "data")
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(DataError, match="neither a folder nor a zip or tar"):
        prepare(tmp_path / "text.zip", "msrs", tmp_path / "data")
    with pytest.raises(UsageError, match="needs no preparing"):
        prepare(tmp_path / "other", "demo", tmp_path / "data")
