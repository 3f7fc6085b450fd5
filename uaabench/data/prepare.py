"""Brings a downloaded archive or folder into place below the data root, whatever layout it was packed in."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from uaabench.core import registry
from uaabench.core.errors import DataError, StorageError, UsageError
from uaabench.data import archives
from uaabench.data.layout import LayoutDataset, Part, child, subfolders

_DEEPEST = 4


def prepare(source: Path, name: str, data_root: Path, *, link: bool = False) -> Path:
    """Bring a data set into place; a split that arrives later is put beside those already there.

    Args:
        source: Unpacked folder, zip, or tar (also compressed).
        name: Name of the data set.
        data_root: Folder of the data sets; made if need be.
        link: Make symbolic links to a source folder instead of copying it.

    Returns:
        The folder of the data set. Each part appears in it complete or not at all.

    Raises:
        UsageError: The data set cannot be prepared, or links were asked for an archive.
        DataError: The source is missing, broken, unsafe, not recognised, or what it holds is already in place.
        StorageError: The data root cannot be written, or has no room.
    """
    dataset = _preparable(name)
    if not (source.is_file() or source.is_dir()):
        raise DataError(f"There is no file or folder {source}; give the path of the downloaded archive of {name}.")
    if link and not source.is_dir():
        raise UsageError(f"Cannot link to {source}, as it is an archive; unpack it first, or leave out --link.")
    home = data_root / dataset.card.title
    try:
        data_root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".prepare-", dir=data_root) as staging:
            unpacked = source if source.is_dir() else archives.unpack(source, Path(staging) / "unpacked")
            parts = _find_parts(dataset, unpacked, source)
            for target in (home / inside for _, inside in parts):
                if target.exists():
                    raise DataError(f"{target} is there already; remove or rename it to prepare {name} anew.")
            for number, (folder, inside) in enumerate(parts):
                _place(folder, home / inside, Path(staging) / str(number), owned=not source.is_dir(), link=link)
    except shutil.Error as error:  # of the files of a folder that could not be copied, all in one
        reasons = error.args[0]
        raise DataError(f"Cannot copy {len(reasons)} files of {source}, for example: {reasons[0][2]}.") from error
    except OSError as error:
        if error.filename and Path(os.fsdecode(error.filename)).is_relative_to(source):
            raise DataError(f"Cannot read {error.filename}: {error.strerror}; check its permissions.") from error
        raise StorageError.of(data_root, error) from error
    return home


def _preparable(name: str) -> type[LayoutDataset]:
    dataset = registry.dataset_class(name)
    if not issubclass(dataset, LayoutDataset) or name == "folder":
        raise UsageError(f"The data set '{name}' needs no preparing; `uaabench data info` shows where it is read from.")
    return dataset


def _find_parts(dataset: type[LayoutDataset], unpacked: Path, source: Path) -> list[tuple[Path, str]]:
    """Folders to bring into place, each with its canonical name below the folder of the set."""
    parts = list(dict.fromkeys(dataset.parts.values()))
    for folder in _folders(unpacked):
        if dataset.is_root(folder):
            inside = [(child(folder, part.folder) if part.folder else folder, part) for part in parts]
            found = [(path, _canonical(part)) for path, part in inside if path and _holds_images(path, part)]
            return list(dict.fromkeys(found))
    # An archive of a single split may hold its image folders directly; its name says which split it is.
    for folder in _folders(unpacked):
        named = [part for part in parts if _names_part(f"{source.stem} {folder.name}", part)]
        if len(named) == 1 and _holds_images(folder, named[0]):
            return [(folder, _canonical(named[0]))]
    expected = " or ".join("/".join((*part.folder[:1], f"{{{part.ir[0]},{part.vi[0]}}}")) for part in parts)
    inner = _archive_inside(unpacked)
    hint = f"; it holds the archive {inner}: unpack that, and give its folder" if inner else ""
    raise DataError(f"{source} is not recognised as {dataset.card.title}: it holds no folders {expected}{hint}.")


def _archive_inside(folder: Path) -> str:
    """Path of the first archive in a folder, from there; empty without any."""
    found = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in archives.SUFFIXES and path.is_file())
    return next((path.relative_to(folder).as_posix() for path in found), "")


def _holds_images(folder: Path, part: Part) -> bool:
    return bool(child(folder, part.ir) and child(folder, part.vi))


def _names_part(text: str, part: Part) -> bool:
    return any(name.lower() in text.lower() for name in part.folder)


def _canonical(part: Part) -> str:
    return part.folder[0] if part.folder else ""


def _folders(top: Path, depth: int = 0) -> Iterator[Path]:
    """The folder itself and those in it, the outer ones first along each branch."""
    yield top
    if depth < _DEEPEST:
        for path in subfolders(top):
            if not path.name.startswith((".", "__MACOSX")):
                yield from _folders(path, depth + 1)


def _place(folder: Path, target: Path, staged: Path, *, owned: bool, link: bool) -> None:
    """Move, copy or link a folder to its place in one step; `owned` folders may be moved away."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        target.symlink_to(folder.resolve(), target_is_directory=True)
        return
    if not owned:
        shutil.copytree(folder, staged, ignore=_special)
    os.replace(folder if owned else staged, target)


def _special(folder: str, names: list[str]) -> list[str]:
    """What is neither a file nor a folder: a copy of a pipe or device would never end."""
    modes = {name: (Path(folder) / name).stat().st_mode for name in names if (Path(folder) / name).exists()}
    return [name for name, mode in modes.items() if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))]
