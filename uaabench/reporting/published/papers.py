"""Papers and the rows they print: one TOML file a paper, `reports/published/NAME.toml`.

Values are kept as they are printed, since the number of digits says how closely ours can be compared with them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files as package_files
from pathlib import Path
from typing import ClassVar, Literal

from uaabench.core import registry
from uaabench.core.errors import DataError, UaabenchError, unknown_name
from uaabench.metrics.profiles import profile

# What a table has where the paper prints no value.
NOT_PRINTED = "-"
_STRICT = {"extra": "forbid", "str_min_length": 1}


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of one table that are of one data set.

    Attributes:
        name: What the paper calls it, or where it stands in the file.
        read: Address where it was read, at a commit or version that does not move.
        dataset: Name of the data set here.
        profile: Our profile that computes as the paper does, as far as it says so.
        metrics: Names of its columns here.
        rows: Values as printed, parted by blanks, `-` for none; by the full name of the method.
        split: Name of the split here; empty for the default one.
        pairs: Ids of the pairs here, where they are known and are not all of the split.
        count: Number of pairs, where that alone is known; else 0.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    name: str
    read: str
    dataset: str
    profile: str
    metrics: tuple[str, ...]
    rows: Mapping[str, str]
    split: str = ""
    pairs: tuple[str, ...] = ()
    count: int = 0

    def __post_init__(self) -> None:
        """Check what types cannot say.

        Raises:
            ValueError: A name is unknown here, or a row has other columns than the table.
        """
        if not self.read.startswith("https://"):
            raise ValueError(f"'{self.read}' is no https address of the table")
        if self.pairs and self.count:
            raise ValueError("pairs and count exclude each other")
        if self.count < 0:
            raise ValueError("count is no number of pairs")
        try:
            _check_names(self)
        except UaabenchError as error:
            raise ValueError(str(error).rstrip(".")) from None
        for method, values in self.rows.items():
            _check_row(method, values.split(), self.metrics)

    def printed(self, method: str) -> dict[str, Decimal]:
        """The values of a row by metric; those that are not printed are left out."""
        values = zip(self.metrics, self.rows[method].split(), strict=True)
        return {metric: Decimal(text) for metric, text in values if text != NOT_PRINTED}


def _check_names(table: Table) -> None:
    if table.dataset not in registry.dataset_names():
        raise unknown_name("data set", table.dataset, registry.dataset_names())
    splits = registry.dataset_class(table.dataset).card.splits
    if table.split and table.split not in splits:
        raise unknown_name(f"split of {table.dataset}", table.split, splits)
    known = profile(table.profile).metrics
    for metric in table.metrics:
        if metric not in known:
            raise unknown_name(f"metric of the profile {table.profile}", metric, known)
    if len(set(table.metrics)) < len(table.metrics):
        raise ValueError("a metric stands twice in metrics")


def _check_row(method: str, values: list[str], metrics: tuple[str, ...]) -> None:
    if len(values) != len(metrics):
        raise ValueError(f"the row '{method}' has {len(values)} values for {len(metrics)} metrics")
    for value in values:
        if value != NOT_PRINTED and not _is_number(value):
            raise ValueError(f"'{value}' in the row '{method}' is no number")


def _is_number(text: str) -> bool:
    """Whether it is a number as tables print it: sign, digits, point."""
    return re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text) is not None


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why printed values differ from ours, as far as anybody knows.

    Attributes:
        cause: In one or two words.
        text: The evidence: a sentence.
        probably: Whether it is a guess that the evidence suggests.
        datasets: Data sets it holds for; all unless some are named. Likewise methods and metrics.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    cause: Literal["profile", "batch normalisation", "colour", "pairs", "peak", "stretch", "weights", "misprint"]
    text: str
    probably: bool = True
    datasets: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()

    def holds_for(self, dataset: str, method: str, metric: str) -> bool:
        """Whether it is of a value."""
        meant = ((self.datasets, dataset), (self.methods, method), (self.metrics, metric))
        return all(not names or name in names for names, name in meant)


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A paper and the rows it prints.

    Attributes:
        paper: Authors, title, venue and year.
        url: Where the paper is.
        conventions: What it or its repository says of how the values were computed.
        tables: Its tables of values.
        explanations: Why values differ from ours.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    paper: str
    url: str
    conventions: str
    tables: tuple[Table, ...]
    explanations: tuple[Explanation, ...] = ()

    def __post_init__(self) -> None:
        """Check that no row stands twice, and that explanations are of something.

        Raises:
            ValueError: One does, or one is not.
        """
        places = [(table.read, table.dataset, table.split, method) for table in self.tables for method in table.rows]
        for place in places:
            if places.count(place) > 1:
                raise ValueError(f"the row '{place[-1]}' of {place[1]} stands twice")
        values = [(t.dataset, method, metric) for t in self.tables for method in t.rows for metric in t.metrics]
        for explanation in self.explanations:
            if not any(explanation.holds_for(*value) for value in values):
                raise ValueError(f"the explanation '{explanation.text}' is of no value of this paper")


def shipped_folder() -> Path:
    """Where the papers that come with the package lie."""
    return Path(str(package_files("uaabench.published")))


def papers(folder: Path | None = None) -> Iterator[tuple[str, Paper]]:
    """All papers of a folder by the names of their files, those of the package unless one is named.

    Raises:
        DataError: The folder has none, or a file is none.
    """
    place = folder or shipped_folder()
    paths = sorted(place.glob("*.toml"))
    if not paths:
        raise DataError(f"{place} has no published rows; name a folder with a TOML file for each paper.")
    for path in paths:
        yield path.stem, read(path)


def read(path: Path) -> Paper:
    """Read the rows of a paper.

    Raises:
        DataError: The file is not as docs/published.md describes it; the message says where.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        found: Paper = TypeAdapter(Paper).validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        message = " ".join(first["msg"].removeprefix("Value error, ").split())
        raise DataError(f"{path} has no valid rows of a paper: {place + ': ' if place else ''}{message}.") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path} has no valid rows of a paper: {' '.join(str(error).split())}.") from error
    return found
