"""Unpacking of downloaded archives, of which nothing is believed before it was looked at.

An archive may hold folders and files, and unpack to `MOST_FILES`, `MOST_BYTES` and `MOST_TIMES` its own size; data sets
of images, which hardly shrink, stay far below. Links, devices, and paths that lead outside are refused.
"""

from __future__ import annotations

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from uaabench.core.errors import DataError, StorageError
from uaabench.core.files import open_regular

MOST_FILES = 200_000
MOST_BYTES = 100 * 10**9
MOST_TIMES = 100
# Below this an archive may shrink as it likes: label maps of one class do.
_HARMLESS = 10**9
_FOREIGN = {b"Rar!": "RAR", b"7z\xbc\xaf\x27\x1c": "7-Zip", b"\x28\xb5\x2f\xfd": "zstd"}
# Beside these, bz2 and gzip raise an OSError without a number.
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, ValueError)
_BY_HAND = "unpack it with another program and give the folder"
SUFFIXES = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".gz", ".bz2", ".xz", ".rar", ".7z", ".zst")


@dataclass(frozen=True)
class _Entry:
    """What an archive says of one of its entries: its path, its size in bytes, and what it is."""

    name: str
    size: int
    kind: str


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a zip or tar archive, also a compressed one, into a folder that is made for it.

    Returns:
        The folder.

    Raises:
        DataError: It is broken, encrypted, of another kind, holds what it may not, or would unpack to too much.
        StorageError: There is no room for it.
    """
    folder.mkdir()
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as content:
                _look_through(archive, map(_zip_entry, content.infolist()), folder)
                content.extractall(folder)
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as content:
                _look_through(archive, map(_tar_entry, content), folder)
                content.extractall(folder, filter="data")
        else:
            raise DataError(_of_no_known_kind(archive))
    except NotImplementedError as error:
        raise DataError(f"{archive} is packed in a way that Python does not know ({error}); {_BY_HAND}.") from error
    except (*_BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk, not of the archive
        raise DataError(f"Cannot unpack {archive}: {error}; download it again.") from error
    return folder


def _of_no_known_kind(archive: Path) -> str:
    with open_regular(archive) as file:
        start = file.read(8)
    kind = next((name for signature, name in _FOREIGN.items() if start.startswith(signature)), "")
    if kind:
        return f"{archive} is a {kind} archive, which is not unpacked here; {_BY_HAND}."
    return f"{archive} is neither a folder nor a zip or tar archive; download it again."


def _zip_entry(entry: zipfile.ZipInfo) -> _Entry:
    mode = entry.external_attr >> 16
    kind = "link" if stat.S_ISLNK(mode) else "encrypted file" if entry.flag_bits & 1 else "file"
    return _Entry(entry.filename, entry.file_size, kind)


def _tar_entry(entry: tarfile.TarInfo) -> _Entry:
    kind = "link" if entry.islnk() or entry.issym() else "file" if entry.isfile() or entry.isdir() else "device or pipe"
    return _Entry(entry.name, entry.size, kind)


def _look_through(archive: Path, entries: Iterator[_Entry], folder: Path) -> None:
    """Refuse an archive before anything of it is written; one that is compressed is read no further than to the limits.

    Raises:
        DataError: An entry is none that an archive may hold, or together they are too much.
        StorageError: There is no room for them.
    """
    packed = archive.stat().st_size
    most = min(MOST_BYTES, max(_HARMLESS, MOST_TIMES * packed))
    total = 0
    for number, entry in enumerate(entries, start=1):
        _refuse_entry(archive, entry)
        total += entry.size
        if number > MOST_FILES or total > most:
            raise DataError(
                f"{archive} would unpack to more than {MOST_FILES} files, {MOST_BYTES // 10**9} GB or {MOST_TIMES} "
                f"times its size; if you trust it, {_BY_HAND}."
            )
    free = shutil.disk_usage(folder).free
    if total > free:
        raise StorageError(
            f"{archive} unpacks to {total // 10**6} MB, but there are {free // 10**6} MB free in {folder.parents[1]}; "
            "make room there or name another --data-root."
        )


def _refuse_entry(archive: Path, entry: _Entry) -> None:
    path = PurePosixPath(entry.name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in "".join(path.parts[:1]):
        raise DataError(f"The archive {archive} holds the path '{entry.name}', which leads outside; do not trust it.")
    if entry.kind != "file":
        raise DataError(f"The archive {archive} holds the {entry.kind} '{entry.name}', not only files; {_BY_HAND}.")
