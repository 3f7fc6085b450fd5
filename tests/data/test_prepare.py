"""`data prepare` accepts what people have, and refuses what it does not know."""

import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from uaabench.core import registry
from uaabench.core.errors import DataError, StorageError, UsageError
from uaabench.data.prepare import prepare


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
    source = unpacked if kind == "folder" else Path(pack(unpacked, kind, tmp_path / "MSRS"))
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


@pytest.mark.parametrize("entry", ["Ir/00001.png", "./M3FD_Fusion/ir/00001.png"])
def test_the_name_of_an_archive_tells_the_split_of_bare_image_folders(tmp_path, entry):
    image = cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1].tobytes()
    with zipfile.ZipFile(tmp_path / "M3FD_Fusion.zip", "w") as archive:
        archive.writestr("./", "")
        archive.writestr(entry, image)
        archive.writestr(entry.replace("Ir", "Vis").replace("ir/", "vis/"), image)
    home = prepare(tmp_path / "M3FD_Fusion.zip", "m3fd", tmp_path / "data")
    assert home == tmp_path / "data" / "M3FD"
    assert [pair.id for pair in registry.dataset_class("m3fd")(home).pairs("fusion")] == ["00001"]


def test_a_split_that_arrives_later_is_put_beside_the_first(unpacked, tmp_path):
    prepare(unpacked, "msrs", tmp_path / "data")
    (unpacked / "MSRS-main" / "Test").rename(unpacked / "MSRS-main" / "Train")
    home = prepare(unpacked, "msrs", tmp_path / "data")
    assert sorted(path.name for path in home.iterdir()) == ["test", "train"]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["MSRS"]  # no staging folder is left


def test_a_set_without_split_folders_is_linked_as_a_whole(tmp_path):
    for folder in ("cropinfrared", "crop_LR_visible"):
        (tmp_path / "RoadScene-master" / folder).mkdir(parents=True)
    home = prepare(tmp_path / "RoadScene-master", "roadscene", tmp_path / "data", link=True)
    assert home.is_symlink()
    assert registry.dataset_class("roadscene").locate(tmp_path / "data") == home


def test_links_to_an_archive_are_refused(unpacked, tmp_path):
    archive = Path(pack(unpacked, "zip", tmp_path / "MSRS"))
    with pytest.raises(UsageError, match="leave out --link"):
        prepare(archive, "msrs", tmp_path / "data", link=True)


def test_a_data_root_that_cannot_be_written_is_a_storage_error(unpacked, tmp_path):
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="Cannot write"):
        prepare(unpacked, "msrs", tmp_path / "data")


def test_pipes_in_a_folder_are_left_out_and_dangling_links_are_named(unpacked, tmp_path):
    os.mkfifo(unpacked / "MSRS-main" / "Test" / "IR" / "pipe.png")
    home = prepare(unpacked, "msrs", tmp_path / "data")
    assert not (home / "test" / "IR" / "pipe.png").exists()
    (unpacked / "MSRS-main" / "Test" / "IR" / "gone.png").symlink_to("nowhere")
    with pytest.raises(DataError, match=r"Cannot copy 1 files .*nowhere|gone\.png"):
        prepare(unpacked, "msrs", tmp_path / "other")


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_an_archive_in_an_archive_is_named(unpacked, tmp_path, kind):
    inner = Path(pack(unpacked, "zip", tmp_path / "MSRS"))
    (tmp_path / "outer" / "download").mkdir(parents=True)
    inner.rename(tmp_path / "outer" / "download" / "MSRS.zip")
    source = tmp_path / "outer" if kind == "folder" else Path(pack(tmp_path / "outer", "zip", tmp_path / "nested"))
    with pytest.raises(DataError, match=r"it holds the archive download/MSRS\.zip: unpack that, and give its folder"):
        prepare(source, "msrs", tmp_path / "data")
    assert not list((tmp_path / "data").iterdir())
