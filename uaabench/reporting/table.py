"""The comparison table that every report format shows.

A cell is the mean of a metric over the pairs of a data set for which it has a value, with its 95 % bootstrap interval.
Rules that hold for all formats:

- Best and second are marked per data set and metric, by the metric's direction, at full precision; ties share a mark.
- Only rows over the same pairs can be compared: a cell with fewer values than the data set has planned pairs carries a
  note with its n and is never marked.
- Trivial methods are the floor: they come last, and are never marked.
- Numbers are printed with four decimals, whatever the metric; `results.csv` and `results.json` keep full precision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from uaabench.interface import MethodKind, Metric

Mark = Literal["best", "second"]
CONFIDENCE = "95 %"
MISSING = "-"


@dataclass(frozen=True, kw_only=True)
class MethodRow:
    """What a table says about a method.

    Attributes:
        label: Its name in the records and on the command line, unique in a run.
        title: Its name in printed tables.
        kind: trivial, classical, learned or precomputed.
        track: What its numbers may be compared with, for example `official`; empty where that needs no words.
        weights: Where its weights come from, in a few words; empty for a method without.
    """

    label: str
    title: str
    kind: MethodKind
    track: str = ""
    weights: str = ""

    @property
    def is_floor(self) -> bool:
        """Whether the method is a trivial rule, which is shown but never marked."""
        return self.kind == "trivial"


@dataclass(frozen=True, kw_only=True)
class DatasetHead:
    """What a table says about a data set: its name and split in the records, and how many pairs were to be fused."""

    name: str
    title: str
    split: str
    planned: int

    @property
    def heading(self) -> str:
        """Title, split and number of pairs, for example `MSRS test, 361 pairs`."""
        return f"{self.title} {self.split}".strip() + f", {self.planned} {'pair' if self.planned == 1 else 'pairs'}"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One number of the table.

    Attributes:
        mean: Mean over the pairs with a value; None if there is none.
        low: Lower end of the interval; None where it is undefined.
        high: Upper end of the interval.
        n: Number of pairs with a value.
        planned: Number of pairs of the data set.
        mark: best, second or None.
        reason: Why n is smaller than planned; empty for a complete cell.
        note: Letter of the note that gives n and the reason; empty for a complete cell.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int
    planned: int
    mark: Mark | None = None
    reason: str = ""
    note: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether every pair of the data set has a value; only complete cells can be compared."""
        return self.n == self.planned

    @property
    def text(self) -> str:
        """The mean as every printed table shows it."""
        return number(self.mean)

    @property
    def interval(self) -> str:
        """The interval as every printed table shows it; empty where there is none."""
        return "" if self.low is None else f"[{number(self.low)}, {number(self.high)}]"


@dataclass(frozen=True)
class Row:
    """One method on one data set: a cell for each metric, by the metric's name."""

    method: MethodRow
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Section:
    """All methods on one data set, the floor last."""

    dataset: DatasetHead
    rows: Sequence[Row]

    @property
    def compared(self) -> list[Row]:
        """The rows above the floor."""
        return [row for row in self.rows if not row.method.is_floor]

    @property
    def floor(self) -> list[Row]:
        """The rows of trivial methods."""
        return [row for row in self.rows if row.method.is_floor]


@dataclass(frozen=True, kw_only=True)
class ControlTable:
    """The negative controls on one data set beside the average rule; built by `uaabench.reporting.controls`.

    Attributes:
        dataset: The data set.
        reference: Row of the average rule.
        controls: Rows of the controls.
        better: Whether a control is better than the average rule, by its label and the metric's name; None where the
            two cannot be compared.
    """

    dataset: DatasetHead
    reference: Row
    controls: Sequence[Row]
    better: Mapping[str, Mapping[str, bool | None]]

    def is_better(self, row: Row, metric: str) -> bool | None:
        """The verdict on a row by one metric; None for the reference itself and where there is none."""
        return self.better.get(row.method.label, {}).get(metric)


@dataclass(frozen=True, kw_only=True)
class Table:
    """Means of all methods on all data sets under one profile.

    Attributes:
        profile: Name of the metric profile.
        profile_version: Its version.
        metrics: Columns.
        methods: Methods in row order, the floor last.
        sections: One for each data set.
        notes: Text of each note by its letter; letters are unique in the whole table.
        controls: What the negative controls do to each metric, one for each data set; empty for a run without them.
    """

    profile: str
    profile_version: int
    metrics: Sequence[Metric]
    methods: Sequence[MethodRow]
    sections: Sequence[Section]
    notes: Mapping[str, str] = field(default_factory=dict)
    controls: Sequence[ControlTable] = ()

    @property
    def row_titles(self) -> dict[str, str]:
        """Printed name of each method by its label; methods that share a title are told apart by their labels."""
        count = Counter(method.title for method in self.methods)
        return {m.label: m.title if count[m.title] == 1 else f"{m.title} ({m.label})" for m in self.methods}

    @property
    def sources(self) -> list[str]:
        """One line for each method with weights: which they are."""
        titles = self.row_titles
        return [f"{titles[method.label]}: {method.weights}" for method in self.methods if method.weights]

    @property
    def legend(self) -> str:
        """The sentence below a printed table that says how to read it, except for how marks look."""
        return (
            f"Profile {self.profile}, version {self.profile_version}. Means over the pairs of each data set "
            f"with {CONFIDENCE} bootstrap intervals over pairs."
        )


def number(value: float | None) -> str:
    """Four decimals for every metric; a missing value is a dash.

    Example:
        >>> number(6.62424999), number(None)
        ('6.6242', '-')
    """
    return MISSING if value is None else f"{value:.4f}"
