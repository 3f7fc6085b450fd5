"""Where the authors of a data set put it: data in a TOML file beside the module of its adapter, `msrs.toml`.

Files are named one by one, at a commit that does not move, so that only what is needed is fetched and each is checked.
"""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar
from urllib.parse import quote, unquote

from uaabench.core.errors import UsageError
from uaabench.core.interface import FusionDataset


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to fetch.

    Attributes:
        url: Where it lies.
        path: Where it goes, from the folder of its part.
        sha256: Its hash; empty where nobody has published it.
    """

    url: str
    path: PurePosixPath
    sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class Download:
    """Some folders of a data set that are fetched together.

    Attributes:
        splits: Names of the splits whose images these are.
        folders: Names of the folders, there and here.
        url: Address of a file, with `{folder}` and `{name}`.
        files: The list of files, from the TOML file: in each line a name and, after tabs, its SHA-256 in each folder.
        into: Folder of the set that holds the folders; empty for the root of the set.
        megabytes: Their size; 0 where it is not known.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    splits: tuple[str, ...]
    folders: tuple[str, ...]
    url: str
    files: str
    into: str = ""
    megabytes: int = 0

    def wanted(self, beside: Path) -> Iterator[Wanted]:
        """The files, in the order of the list; `beside` is the folder of the TOML file."""
        for line in (beside / self.files).read_text(encoding="utf-8").splitlines():
            name, *hashes = line.split("\t")
            for number, folder in enumerate(self.folders):
                url = self.url.format(folder=quote(folder), name=quote(name))
                path = PurePosixPath(folder) / unquote(url.rpartition("/")[2])
                yield Wanted(url, path, hashes[number] if hashes else "")


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a data set comes from.

    Attributes:
        terms: Terms of use, shown before anything is fetched.
        note: What is not fetched, and where it is.
        by_hand: Where it lies, if it cannot be fetched: the beginning of a sentence.
        downloads: What can be fetched.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    terms: str = ""
    note: str = ""
    by_hand: str = ""
    downloads: tuple[Download, ...] = ()


def place(dataset: type[FusionDataset]) -> Path:
    """The TOML file beside the module of an adapter, whether it is there or not."""
    return Path(inspect.getfile(dataset)).with_suffix(".toml")


def source_of(dataset: type[FusionDataset]) -> Source:
    """Read where a data set comes from; what names no source has one without downloads.

    Raises:
        UsageError: The file is no such description.
    """
    from pydantic import TypeAdapter, ValidationError

    path = place(dataset)
    if not path.is_file():
        return Source()
    try:
        return TypeAdapter(Source).validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path} does not describe where {dataset.card.name} comes from: {reason}.") from error


def how_to_get(dataset: type[FusionDataset], split: str = "") -> str:
    """The command that brings a data set into place, and the same for a download by hand.

    Args:
        dataset: Its adapter.
        split: The split that is wanted; the default one unless given.
    """
    name = dataset.card.name
    split = split or dataset.card.default_split
    entry = name if split == dataset.card.default_split else f"{name}:{split}"
    if any(split in download.splits for download in source_of(dataset).downloads):
        return f"uaabench data fetch {entry}, or of a download of yours: uaabench data prepare {name} ARCHIVE_OR_FOLDER"
    return f"uaabench data prepare {name} ARCHIVE_OR_FOLDER"
