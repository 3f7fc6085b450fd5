"""A run as it lies in its directory: what a report, a comparison or a merge reads, without data and artefacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from uaabench.core import registry
from uaabench.core.columns import Column, Measure
from uaabench.core.errors import DataError, UaabenchError, UsageError
from uaabench.core.interface import MethodKind
from uaabench.metrics.profiles import profile
from uaabench.running import manifest, reference_rows, stage, store
from uaabench.running.stage import Stage
from uaabench.running.tables import RECORDS, Place, read_table, tallies_of, tally_table
from uaabench.statistics.resampling import Tallies

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class MethodRow:
    """What a table says about a method.

    Attributes:
        label: Its name in the records and on the command line, unique in a run.
        title: Its name in printed tables.
        kind: trivial, classical, learned or precomputed.
        track: What its numbers may be compared with, for example `official`; empty where that needs no words.
        weights: Where its weights come from, in a few words; empty for a method without.
        bibtex: BibTeX entry of its publication; empty for a method without.
        colour: Its colour in figures, `#rrggbb`; empty where the next free one will do.
        origin: `run`, or `reference` for a row that comes with the package.
    """

    label: str
    title: str
    kind: MethodKind
    track: str = ""
    weights: str = ""
    bibtex: str = ""
    colour: str = ""
    origin: Literal["run", "reference"] = "run"

    @property
    def is_floor(self) -> bool:
        """Whether the method is a trivial rule, which is shown but never marked."""
        return self.kind == "trivial"


@dataclass(frozen=True, kw_only=True)
class DegradedHead:
    """What a table says about the degraded version of a data set.

    Attributes:
        text: The degradation, as it is written on the command line.
        kind: Its corruptions without their strengths.
        clean: Split of the clean version.
        scored_against: `clean` or `degraded` sources.
        key: What its images depend on, as `Degradation.key`.
    """

    text: str
    kind: str
    clean: str
    scored_against: str
    key: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class DatasetHead:
    """What a table says about one split of a data set.

    Attributes:
        name: Its label in the records.
        title: Its name in prose.
        split: The split.
        planned: How many pairs were to be fused.
        expected: How many the split has; None where that varies.
        degraded: How its sources were degraded; None for clean ones.
    """

    name: str
    title: str
    split: str
    planned: int
    expected: int | None = None
    degraded: DegradedHead | None = None

    @property
    def key(self) -> str:
        """What tells it from the other data sets of a run, as neither label nor split has a slash: `msrs/test`."""
        return f"{self.name}/{self.split}"

    def is_version_of(self, clean: DatasetHead) -> bool:
        """Whether it is a degraded version of another one."""
        return self.degraded is not None and (self.name, self.degraded.clean) == (clean.name, clean.split)

    @property
    def heading(self) -> str:
        """Title, split and number of pairs, for example `MSRS test, 361 pairs` or `MSRS test, 3 of 361 pairs`."""
        is_part = self.expected is not None and self.planned < self.expected
        of_all = f" of {self.expected}" if is_part else ""
        return (
            f"{self.title} {self.split}".strip()
            + f", {self.planned}{of_all} {'pair' if self.planned == 1 else 'pairs'}"
        )


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: The run directory.
        facts: Its manifest.
        records: Its records, with those of the reference rows that it asked for.
        notes: What a reader must know of how it was read, for example a plug-in that is gone.
        drawn_tallies: The tallies of those reference rows; None where it has none.
    """

    folder: Path
    facts: dict[str, Any]
    records: pd.DataFrame
    notes: tuple[str, ...] = ()
    drawn_tallies: pd.DataFrame | None = None

    @cached_property
    def tally_table(self) -> pd.DataFrame:
        """What its judges found in each pair, with those of the reference rows that it asked for."""
        import pandas as pd

        own = tally_table(self.folder)
        drawn = self.drawn_tallies
        return own if drawn is None or drawn.empty else pd.concat([own, drawn], ignore_index=True)

    @cached_property
    def tallies(self) -> Mapping[Place, Tallies]:
        """The same by stage, data set, split and method."""
        return tallies_of(self.tally_table)

    @property
    def metrics(self) -> tuple[Column, ...]:
        """Its metrics, which have a value for each pair, in order."""
        return tuple(_column(entry) for entry in self.facts["columns"])

    @property
    def measures(self) -> dict[str, tuple[Column, ...]]:
        """The measures of whole data sets, by the stage that computed them."""
        return {
            entry["name"]: tuple(map(_column, entry["measures"])) for entry in self.facts["stages"] if entry["measures"]
        }

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of its table: metrics, then measures."""
        return (*self.metrics, *(measure for entries in self.measures.values() for measure in entries))

    @property
    def datasets(self) -> list[DatasetHead]:
        """Its data sets, in order."""
        return [
            DatasetHead(
                name=entry["label"],
                title=entry["title"],
                split=entry["split"],
                planned=entry["pairs"],
                expected=entry["expected"],
                degraded=_degraded(entry.get("degradation")),
            )
            for entry in self.facts["datasets"]
        ]

    @property
    def methods(self) -> list[MethodRow]:
        """Its methods, in order."""
        return [_row(entry) for entry in self.facts["methods"]]

    @property
    def drawn(self) -> str:
        """What must be said of its reference rows wherever they stand; empty where it has none."""
        made = [method["made"] for method in self.facts["methods"] if method.get("drawn")]
        if not made:
            return ""
        machines, versions = ({entry[name] for entry in made} for name in ("machine", "uaabench"))
        return (
            f"Rows with {reference_rows.MARK} were not computed in this run: they are reference rows of uaabench "
            f"{', '.join(sorted(versions))}, made on {', '.join(sorted(machines))}, of the same images, profile and "
            "versions."
        )

    @property
    def stages(self) -> list[Stage]:
        """Its stages, in order, but for those of plug-ins that are gone."""
        known = registry.names("stage")
        return [
            stage.make(entry["name"], {entry["name"]: entry["options"]})
            for entry in self.facts["stages"]
            if entry["name"] in known
        ]

    @property
    def judged(self) -> dict[str, Judged]:
        """What its judges found, by the name of the measure."""
        return {
            measure.name: Judged(self, stage_name, measure.name)
            for stage_name, measures in self.measures.items()
            for measure in measures
        }

    def units(self, stage_name: str, dataset: DatasetHead) -> dict[str, KeptUnit]:
        """The unit of each method on a data set, by label; of several judges the first one's."""
        found: dict[str, KeptUnit] = {}
        for entry in self.facts.get("units", ()):
            if (entry["stage"], entry["dataset"], entry["split"]) == (stage_name, dataset.name, dataset.split):
                found.setdefault(entry["method"], KeptUnit(self.folder / entry["folder"], entry["key"]))
        return found


@dataclass(frozen=True)
class KeptUnit:
    """A unit of a run, by its folder and key."""

    folder: Path
    key: str

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """What it keeps of each pair that did not fail."""
        found = store.read_results(self.folder, self.key)
        return {pair: result.value for pair, result in found.items() if not result.reason}


@dataclass(frozen=True)
class Judged:
    """One measure of a run, with the tallies it is computed of."""

    run: Run
    stage: str
    name: str

    def tallies(self, dataset: DatasetHead, method: str) -> Tallies | None:
        """The tallies of a method on a data set; None where it was not judged."""
        return self.run.tallies.get((self.stage, dataset.name, dataset.split, method))

    @property
    def measure(self) -> Measure:
        """The measure itself, which can compute.

        Raises:
            UsageError: Its stage, of a plug-in, is gone, or has no such measure any more.
        """
        known = {entry.name: entry for entry in self.run.stages}
        for measure in known[self.stage].measures if self.stage in known else ():
            if measure.name == self.name:
                return measure
        raise UsageError(
            f"The measure '{self.name}' of {self.run.folder} is of the stage '{self.stage}', which is not known here; "
            "name its file with --plugin."
        )


def load(folder: Path) -> Run:
    """Read what a run left, and load its plug-ins.

    Raises:
        UsageError: The folder holds no run, its records were made by another version of the profile, or the reference
            rows it asked for do not agree with it any more.
        DataError: Its files were changed, or are broken.
    """
    facts = manifest.read(folder)
    named = facts["profile"]
    convention = profile(named["name"])
    if convention.version != named["version"]:
        raise UsageError(
            f"The records of {folder} are of profile {named['name']} version {named['version']}, but this uaabench "
            f"computes version {convention.version}; run 'uaabench score {folder}' first."
        )
    notes = [note for entry in facts.get("plugins", ()) if (note := _load_plugin(entry))]
    records = read_table(folder / RECORDS)
    if not facts["config"].get("beside"):
        return Run(folder, facts, records, tuple(notes))
    facts, records, tallies, left_out = reference_rows.add(facts, records)
    return Run(folder, facts, records, (*notes, *left_out), tallies)


def _load_plugin(entry: Mapping[str, Any]) -> str:
    """Load a plug-in of a run, or say why not: one that was changed is not the code that the run stands for."""
    path = Path(entry["path"])
    try:
        if not path.is_file() or registry.plugin_sources(path, entry["sources"]) != entry["sources"]:
            return f"The plug-in {path} of this run is gone or was changed, so that it was not loaded."
        registry.load_plugin(path)
    except UaabenchError as error:
        return f"The plug-in {path} of this run was not loaded: {error}"
    return ""


def refuse_unlike(run: Run, reference: Run) -> None:
    """Refuse two runs whose numbers cannot be compared.

    Raises:
        UsageError: They differ in profile or version, or in the images or classes of a data set that both have, or in
            what degraded ones are scored against.
    """
    here, there = (one.facts["profile"] for one in (run, reference))
    if here != there:
        raise UsageError(
            f"{run.folder} has profile {here['name']} version {here['version']} but {reference.folder} has "
            f"{there['name']} version {there['version']}; score one of them again: uaabench score RUN --profile "
            f"{there['name']}"
        )
    known = {(entry["label"], entry["split"]): entry for entry in run.facts["datasets"]}
    for entry in reference.facts["datasets"]:
        other = known.get((entry["label"], entry["split"]), entry)
        for name, what in (("index", "images"), ("labels", "label maps"), ("classes", "classes")):
            if entry[name] != other[name]:
                raise UsageError(
                    f"The {what} of the data set '{entry['label']} {entry['split']}' are not the same in {run.folder} "
                    f"({other['pairs']} pairs) and {reference.folder} ({entry['pairs']} pairs); run both on the same "
                    "data and --limit."
                )
        ours, theirs = (side.get("degradation", {}).get("scored_against") for side in (other, entry))
        if ours != theirs:
            raise UsageError(
                f"'{entry['label']} {entry['split']}' is scored against {ours} sources in {run.folder} but against "
                f"{theirs} ones in {reference.folder}; score one of them again: uaabench score RUN --score-against "
                f"{theirs}"
            )


def _column(facts: Mapping[str, Any]) -> Column:
    try:
        return Column(**{**{entry.name: facts[entry.name] for entry in fields(Column)}, "range": tuple(facts["range"])})
    except (KeyError, TypeError) as error:
        raise DataError(
            f"The manifest says too little of a column: {error}; give the command of the run again."
        ) from error


def _degraded(facts: Mapping[str, Any] | None) -> DegradedHead | None:
    if facts is None:
        return None
    return DegradedHead(
        text=facts["text"],
        kind=facts["kind"],
        clean=facts["clean"],
        scored_against=facts["scored_against"],
        key={"steps": facts["steps"], "seed": facts["seed"]},
    )


def _row(method: Mapping[str, Any]) -> MethodRow:
    weights = (
        f"track {method['track']}, {method['weights']} weights {method['sha256'][:12]}" if method["sha256"] else ""
    )
    return MethodRow(
        label=method["label"],
        title=f"{method['title']}{reference_rows.MARK if method.get('drawn') else ''}",
        kind=method["kind"],
        track=method["track"],
        weights=weights,
        bibtex=method.get("bibtex", ""),
        colour=method.get("colour", ""),
        origin="reference" if method.get("drawn") else "run",
    )
