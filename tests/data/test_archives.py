"""An archive is unpacked only when all it says of itself may be, and every refusal says what to do."""

import io
import os
import random
import shutil
import struct
import tarfile
import zipfile

import pytest

from uaabench.core.errors import DataError, StorageError
from uaabench.data import archives
from uaabench.data.archives import unpack


@pytest.fixture
def target(tmp_path):
    (tmp_path / "staging").mkdir()
    return tmp_path / "staging" / "unpacked"


def zipped(path, *names, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name in names:
            archive.writestr(name, b"content")
    return path


def tarred(path, *entries, mode="w"):
    with tarfile.open(path, mode) as archive:
        for entry, content in entries:
            archive.addfile(entry, io.BytesIO(content))
    return path


def entry(name, kind=tarfile.REGTYPE, size=0, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, target
    return info


def refusal(archive, target):
    """The sentence; nothing of the archive may have been written by then."""
    with pytest.raises(DataError) as caught:
        unpack(archive, target)
    assert not list(target.iterdir())
    return str(caught.value)


@pytest.mark.parametrize("name", ["../a.png", "/a.png", "a/../../b.png", "..\\a.png", "C:/a.png"])
def test_a_path_that_leads_outside_is_refused_in_zip_and_tar(tmp_path, target, name):
    assert "leads outside" in refusal(zipped(tmp_path / "a.zip", "good.png", name), target)
    shutil.rmtree(target)
    assert "leads outside" in refusal(tarred(tmp_path / "a.tar", (entry("good"), b""), (entry(name), b"")), target)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.SYMTYPE, "link"),
        (tarfile.LNKTYPE, "link"),
        (tarfile.FIFOTYPE, "device or pipe"),
        (tarfile.CHRTYPE, "device or pipe"),
    ],
)
def test_what_is_no_file_in_a_tar_is_refused(tmp_path, target, kind, said):
    archive = tarred(tmp_path / "a.tar", (entry("good"), b""), (entry("bad", kind, target="good"), b""))
    assert f"holds the {said} 'bad'" in refusal(archive, target)


def test_a_link_in_a_zip_is_refused(tmp_path, target):
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "holds the link 'link.png'" in refusal(tmp_path / "a.zip", target)


def test_an_encrypted_zip_says_so(tmp_path, target):
    data = bytearray(zipped(tmp_path / "a.zip", "a.png").read_bytes())
    for start, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(start) + flags] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    assert "holds the encrypted file 'a.png'" in refusal(tmp_path / "a.zip", target)


def test_a_compression_that_python_does_not_know_says_so(tmp_path, target):
    data = bytearray(zipped(tmp_path / "a.zip", "a.png").read_bytes())
    for start, method in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        struct.pack_into("<H", data, data.index(start) + method, 9)  # Deflate64, which Windows writes
    (tmp_path / "a.zip").write_bytes(data)
    sentence = refusal(tmp_path / "a.zip", target)
    assert "packed in a way that Python does not know" in sentence
    assert "give the folder" in sentence


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_with_changed_content_is_broken(tmp_path, target, compression):
    noise = random.Random(0).randbytes(5000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", compression) as archive:
        archive.writestr("a.png", noise)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[1000:1100] = bytes(100)
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DataError, match="download it again"):
        unpack(tmp_path / "a.zip", target)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_truncated_tar_is_broken(tmp_path, target, mode):
    noise = random.Random(0).randbytes(50000)
    archive = tarred(tmp_path / "a.tar", (entry("a.png", size=len(noise)), noise), mode=mode)
    os.truncate(archive, archive.stat().st_size // 2)
    with pytest.raises(DataError, match=r"download it again"):
        unpack(archive, target)


@pytest.mark.parametrize(
    ("start", "kind"),
    [(b"Rar!\x1a\x07\x01\0", "a RAR archive"), (b"7z\xbc\xaf\x27\x1c\0\4", "a 7-Zip archive"), (b"", "neither")],
)
def test_archives_of_other_kinds_are_named(tmp_path, target, start, kind):
    (tmp_path / "a.bin").write_bytes(start)
    assert kind in refusal(tmp_path / "a.bin", target)


def test_an_archive_that_grows_beyond_all_measure_is_refused(tmp_path, target, monkeypatch):
    monkeypatch.setattr(archives, "_HARMLESS", 10**6)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.bmp", bytes(10**7))
    assert "100 times its size" in refusal(tmp_path / "a.zip", target)
    shutil.rmtree(target)
    archive = tarred(tmp_path / "a.tgz", (entry("a.bmp", size=10**7), bytes(10**7)), mode="w:gz")
    assert "100 times its size" in refusal(archive, target)


def test_an_archive_may_shrink_as_it_likes_where_it_is_small(tmp_path, target):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.bmp", bytes(10**7))
    assert (unpack(tmp_path / "a.zip", target) / "a.bmp").stat().st_size == 10**7


def test_an_archive_of_too_many_files_is_refused(tmp_path, target, monkeypatch):
    monkeypatch.setattr(archives, "MOST_FILES", 3)
    assert "more than 3 files" in refusal(zipped(tmp_path / "a.zip", "a", "b", "c", "d"), target)


def test_an_archive_for_which_there_is_no_room_is_not_begun(tmp_path, target, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(StorageError, match="make room there"):
        unpack(zipped(tmp_path / "a.zip", "a"), target)
    assert not list(target.iterdir())
