"""What a stage is: one thing that is done with every method on every data set, and everything a run must know of it.

Fusing, scoring and segmenting are three stages; a plug-in may add another one, as a class in one file. The pipeline,
the records, the table, the page and the gate know stages only by this contract.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from uaabench.core import files, registry
from uaabench.core.arrays import ByteImage
from uaabench.core.columns import Column, Measure, Metric, column_facts
from uaabench.core.grid import Grid
from uaabench.core.interface import LabelClass
from uaabench.methods.named import MethodPlan
from uaabench.metrics.profiles import Profile
from uaabench.running import store
from uaabench.running.batches import Size
from uaabench.running.config import RunConfig
from uaabench.running.units import DatasetPlan, Outcome, Runtime, Share, Unit
from uaabench.statistics.resampling import Tallies, estimate

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]


@dataclass(frozen=True)
class Planning:
    """What a stage plans its units from.

    Attributes:
        config: The description of the run.
        methods: Its methods in table order.
        datasets: Its data sets.
        profile: Convention of its metrics.
        metrics: Its metrics.
        device: Kind of device, `cpu` or `cuda`.
        batches: How many pairs of each size are worked on at once, by the place of the data set.
        fuse: The fuse units, in the order of data sets and methods; empty while they are being planned.
    """

    config: RunConfig
    methods: tuple[MethodPlan, ...]
    datasets: tuple[DatasetPlan, ...]
    profile: Profile
    metrics: tuple[Metric, ...]
    device: str
    batches: Mapping[Path, Mapping[Size, int]]
    fuse: tuple[Unit, ...] = ()


@dataclass(frozen=True)
class View:
    """What a stage shows its part of the report from: one data set of a run, read from its directory.

    Attributes:
        name: What tells the data set from the others of the run, for example `msrs/test`.
        title: Its name in prose.
        heading: Its heading in the report.
        titles: Printed name of each method by its label, in row order.
        floor: Labels of the trivial methods.
        records: The records of this data set that are not of a pair.
    """

    name: str
    title: str
    heading: str
    titles: Mapping[str, str]
    floor: frozenset[str]
    records: pd.DataFrame


class Stage(ABC):
    """One thing that is done with every method on every data set.

    A stage that judges the artefacts gives `units` and `work`. One with measures of whole data sets names them, puts
    the tally of each pair into its results as `tally`, and gives `judge`; its records, intervals, comparisons and
    columns follow. Constructor arguments are options, all with defaults, that a configuration sets as
    `options: {NAME: ...}`.

    Attributes:
        name: Name in folders, failures and progress.
        doing: What it does, for the user: `Fusing`.
        version: Raised whenever its results change; part of every key.
        measures: The measures of whole data sets that it computes.
        finds: How the page calls what `layer` draws, before the name of a method; empty for nothing.
    """

    name: ClassVar[str]
    doing: ClassVar[str]
    version: ClassVar[int] = 1
    measures: ClassVar[Sequence[Measure]] = ()
    finds: ClassVar[str] = ""

    @abstractmethod
    def units(self, planning: Planning) -> Sequence[Unit]:
        """Plan the units, in the order of data sets and methods, those of one method on one data set in a row.

        Raises:
            UsageError: What the configuration asks of this stage cannot be done.
        """

    def groups(self, units: Sequence[Unit]) -> list[tuple[Unit, ...]]:
        """Units of one data set that are worked on together, pair by pair; each by itself unless overridden."""
        return [(unit,) for unit in units]

    def holds(self, run: Path, unit: Unit) -> store.Holds:  # noqa: ARG002 - for those that override it
        """Return what says of a pair and its value whether the value still stands; all do unless overridden."""
        return lambda _pair, _value: True

    @abstractmethod
    def work(self, share: Share, runtime: Runtime) -> Iterator[Outcome]:
        """Carry out a share: an outcome for each pair and unit that waits; a pair that fails must not stop others."""

    def records(self, run: Path, units: Sequence[Unit]) -> Iterator[Row]:
        """The records of one method on one data set.

        Args:
            run: The run directory.
            units: Its units; several where it has several judges.

        Yields:
            Rows with `scope` (pair, method or class), `pair`, `class`, `metric`, `profile`, `value`, `status` and
            `reason`. Of each measure one of scope `method`, with its interval and number of pairs beside it.
        """
        if not self.measures:
            return
        tallies = self.tallies(run, units)
        yield from self.summary(tallies, self._reason(run, units, tallies))

    def summary(self, tallies: Tallies, reason: str = "") -> Iterator[Row]:
        """The records that follow from the tallies of one method on one data set.

        Args:
            tallies: What its judges found.
            reason: Why some pairs have no tally; empty where all have one.
        """
        for measure in self.measures:
            found = estimate(measure, tallies) if tallies.pairs else None
            numbers = (found.value, found.low, found.high) if found else (math.nan,) * 3
            for name, value in zip((measure.name, low(measure), high(measure)), numbers, strict=True):
                yield record("method", name, value, tallies.judge, "too few pairs, or nothing to count")
            # Why some pairs have no tally stands beside their number.
            yield {**record("method", pairs(measure), float(len(tallies.pairs)), tallies.judge), "reason": reason}
        yield from self.details(tallies)

    def details(self, tallies: Tallies) -> Iterator[Row]:  # noqa: ARG002 - for those that override it
        """Further records of scope `method` or `class`, beside those of the measures; none unless overridden."""
        yield from ()

    def tallies(self, run: Path, units: Sequence[Unit]) -> Tallies:
        """What the judges of one method found on one data set, on the pairs that all of them have judged."""
        by_unit = [
            {pair: result.value["tally"] for pair, result in store.results(run, unit).items() if not result.reason}
            for unit in units
        ]
        common = sorted(set.intersection(*map(set, by_unit)))
        judge, setting = self.judge(units)
        return Tallies(judge, setting, tuple(common), tuple(tuple(one[pair] for pair in common) for one in by_unit))

    def finish(self, run: Path, units: Sequence[Unit]) -> None:  # noqa: B027 - most stages leave nothing else
        """Write what shall lie in the folders of units for others to read, once all their pairs are worked on.

        Args:
            run: The run directory.
            units: Those of one method on one data set.

        Raises:
            StorageError: It cannot be written.
        """

    def judge(self, units: Sequence[Unit]) -> tuple[str, Mapping[str, Any]]:
        """Name of what judges, equal in runs that can be compared, and what the measures must know of it."""
        return f"{self.name}, version {units[0].key[:12]}", {}

    def truth(self, units: Sequence[Unit]) -> Mapping[str, str]:  # noqa: ARG002 - for those that override it
        """Hash of what the measures compare each pair with, by its id; nothing where they compare with nothing."""
        return {}

    def grids(self, view: View) -> Sequence[Grid]:  # noqa: ARG002 - for those that override it
        """Tables that stand beside the main one for a data set; none unless overridden."""
        return ()

    def legend(self, view: View) -> str:  # noqa: ARG002 - for those that override it
        """A sentence below the main table that says what its measures rest on; none unless overridden."""
        return ""

    def colours(self, setting: Mapping[str, Any], classes: Sequence[LabelClass]) -> Sequence[LabelClass]:  # noqa: ARG002
        """What the colours of its layers mean: the classes of the label maps but for the first, unless overridden.

        Args:
            setting: The setting of its judge.
            classes: Classes of the label maps of the data set.
        """
        return classes[1:]

    def layer(self, folder: Path, pair: str, value: Any, classes: Sequence[LabelClass]) -> ByteImage | None:  # noqa: ARG002
        """What the page lays over the images of a pair, (H,W,4) RGBA; nothing unless overridden.

        Args:
            folder: Folder of the unit.
            pair: Id of the pair.
            value: What the stage kept of it, which says whether what lies in the folder still stands.
            classes: Classes of the label maps of the data set.
        """
        return None

    def _reason(self, run: Path, units: Sequence[Unit], tallies: Tallies) -> str:
        """Why pairs have no tally, most frequent reason first; empty where all have one."""
        lacking = [failure.reason for failure in store.failures(run, units) if failure.pair not in tallies.pairs]
        counts = {reason: lacking.count(reason) for reason in dict.fromkeys(lacking)}
        return "; ".join(f"{count} failed: {reason}" for reason, count in sorted(counts.items(), key=lambda c: -c[1]))


def record(scope: str, metric: str, value: float, profile: str, missing: str = "", of_class: str = "") -> Row:
    """A record of scope `method` or `class`; `missing` is the reason where the value is NaN."""
    known = math.isfinite(value)
    return {
        "scope": scope,
        "pair": "",
        "class": of_class,
        "metric": metric,
        "profile": profile,
        "value": value if known else None,
        "status": "ok" if known else "undefined",
        "reason": "" if known else missing,
    }


def low(measure: Column) -> str:
    """Name of the records that hold the lower end of a measure's interval."""
    return f"{measure.name} low"


def high(measure: Column) -> str:
    """Name of the records that hold its upper end."""
    return f"{measure.name} high"


def pairs(measure: Column) -> str:
    """Name of the records that hold the number of pairs it was computed of."""
    return f"{measure.name} pairs"


def unit_of(stage: Stage, fused: Unit, description: Mapping[str, Any], task: Any = None, *, suffix: str = "") -> Unit:
    """A unit that judges the artefacts of a fuse unit.

    Args:
        stage: The stage.
        fused: The fuse unit.
        description: Everything the result depends on beside the artefacts, as JSON values.
        task: What the stage must know to carry it out.
        suffix: What tells it from other units of the stage on the same artefacts, in the name of its folder.
    """
    key = key_of(stage, {"artefacts": fused.key, **description})
    folder = Path(stage.name) / fused.dataset.place / folder_name(fused.method, key, suffix)
    return Unit(stage.name, fused.method, fused.dataset, key, folder, fused, task)


def key_of(stage: Stage, description: Mapping[str, Any]) -> str:
    """SHA-256 of what a unit of a stage depends on, the stage itself included."""
    origin = {"stage": stage.name, "stage version": stage.version, "stage source": source(stage)}
    return files.digest({**origin, **description})


def source(stage: Stage) -> str:
    """Hash of the source of a stage that a plug-in defines; empty for a built-in one."""
    return registry.source_of("stage", stage.name)


def folder_name(method: MethodPlan, key: str, suffix: str = "") -> str:
    """Name of a unit's folder: the method in plain letters, and the beginning of its key."""
    plain = "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in method.label)
    return f"{plain[:80].lstrip('.')}{suffix}-{key[:8]}"


def by_method(units: Sequence[Unit]) -> list[list[Unit]]:
    """Units by method and data set: those that make one cell of the table together."""
    return [list(group) for _, group in groupby(units, key=lambda unit: (unit.method.label, unit.dataset.place))]


def facts(stage: Stage, units: Sequence[Unit], options: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest says of a stage: its version, its options, its measures and by what it judged each method.

    Args:
        stage: The stage.
        units: Its units.
        options: Its options.
    """
    return {
        "name": stage.name,
        "version": stage.version,
        "measures": [column_facts(measure) for measure in stage.measures],
        "options": dict(options),
        "judges": [
            {"method": first.method.label, "dataset": first.dataset.label, "split": first.dataset.split}
            | {"name": name, **setting}
            for first, *others in (by_method(units) if stage.measures else ())
            for name, setting in [stage.judge([first, *others])]
        ],
        "truth": [
            {"dataset": first.dataset.label, "split": first.dataset.split, "pairs": dict(stage.truth([first, *others]))}
            for first, *others in (_first_of_each_dataset(units) if stage.measures else ())
        ],
    }


def _first_of_each_dataset(units: Sequence[Unit]) -> list[list[Unit]]:
    """The units of the first method of each data set."""
    found: dict[Path, list[Unit]] = {}
    for of_one in by_method(units):
        found.setdefault(of_one[0].dataset.place, of_one)
    return list(found.values())


def stages(options: Mapping[str, Mapping[str, Any]]) -> tuple[Stage, ...]:
    """All stages that are known, the built-in ones first, with their options."""
    return tuple(make(name, options) for name in registry.names("stage"))


def make(name: str, options: Mapping[str, Mapping[str, Any]] | None = None) -> Stage:
    """Make one stage.

    Raises:
        UsageError: There is no such stage.
    """
    stage_class: Callable[..., Stage] = registry.get("stage", name)
    return stage_class(**(options or {}).get(name, {}))
