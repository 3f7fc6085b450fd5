"""Fetching a data set into the data root: file by file into a folder beside, which takes its place when it is whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from uaabench.core import registry
from uaabench.core.errors import DataError, StorageError, UsageError
from uaabench.core.interface import FusionDataset
from uaabench.core.streams import ordered_map
from uaabench.data.layout import LayoutDataset
from uaabench.data.sources import Source, Wanted, place, source_of

# Files fetched at a time: most of the time of a small file is the way to the server and back.
THREADS = 4


@dataclass(frozen=True)
class Fetching:
    """What has to be fetched for a split of a data set.

    Attributes:
        name: Name of the data set.
        split: The split.
        megabytes: What the files come to; 0 where it is not known.
        source: Where it comes from.
        target: The folder that will hold the image folders; a folder that is there is left as it is.
        staging: Where the files are kept until all are there.
        wanted: The files.
    """

    name: str
    split: str
    megabytes: int
    source: Source
    target: Path
    staging: Path
    wanted: tuple[Wanted, ...]

    @property
    def is_here(self) -> bool:
        """Whether something is in its place already."""
        folders = {wanted.path.parts[0] for wanted in self.wanted}
        return any((self.target / folder).exists() for folder in folders)


def plan(entry: str, data_root: Path) -> Fetching:
    """Look up what `name` or `name:split` comes to.

    Raises:
        UsageError: There is no such data set or split.
        DataError: It cannot be fetched; the message says where it lies and how to bring it into place.
    """
    name, _, split = entry.partition(":")
    dataset = registry.dataset_class(name)
    card = dataset.card
    split = split or card.default_split
    if split not in card.splits:
        raise UsageError(f"There is no split '{split}' of {name} to fetch; known are: {', '.join(card.splits)}.")
    source = source_of(dataset)
    download = next((download for download in source.downloads if split in download.splits), None)
    if download is None:
        where = source.by_hand or f"{card.title} names no place to fetch it from (home page: {card.homepage or 'none'})"
        raise DataError(
            f"{where}, so that nothing was fetched; get it there, then run: uaabench data prepare {name} "
            "ARCHIVE_OR_FOLDER"
        )
    return Fetching(
        name=name,
        split=split,
        megabytes=download.megabytes,
        source=source,
        target=_root(dataset, split, data_root) / download.into,
        staging=data_root / f".fetch-{name}" / (download.into or "all"),
        wanted=tuple(download.wanted(place(dataset).parent)),
    )


def _root(dataset: type[FusionDataset], split: str, data_root: Path) -> Path:
    """The folder of the set: the one that has this split already, under whatever name, or the one to be made."""
    located = dataset.locate(data_root)
    if located is not None and issubclass(dataset, LayoutDataset) and dataset(located).folders(split):
        return located
    return data_root / dataset.card.title


def make_workplace(fetching: Fetching) -> Path:
    """Make the folder below the data root where the files are kept until all are there; no two calls may share it.

    Raises:
        StorageError: The data root cannot be written.
    """
    folder = fetching.staging.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError.of(folder, error) from error
    return folder


def carry_out(fetching: Fetching, on_file: Callable[[], None]) -> None:
    """Fetch all files, go on from what an earlier call left, and put them in their place in one step.

    Args:
        fetching: What to fetch.
        on_file: Called after each file.

    Raises:
        DownloadError: A file cannot be fetched or is not the released one; the others are kept for the next call.
        StorageError: There is no room, or the data root cannot be written.
    """
    from uaabench.core.download import download

    mend = (
        f"the same command goes on from what is there; else get {fetching.name} by hand and run: uaabench data prepare "
        f"{fetching.name} ARCHIVE_OR_FOLDER"
    )

    def one(wanted: Wanted) -> None:
        download(wanted.url, fetching.staging / wanted.path, wanted.sha256, mend=mend, keep_partial=True)

    for _ in ordered_map(one, fetching.wanted, threads=THREADS):
        on_file()
    _place(fetching)


def _place(fetching: Fetching) -> None:
    """Put the folders of images in their place, the first of which makes the set appear."""
    folders: Sequence[str] = list(dict.fromkeys(wanted.path.parts[0] for wanted in fetching.wanted))
    try:
        for part in fetching.staging.rglob("*.part"):  # of a file that was complete before
            part.unlink()
        fetching.target.mkdir(parents=True, exist_ok=True)
        for folder in folders:
            os.replace(fetching.staging / folder, fetching.target / folder)
        shutil.rmtree(fetching.staging, ignore_errors=True)
    except OSError as error:
        raise StorageError.of(fetching.target, error) from error
