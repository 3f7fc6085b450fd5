"""Hashes of the files of a folder, kept from one command to the next, so that planning reads an image only once.

A kept hash counts only while size, time of change, inode and time of change of the inode are those with which the file
was read. A file that was written to a moment before it was read is not kept, as clocks of file systems are coarse: it
could be written to again within the same tick. What hides a change from all four, such as a failing disk, is found
by `uaabench data verify`, which reads everything. A cache that cannot be written or read only costs time.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from uaabench.core import files
from uaabench.core.errors import StorageError
from uaabench.core.files import Mark
from uaabench.core.paths import cache_folder

# So long nobody has written to a file whose hash is kept, in nanoseconds: longer than the tick of any file system.
SETTLED = 10_000_000_000

# What `files.state` says of a file, and with it the SHA-256 that belongs to it.
State = tuple[int, int, int, int]
Kept = dict[str, tuple[State, str]]


def marks(folder: Path, paths: Iterable[Path]) -> dict[Path, Mark]:
    """Mark files as they are now, reading those that are not known.

    Args:
        folder: What the files belong to, for example a data set; its hashes are kept together.
        paths: The files, each of which is read at most once.
    """
    wanted = list(dict.fromkeys(paths))
    states = {path: files.state(path) for path in wanted}
    entries = _read(folder)
    known = {path: sha256 for path, state in states.items() if (sha256 := _of(entries, path, state))}
    unknown = [path for path in wanted if path not in known]
    began = time.time_ns()
    with ThreadPoolExecutor() as pool:
        read = dict(zip(unknown, pool.map(Mark.of, unknown), strict=True))
    new = {
        _name(path): (state, mark.sha256)
        for path, mark in read.items()
        if (state := states[path]) and mark.sha256 and _fits(mark, state) and max(state[1], state[3]) < began - SETTLED
    }
    if new:
        _write(folder, entries | new)
    return {path: read[path] if path in read else _mark(known[path], states[path]) for path in wanted}


def kept(folder: Path, paths: Iterable[Path]) -> dict[Path, str]:
    """The SHA-256 that is kept of each of some files of a folder, as far as one is and would be believed."""
    entries = _read(folder)
    return {path: sha256 for path in paths if (sha256 := _of(entries, path, files.state(path)))}


def _of(entries: Kept, path: Path, state: State | None) -> str:
    """The hash that is kept of a file in this state; empty where none is."""
    known = entries.get(_name(path))
    return known[1] if known and state and tuple(known[0]) == state else ""


def _name(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - of thousands of paths


def _fits(mark: Mark, state: State) -> bool:
    """Whether a file was read in the state that was seen before."""
    return mark.fingerprint == state[:3]


def _mark(sha256: str, state: State | None) -> Mark:
    return Mark(sha256, state and state[:3])


def _file(folder: Path) -> Path:
    return cache_folder() / "hashes" / f"{hashlib.sha256(os.fsencode(_name(folder))).hexdigest()[:32]}.json"


def _read(folder: Path) -> Kept:
    """What is kept of a folder; nothing where the file is missing, or is not as it was written."""
    try:
        content = json.loads(_file(folder).read_text(encoding="utf-8"))
        entries = content["files"]
        return dict(entries) if content["check"] == files.digest(entries) else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _write(folder: Path, entries: Kept) -> None:
    file = _file(folder)
    with suppress(OSError, StorageError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(file, durable=False) as aside:
            aside.write_text(json.dumps({"files": entries, "check": files.digest(entries)}), encoding="utf-8")
