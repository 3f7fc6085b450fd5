"""Comparing two runs on the same pairs, and the gate that fails when a run got worse than its reference.

A value changed for the worse only when it is worse by more than its tolerance *and* the paired 95 % interval of the
difference excludes zero: the first keeps rounding of another processor from failing a build, the second the noise of
a few images. Runs are compared only where a difference means something: one profile, the same images, the same classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from uaabench.core.columns import Column
from uaabench.core.errors import UsageError, unknown_name
from uaabench.reporting.numbers import Numbers
from uaabench.running.evidence import DatasetHead, Run, refuse_unlike
from uaabench.statistics import compare_pairs, holm
from uaabench.statistics.resampling import difference, value_of

Verdict = Literal["same", "worse", "better", "missing"]
# What decides the images of a method, by its entry in a manifest.
DECISIVE = {
    "sha256": "weights", "version": "version", "options": "options", "source": "plug-in source",
    "precision": "precision", "seed": "seed", "device": "device", "batch": "batch size",
    "compiled": "compiling",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a mean may move before it counts: in the unit of the metric, or as a share of the reference's mean."""

    amount: float
    is_share: bool

    def around(self, mean: float) -> float:
        """The tolerance of a metric whose reference has this mean."""
        return self.amount * abs(mean) if self.is_share else self.amount

    @classmethod
    def parse(cls, text: str) -> Tolerance:
        """Read `0.002` or `0.5%`.

        Raises:
            UsageError: It is no number, or a negative one.
        """
        try:
            amount = float(text.removesuffix("%"))
        except ValueError:
            amount = math.nan
        if not 0 <= amount < math.inf:
            raise UsageError(f"'{text}' is no tolerance; write a number such as 0.002, or a share such as 0.5%.")
        return cls(amount / 100, True) if text.endswith("%") else cls(amount, False)


@dataclass(frozen=True)
class Tolerances:
    """A tolerance for each metric: its own, or else the general one of 0.2 % of the reference's mean."""

    general: Tolerance = Tolerance(0.002, True)
    by_metric: dict[str, Tolerance] = field(default_factory=dict)

    def of(self, metric: str) -> Tolerance:
        """The tolerance of a metric."""
        return self.by_metric.get(metric, self.general)

    @classmethod
    def parse(cls, entries: Iterable[str], metrics: Sequence[Column]) -> Tolerances:
        """Read entries such as `qabf=0.002`, `sd=1%`, or `0.5%` for all other metrics.

        Raises:
            UsageError: An entry names no metric of the run, or has no number.
        """
        names = {metric.name.lower(): metric.name for metric in metrics}
        found = cls()
        for entry in entries:
            name, has_name, text = entry.rpartition("=")
            tolerance = Tolerance.parse(text)
            if not has_name:
                found = replace(found, general=tolerance)
            elif name.lower() not in names:
                raise unknown_name("metric of the reference", name, names.values())
            else:
                found.by_metric[names[name.lower()]] = tolerance
        return found


@dataclass(frozen=True, kw_only=True)
class Change:
    """One metric of one method on one data set, in two runs.

    Attributes:
        dataset: Label of the data set.
        split: Its split.
        method: Label of the method.
        metric: Name of the metric.
        before: Mean of the reference over the pairs for which both runs have a value; None if there are none.
        after: Mean of the run over them.
        difference: After minus before.
        low: Lower end of the paired 95 % interval of the difference; None for a single pair.
        high: Its upper end.
        n: Number of those pairs.
        p_value: Of the Wilcoxon signed-rank test, after Holm's correction over all changes; None if there are none,
            and for a measure of the whole data set, which has no value for a pair.
        win_rate: Share of those pairs on which the run is better, a tie counting one half; None likewise.
        tolerance: How far the mean may get worse, in the unit of the metric.
        verdict: same, worse, better, or missing where the run lacks a value that the reference has.
        reason: What is missing.
    """

    dataset: str
    split: str
    method: str
    metric: str
    before: float | None = None
    after: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    p_value: float | None = None
    win_rate: float | None = None
    tolerance: float = 0.0
    verdict: Verdict = "same"
    reason: str = ""

    @property
    def fails(self) -> bool:
        """Whether the gate fails because of it."""
        return self.verdict in ("worse", "missing")

    @property
    def where(self) -> str:
        """Data set, split, method and metric, for example `msrs test uaa Qabf`."""
        return f"{self.dataset} {self.split} {self.method} {self.metric}"

    @property
    def sentence(self) -> str:
        """What changed, in one sentence."""
        if self.verdict == "missing" or self.before is None or self.after is None or self.difference is None:
            return f"{self.where} is missing: {self.reason}."
        interval = f", 95 % interval [{self.low:+.4f}, {self.high:+.4f}]" if self.low is not None else ""
        return (
            f"{self.where} is {self.verdict}: {self.before:.4f} before, {self.after:.4f} now, difference "
            f"{self.difference:+.4f}{interval}, tolerance {self.tolerance:.4g}, n = {self.n}."
        )


def changes(run: Run, reference: Run, tolerances: Tolerances | None = None) -> list[Change]:
    """Compare a run with its reference: every metric of every method and data set that the reference has.

    Args:
        run: The new run.
        reference: What it is compared with.
        tolerances: How far a mean may get worse; 0.2 % of the reference's mean unless given.

    Raises:
        UsageError: The two are of different profiles, images or classes, or a data set has a single pair.
    """
    refuse_unlike(run, reference)
    tolerances = tolerances or Tolerances()
    old, new = Numbers.of(reference), Numbers.of(run)
    found: list[Change] = []
    for dataset in reference.datasets:
        for method in reference.methods:
            for column in reference.columns:
                sides = _Sides(run, old, new, dataset, method.label, column, tolerances.of(column.name))
                change = _measured(sides) if column.name in old.judged else _per_pair(sides)
                found += [change] if change else []
    corrected = holm([math.nan if change.p_value is None else change.p_value for change in found])
    return [
        change if change.p_value is None else replace(change, p_value=p_value)
        for change, p_value in zip(found, corrected, strict=True)
    ]


@dataclass(frozen=True)
class _Sides:
    """One column of one method on one data set in both runs, and how far it may get worse."""

    run: Run
    old: Numbers
    new: Numbers
    dataset: DatasetHead
    method: str
    column: Column
    tolerance: Tolerance

    @property
    def place(self) -> Change:
        """The change, before anything is known of it."""
        return Change(dataset=self.dataset.name, split=self.dataset.split, method=self.method, metric=self.column.name)


def _per_pair(sides: _Sides) -> Change | None:
    """The change of a metric; None where the reference has no value."""
    before = sides.old.values(sides.dataset, sides.method, sides.column.name)
    after = sides.new.values(sides.dataset, sides.method, sides.column.name)
    if not len(before):
        return None
    common = before.index.intersection(after.index)
    where = replace(sides.place, n=len(common))
    lost = before.index.difference(after.index)
    if len(common) == 0:
        return replace(where, verdict="missing", reason=_absent(sides))
    if len(before) == 1:
        raise UsageError(
            f"The reference has a single pair of '{sides.dataset.name}', of which no interval can be computed; "
            "make a reference with more pairs."
        )
    old, new = before[common].to_numpy(), after[common].to_numpy()
    test = compare_pairs(new, old, higher_is_better=sides.column.higher_is_better)
    change = replace(
        where,
        before=float(old.mean()),
        after=float(new.mean()),
        difference=test.difference.mean,
        low=_known(test.difference.low),
        high=_known(test.difference.high),
        p_value=test.p_value,
        win_rate=test.win_rate,
        tolerance=sides.tolerance.around(float(old.mean())),
    )
    if len(lost):
        return replace(change, verdict="missing", reason=f"no value for {len(lost)} pairs, such as {lost[0]}")
    return replace(change, verdict=_judge(change, higher_is_better=sides.column.higher_is_better))


def _measured(sides: _Sides) -> Change | None:
    """The change of a measure of the whole data set: its interval comes from the tallies, and there is no test."""
    name = sides.column.name
    before = sides.old.judged[name].tallies(sides.dataset, sides.method)
    after = sides.new.judged[name].tallies(sides.dataset, sides.method) if name in sides.new.judged else None
    if before is None or not before.pairs:
        return None
    if after is None:
        return replace(sides.place, verdict="missing", reason=_absent(sides))
    if (after.judge, after.setting) != (before.judge, before.setting):
        reason = f"it was judged by '{before.described}' and now by '{after.described}'"
        return replace(sides.place, verdict="missing", reason=reason)
    if lost := sorted(set(before.pairs) - set(after.pairs)):
        return replace(sides.place, verdict="missing", reason=f"no value for {len(lost)} pairs, such as {lost[0]}")
    measure = sides.old.judged[name].measure
    found = difference(measure, before, after.on(before.pairs))
    was = value_of(measure, before)
    change = replace(
        sides.place,
        before=was,
        after=value_of(measure, after.on(before.pairs)),
        difference=found.value,
        low=_known(found.low),
        high=_known(found.high),
        n=len(before.pairs),
        tolerance=sides.tolerance.around(was),
    )
    return replace(change, verdict=_judge(change, higher_is_better=sides.column.higher_is_better))


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _judge(change: Change, *, higher_is_better: bool) -> Verdict:
    if change.difference is None or change.low is None or change.high is None:
        return "same"
    excludes_zero = change.low > 0 or change.high < 0
    if abs(change.difference) <= change.tolerance or not excludes_zero:
        return "same"
    return "better" if (change.difference > 0) == higher_is_better else "worse"


def _absent(sides: _Sides) -> str:
    if sides.dataset.key not in {entry.key for entry in sides.run.datasets}:
        return f"the run has no data set {sides.dataset.name} {sides.dataset.split}"
    if sides.method not in {entry.label for entry in sides.run.methods}:
        return f"the run has no method {sides.method}"
    return "the run has no value for any pair"


def remarks(run: Run, reference: Run) -> Iterator[str]:
    """What else differs between two runs: weights, versions, precision, methods only the new one has."""
    yield from (*reference.notes, *run.notes)
    known = {entry["label"]: entry for entry in reference.facts["methods"]}
    for entry in run.facts["methods"]:
        other = known.get(entry["label"])
        if other is None:
            yield f"{entry['label']} is new: the reference does not have it."
            continue
        for name, what in DECISIVE.items():
            if entry.get(name) != other.get(name):
                old, new = (str(side.get(name, ""))[:12] or "none" for side in (other, entry))
                yield f"{entry['label']} has other {what}: {old} before, {new} now."
