"""The comparison table that every report format shows.

A cell is the mean of a metric over the pairs of a data set for which it has a value, with its 95 % bootstrap interval.
Rules that hold for all formats:

- Best and second are marked per data set and metric, by the metric's direction, at full precision; ties share a mark.
- Only rows over the same pairs can be compared: a cell with fewer values than the data set has planned pairs carries a
  note with its n and is never marked.
- Trivial methods are the floor: they come last, and are neither marked nor ranked unless that was asked for.
- Clean input comes first and alone; degraded input stands behind it or in a supplement, under names of its own.
- Numbers are printed with four decimals, whatever the metric; `results.csv` and `results.json` keep full precision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from uaabench.core.columns import Column
from uaabench.core.grid import Grid, Verdict, number
from uaabench.methods.efficiency import Efficiency
from uaabench.running.evidence import DatasetHead, MethodRow
from uaabench.statistics import Ranking
from uaabench.statistics.agreement import FEWEST_METHODS, Agreement

Mark = Literal["best", "second"]
CONFIDENCE = "95 %"


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


@dataclass(frozen=True, kw_only=True)
class Versus:
    """One method against the reference by one metric, on the pairs for which both have a value.

    Attributes:
        difference: Mean of method minus reference over those pairs.
        low: Lower end of its paired 95 % bootstrap interval; None where it is undefined.
        high: Upper end of the interval.
        n: Number of pairs.
        p_value: Of the Wilcoxon signed-rank test, after Holm's correction over the whole data set; None for a measure
            of the whole data set, which has no value for a pair.
        win_rate: Share of the pairs on which the method is better; a tie counts one half. None likewise.
        verdict: better or worse where p is below 0.05 or, without a p-value, where the interval excludes 0; else empty.
    """

    difference: float
    low: float | None
    high: float | None
    n: int
    p_value: float | None
    win_rate: float | None
    verdict: Verdict

    @property
    def text(self) -> str:
        """The difference with its sign, as every printed table shows it."""
        return f"{self.difference:+.4f}"

    @property
    def detail(self) -> str:
        """The p-value and the win rate, or the interval, as every printed table shows them."""
        if self.p_value is None or self.win_rate is None:
            return "" if self.low is None else f"[{self.low:+.4f}, {self.high:+.4f}]"
        p_value = "p < 0.001" if self.p_value < 0.001 else f"p = {self.p_value:.3f}"
        return f"{p_value}, {self.win_rate:.0%} won"


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """The ranks of the methods on one data set.

    Attributes:
        by_metric: By each metric, over pairs; metrics for which a method lacks pairs are left out.
        average: Average over those metrics of each method's rank by its mean.
    """

    by_metric: Mapping[str, Ranking]
    average: Mapping[str, float]


@dataclass(frozen=True)
class Section:
    """All methods on one data set, the floor last.

    Attributes:
        dataset: The data set.
        rows: One for each method.
        versus: Each method against the reference of the table, by method and metric; empty without a reference.
        ranks: The ranks of the methods; None where there is nothing to rank.
        agreements: How far each metric predicts each measure of use, by measure and metric, best first; of a measure
            that too few methods have, nothing.
    """

    dataset: DatasetHead
    rows: Sequence[Row]
    versus: Mapping[str, Mapping[str, Versus]] = field(default_factory=dict)
    ranks: Ranks | None = None
    agreements: Mapping[str, Mapping[str, Agreement]] = field(default_factory=dict)

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
class Retention:
    """What one degradation leaves of one number of a method.

    Attributes:
        value: Degraded over clean, or degraded minus clean, mean over the severities; None where it does not exist.
        low: Lower end of its paired 95 % bootstrap interval; None where it is undefined.
        high: Upper end of the interval.
        n: Number of pairs with a value on clean and on all degraded input.
        rank: Rank of the method by its values on the degraded input; None for a method that is not ranked.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    rank: float | None


@dataclass(frozen=True)
class RetentionRow:
    """One method: its value and rank on clean input, and what is left of it by the kind of degradation."""

    method: MethodRow
    clean: float | None
    clean_rank: float | None
    by_kind: Mapping[str, Retention]


@dataclass(frozen=True, kw_only=True)
class RetentionTable:
    """What degraded input leaves of one column on one data set; built by `uaabench.reporting.retention`.

    Attributes:
        dataset: The clean data set.
        metric: The column.
        as_ratio: Whether its retention is a ratio or a difference.
        degradations: By kind the degradations over which the mean is taken.
        scored_against: Sources that fused images of degraded input are scored against; empty for a measure, which is
            judged by labels.
        rows: One for each method, the floor last.
    """

    dataset: DatasetHead
    metric: Column
    as_ratio: bool
    degradations: Mapping[str, Sequence[str]]
    scored_against: str
    rows: Sequence[RetentionRow]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Means of all methods on all data sets under one profile.

    Attributes:
        profile: Name of the metric profile.
        profile_version: Its version.
        metrics: Columns.
        methods: Methods in row order, the floor last.
        sections: One for each data set, degraded versions behind the clean ones.
        notes: Text of each note by its letter; letters are unique in the whole table.
        controls: What the negative controls do to each metric, one for each data set; empty for a run without them.
        retention: What degraded input leaves of each column; empty without degraded versions.
        reference: Label of the method that the others are compared with; empty for none.
        marks_floor: Whether trivial methods are marked and ranked like the others.
        efficiency: What the methods cost, if it was measured.
        beside: The grids that stages show beside the main table.
        judged: Sentences of the stages below the main table, on what their measures rest.
        remarks: What a reader of the run must know beside, such as that a plug-in is gone; no part of a paper's table.
    """

    profile: str
    profile_version: int
    metrics: Sequence[Column]
    methods: Sequence[MethodRow]
    sections: Sequence[Section]
    notes: Mapping[str, str] = field(default_factory=dict)
    controls: Sequence[ControlTable] = ()
    retention: Sequence[RetentionTable] = ()
    reference: str = ""
    marks_floor: bool = False
    efficiency: Sequence[Efficiency] = ()
    beside: Sequence[Grid] = ()
    judged: Sequence[str] = ()
    remarks: Sequence[str] = ()

    @property
    def clean(self) -> list[Section]:
        """The sections of clean input."""
        return [section for section in self.sections if section.dataset.degraded is None]

    @property
    def degraded(self) -> list[Section]:
        """The sections of degraded input."""
        return [section for section in self.sections if section.dataset.degraded is not None]

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
    def assumptions(self) -> dict[str, str]:
        """One line for each kind of statistics that this table has: what it is, what it takes for granted."""
        lines = {
            "intervals": (
                f"Intervals: {CONFIDENCE} expanded percentile bootstrap over pairs; takes the pairs for a random "
                "sample of the images to come, which frames of one video are not."
            )
        }
        if self.reference:
            lines["versus"] = (
                f"Against {self.row_titles[self.reference]}: mean difference on the same pairs, two-sided Wilcoxon "
                "signed-rank test, Holm's correction over all methods and metrics of a data set; takes the pairs for "
                "independent and their differences for symmetric about the median."
            )
        if any(section.ranks for section in self.sections):
            lines["ranks"] = (
                "Ranks: on each pair, 1 is best; Friedman's test and Nemenyi's critical difference at the level of "
                "0.05 take the pairs for independent. The average over metrics counts related metrics repeatedly."
            )
        if any(section.agreements for section in self.sections):
            lines["agreement"] = self._predicting()
        return lines

    def _predicting(self) -> str:
        """What is said of how metrics predict use."""
        found = [by_metric for section in self.sections for by_metric in section.agreements.values()]
        if not any(found):
            return (
                f"Which metric predicts use: not said, as an order of fewer than {FEWEST_METHODS} methods says nothing."
            )
        return (
            "Which metric predicts use: Kendall's tau-b takes the methods for independent, which networks of one "
            "family are not, and says nothing of methods unlike these."
        )

    @property
    def legend(self) -> str:
        """The sentence below a printed table that says how to read it, except for how marks look."""
        judges = "".join(f" {said}" for said in self.judged)
        return (
            f"Profile {self.profile}, version {self.profile_version}. Means over the pairs of each data set "
            f"with {CONFIDENCE} bootstrap intervals over pairs.{judges}"
        )
