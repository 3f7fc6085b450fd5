"""Brings a downloaded archive or folder into place below the data root, whatever layout it was packed in."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from uaabench.core import registry
from uaabench.core.errors import DataError, UsageError
from uaabench.data.layout import LayoutDataset, Part, child

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
    """
    dataset = _preparable(name)
    if not source.exists():
        raise DataError(f"There is no file or folder {source}; give the path of the downloaded archive of {name}.")
    if link and not source.is_dir():
        raise UsageError(f"Cannot link to {source}, as it is an archive; unpack it first, or leave out --link.")
    home = data_root / dataset.card.title
    try:
        data_root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".prepare-", dir=data_root) as staging:
            unpacked = source if source.is_dir() else _unpack(source, Path(staging) / "unpacked")
            parts = _find_parts(dataset, unpacked, source)
            for target in (home / inside for _, inside in parts):
                if target.exists():
                    raise DataError(f"{target} is there already; remove or rename it to prepare {name} anew.")
            for number, (folder, inside) in enumerate(parts):
                _place(folder, home / inside, Path(staging) / str(number), owned=not source.is_dir(), link=link)
    except OSError as error:
        raise DataError(f"Cannot bring {source} into place below {data_root}: {error}.") from error
    return home


def _preparable(name: str) -> type[LayoutDataset]:
    dataset = registry.dataset_class(name)
    if not issubclass(dataset, LayoutDataset) or name == "folder":
        raise UsageError(f"The data set '{name}' needs no preparing; `uaabench data info` shows where it is read from.")
    return dataset


def _unpack(archive: Path, folder: Path) -> Path:
    folder.mkdir()
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as content:
                _refuse_escapes(archive, content.namelist())
                content.extractall(folder)
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as content:
                content.extractall(folder, filter="data")
        else:
            raise DataError(f"{archive} is neither a folder nor a zip or tar archive; download it again.")
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise DataError(f"Cannot unpack {archive}: {error}; download it again.") from error
    return folder


def _refuse_escapes(archive: Path, names: list[str]) -> None:
    for name in names:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in "".join(path.parts[:1]):
            raise DataError(f"The archive {archive} holds the path '{name}', which leads outside; do not trust it.")


def _find_parts(dataset: type[LayoutDataset], unpacked: Path, source: Path) -> list[tuple[Path, str]]:
    """Folders to bring into place, each with its canonical name below the folder of the set."""
    parts = list(dict.fromkeys(dataset.parts.values()))
    for folder in _folders(unpacked):
        if dataset.is_root(folder):
            inside = [(child(folder, part.folder) if part.folder else folder, part) for part in parts]
            return [(path, _canonical(part)) for path, part in inside if path and _holds_images(path, part)]
    # An archive of a single split may hold its image folders directly; its name says which split it is.
    for folder in _folders(unpacked):
        named = [part for part in parts if _names_part(f"{source.stem} {folder.name}", part)]
        if len(named) == 1 and _holds_images(folder, named[0]):
            return [(folder, _canonical(named[0]))]
    expected = " or ".join("/".join((*part.folder[:1], f"{{{part.ir[0]},{part.vi[0]}}}")) for part in parts)
    raise DataError(f"{source} is not recognised as {dataset.card.title}: it holds no folders {expected}.")


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
        for path in sorted(top.iterdir()):
            if path.is_dir() and not path.name.startswith((".", "__MACOSX")):
                yield from _folders(path, depth + 1)


def _place(folder: Path, target: Path, staged: Path, *, owned: bool, link: bool) -> None:
    """Move, copy or link a folder to its place in one step; `owned` folders may be moved away."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        target.symlink_to(folder.resolve(), target_is_directory=True)
        return
    if not owned:
        shutil.copytree(folder, staged)
    os.replace(folder if owned else staged, target)
