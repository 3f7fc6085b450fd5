"""Files: their hashes, the images of a folder, and writing that leaves the old content or the new, never half of it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

from uaabench.core.errors import DataError, StorageError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


def open_regular(path: Path) -> BufferedReader:
    """Open a file to read its bytes; never a pipe or device, which could let the reader wait for ever.

    Raises:
        OSError: It cannot be read, or is no regular file.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return path.open("rb")


def sha256(path: Path) -> str:
    """SHA-256 of a file as 64 hexadecimal digits.

    Raises:
        OSError: It cannot be read, or is no regular file.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_blob(path: Path) -> str:
    """The name that git gives the content of a file, 40 hexadecimal digits: SHA-1 of its size and its bytes.

    Raises:
        OSError: It cannot be read, or is no regular file.
    """
    with open_regular(path) as file:
        content = file.read()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def digest(description: Any) -> str:
    """SHA-256 of a value in canonical JSON."""
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Write a file aside, then put it in the place of the old one.

    Yields the path to write to, which has the suffix of `path`. When the block ends, the file takes the place of `path`
    in one step; when it raises, the file is removed and what was there before stays.

    Args:
        path: The file that shall be replaced; its folder must exist.
        durable: Have the content on the disk before it takes the place of the old.

    Raises:
        StorageError: The file cannot be written: the disk is full, the folder is missing or read-only.
    """
    aside = path.with_name(f".{path.stem[:40]}-{os.getpid()}-{threading.get_ident()}.partial{path.suffix}")
    try:
        yield aside
        if durable:
            with aside.open("rb") as written:
                os.fsync(written.fileno())
        os.replace(aside, path)
    except OSError as error:
        raise StorageError.of(path, error) from error
    finally:
        with suppress(OSError):
            aside.unlink()


def write_text(path: Path, text: str) -> None:
    """Replace a text file as a whole, in UTF-8.

    Raises:
        StorageError: It cannot be written.
    """
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Replace a JSON file as a whole.

    Raises:
        StorageError: It cannot be written.
    """
    write_text(path, json.dumps(content, indent=2) + "\n")


def images(folder: Path) -> dict[str, Path]:
    """The images of a folder by file stem, in the order of the stems: files with the suffix of an image, in any case.

    Hidden files, folders, pipes and devices are left out. A link that leads nowhere is an image, as its absence must
    show when it is read.

    Raises:
        DataError: The folder cannot be read, a name is no text, or two images have one stem, so that nobody knows which
            is meant.
    """
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if _is_image(entry))
    except OSError as error:
        raise DataError(f"Cannot read the folder {folder}: {error.strerror or error}; check the path.") from error
    found: dict[str, Path] = {}
    for path in map(folder.joinpath, names):
        if not is_text(path.name):
            raise DataError(f"{folder} holds an image whose name {os.fsencode(path.name)!r} is not UTF-8; rename it.")
        other = found.setdefault(path.stem, path)
        if other != path:
            raise DataError(
                f"{folder} holds both {other.name} and {path.name}: which of them is the image '{path.stem}' cannot be "
                "known; take one of them away."
            )
    return dict(sorted(found.items()))


def _is_image(entry: os.DirEntry[str]) -> bool:
    """Told from the listing of the folder alone, which matters for thousands of images on a network drive."""
    if entry.name.startswith(".") or Path(entry.name).suffix.lower() not in IMAGE_SUFFIXES:
        return False
    if entry.is_symlink():
        return Path(entry).is_file() or not Path(entry).exists()
    return entry.is_file()


def is_text(name: str) -> bool:
    """Whether a name can be written as UTF-8; bytes that are not come from the system as lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def state(path: Path | os.DirEntry[str]) -> tuple[int, int, int, int] | None:
    """Size, time of the last change in ns, inode and its own time of change, which shows that a time was set back.

    None where there is no regular file.
    """
    try:
        facts = path.stat()
    except OSError:
        return None
    known = (facts.st_size, facts.st_mtime_ns, facts.st_ino, facts.st_ctime_ns)
    return known if stat.S_ISREG(facts.st_mode) else None


def fingerprint(path: Path) -> tuple[int, int, int] | None:
    """Size, time of the last change in ns, and inode of a regular file: equal as long as nobody has written to it.

    None where there is no such file.
    """
    known = state(path)
    return known and known[:3]


@dataclass(frozen=True, slots=True)
class Mark:
    """What a file was when the run was planned: its SHA-256, empty where it could not be read, and its fingerprint."""

    sha256: str
    fingerprint: tuple[int, int, int] | None

    @classmethod
    def of(cls, path: Path) -> Mark:
        """Mark a file as it is now."""
        before = fingerprint(path)
        try:
            return cls(sha256(path) if before else "", before)
        except OSError:
            return cls("", before)

    def refuse_changed(self, path: Path) -> None:
        """Refuse a file that is no longer what it was.

        Size, time of change and inode are compared first; only where they differ is the content read again.

        Raises:
            DataError: It was changed, added or removed.
        """
        if fingerprint(path) != self.fingerprint and Mark.of(path).sha256 != self.sha256:
            raise DataError(f"{path} has changed since the run was planned; give the command again.")
