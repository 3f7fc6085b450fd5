"""Reference rows: records of many methods that come with the package, to stand beside those of a run.

A reference holds one split of one data set under one profile: a JSON file with facts (SHA-256 of every source image,
versions, the methods with their weights and machine) and a Parquet file of float32 values, one line a method and pair;
where a judge looked at the fused images too, what it found lies beside them (`reference_judgements.py`).
A row is drawn where data, profile, metric and method are what they would be here; what is not says why.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from importlib.resources import files as package_files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uaabench.core import files, registry, weights
from uaabench.core.errors import DataError, UsageError, unknown_name
from uaabench.metrics.profiles import profile
from uaabench.running import reference_judgements
from uaabench.running.entries import FLOOR
from uaabench.running.reference_judgements import Judgements
from uaabench.running.tables import RECORD_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from uaabench.running.config import RunConfig
    from uaabench.running.units import DatasetPlan

ALL = "all"
# The mark of a row that was not computed in the run it stands in.
MARK = "†"
# Hash of the content of infrared and visible image by the id of the pair; that of their files, but for the demo.
Hashes = Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class Reference:
    """A reference as it lies on disk.

    Attributes:
        path: Its JSON file; the values lie beside it.
        facts: What that file holds.
    """

    path: Path
    facts: Mapping[str, Any]

    @property
    def place(self) -> tuple[str, str, str]:
        """Adapter, split and profile: what it is of."""
        return (self.facts["dataset"]["adapter"], self.facts["dataset"]["split"], self.facts["profile"]["name"])

    @property
    def methods(self) -> dict[str, Mapping[str, Any]]:
        """Facts of its methods by label."""
        return {method["label"]: method for method in self.facts["methods"]}

    @property
    def hashes(self) -> Hashes:
        """SHA-256 of the sources of its pairs."""
        return {pair: (ir, vi) for pair, (ir, vi) in self.facts["dataset"]["pairs"].items()}

    @cached_property
    def values(self) -> pd.DataFrame:
        """Rows (method, pair), a column of float32 for each metric; NaN where there is no value.

        Raises:
            DataError: The file is missing, broken or not the one the facts are of.
        """
        table = reference_judgements.read_bound(self.path.with_suffix(".parquet"), self.facts["sha256"])
        return table.set_index(["method", "pair"])

    @property
    def judged(self) -> Sequence[Mapping[str, Any]]:
        """By what its rows were judged: an entry for each stage, as of `reference_judgements.judges`."""
        entries: Sequence[Mapping[str, Any]] = self.facts.get("judged", ())
        return entries

    @cached_property
    def judgements(self) -> Judgements | None:
        """What judges found of its rows; None where none looked at them.

        Raises:
            DataError: A file of it is missing, broken or not the one the facts are of.
        """
        return reference_judgements.read(self.path, self.facts)


def shipped_folder() -> Path:
    """Where the references that come with the package lie."""
    return Path(str(package_files("uaabench.reference")))


def references(folder: Path | None = None) -> list[Reference]:
    """All references of a folder, those of the package unless one is named.

    Raises:
        DataError: A file is none.
    """
    return [read(path) for path in sorted((folder or shipped_folder()).glob("*.json"))]


def read(path: Path) -> Reference:
    """Read the facts of a reference.

    Raises:
        DataError: The file is none.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        reference = Reference(path, facts)
        _ = reference.place, reference.methods, reference.hashes, facts["metrics"], facts["sha256"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is no reference: {error!r}; install uaabench again.") from error
    return reference


def stale(method: Mapping[str, Any]) -> str:
    """Why a row is not what the method would give here: the end of a sentence, empty for a row that is."""
    name, _, checkpoint = method["label"].partition("@")
    card = registry.method_cards().get(name)
    if card is None:
        return "there is no such method here"
    if card.version != method["version"]:
        return f"it was made by version {method['version']} of the method, and here is version {card.version}"
    options: Mapping[str, Any] = {}
    digest = ""
    if checkpoint:
        if checkpoint not in card.checkpoints:
            return f"the method has no checkpoint '{checkpoint}' here"
        digest, options = weights.known_hash(card.checkpoints[checkpoint]), card.checkpoints[checkpoint].options
    elif shipped := weights.shipped_card(name):
        digest = shipped.sha256
    if digest != method["sha256"]:
        return f"it was made with weights {method['sha256'][:12]}, and here are {digest[:12] or 'none'}"
    return "" if dict(options) == method["options"] else "it was made with other options"


def chosen(names: Sequence[str], reference: Reference) -> Iterator[tuple[str, str]]:
    """The rows that are meant, each once and in the order of the reference.

    Args:
        names: Labels, globs, tracks (`official`, `retrained`), kinds (`classical`) or `all`.
        reference: Where they are.

    Yields:
        The label, and why it cannot be drawn: the end of a sentence, empty where it can.

    Raises:
        UsageError: A name means no row, or a row that is named by its label cannot be drawn.
    """
    meant: set[str] = set()
    for name in names:
        found = {label for label, method in reference.methods.items() if _is_meant(name, label, method)}
        if not found:
            raise unknown_name(f"row of the reference {reference.path.stem}", name, [ALL, *reference.methods])
        meant |= found
    for label, method in reference.methods.items():
        if label in meant:
            reason = stale(method)
            if reason and label in names:
                raise UsageError(f"The row '{label}' of the reference {reference.path.stem} is out of date: {reason}.")
            yield label, reason


def _is_meant(name: str, label: str, method: Mapping[str, Any]) -> bool:
    return name in (ALL, method["track"], method["kind"]) or fnmatchcase(label, name)


def find(adapter: str, split: str, convention: str, folder: Path | None = None) -> Reference | None:
    """The reference of a split of a data set under a profile, or None."""
    return next((one for one in references(folder) if one.place == (adapter, split, convention)), None)


def agreeing(name: str, where: tuple[str, str, str], index: str, hashes: Hashes) -> Reference:
    """The reference of some images, all of which it must have.

    Args:
        name: How the data set is called in messages.
        where: Adapter, split and profile.
        index: SHA-256 over ids and content of the images, as a plan has it.
        hashes: SHA-256 of the sources by pair, in the order of the plan.

    Raises:
        UsageError: There is none, or its images, adapter or profile are of another version; the message says which.
    """
    reference = find(*where)
    if reference is None:
        known = ", ".join(f"{one.place[0]}:{one.place[1]} --profile {one.place[2]}" for one in references())
        raise UsageError(
            f"There are no reference rows for {name} under the profile {where[2]}; there are for: {known or 'nothing'}."
        )
    told = reference.facts["profile"]["version"]
    if told != (version := profile(where[2]).version):
        raise UsageError(
            f"The reference {reference.path.stem} is of version {told} of its profile, but here is version {version}."
        )
    differing = [pair for pair, found in hashes.items() if reference.hashes.get(pair) != found]
    if differing:
        raise UsageError(
            f"{len(differing)} of {len(hashes)} pairs of {name} are not those of the reference {reference.path.stem}, "
            f"for example {differing[0]}; bring the released images into place: uaabench data verify {where[0]}"
        )
    if index != index_of(reference.facts["dataset"], hashes):
        raise UsageError(
            f"The reference {reference.path.stem} was made by another version of the adapter of {where[0]}, or the "
            "pairs come in another order."
        )
    return reference


def contents(dataset: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The hashes of the sources of each pair by what a manifest says of a data set."""
    if "contents" in dataset:
        return {pair: (ir, vi) for pair, (ir, vi) in dataset["contents"].items()}
    return {pair: (both[0][1], both[1][1]) for pair, both in dataset["files"].items()}


def index_of(dataset: Mapping[str, Any], hashes: Hashes) -> str:
    """The index that a plan gives to these pairs of a data set that comes with the package."""
    entries = [[pair, *both] for pair, both in hashes.items()]
    return files.digest([dataset["adapter"], dataset["version"], "", entries])


def add(facts: dict[str, Any], records: pd.DataFrame) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame, list[str]]:
    """Put the rows that a run asked for beside its own.

    A method that the run has itself is not drawn. What is given back asks for nothing any more, so that it can be
    written down as it is.

    Args:
        facts: The manifest of the run.
        records: Its records.

    Returns:
        Both with the rows, the tallies of the rows, and what was left out and why.

    Raises:
        UsageError: The reference does not agree with the run.
    """
    import pandas as pd

    own = {method["label"] for method in facts["methods"]}
    drawn: dict[str, dict[str, Any]] = {}
    tables, tallies, notes = [records], [], []
    for dataset in facts["datasets"]:
        hashes = contents(dataset)
        where = (dataset["adapter"], dataset["split"], facts["profile"]["name"])
        reference = agreeing(f"{dataset['label']} {dataset['split']}", where, dataset["index"], hashes)
        wanted = [entry for entry in chosen(_names(facts["config"], reference), reference) if entry[0] not in own]
        labels = [label for label, reason in wanted if not reason]
        notes += [f"The row '{label}' of the reference was left out: {reason}." for label, reason in wanted if reason]
        metrics, said = _metrics(reference, facts["metrics"])
        notes += said
        tables.append(_records(reference, dataset, labels, list(hashes), metrics))
        rows = {label: reference.methods[label]["track"] for label in labels}
        measured, tallied, said = reference_judgements.draw(reference.judgements, facts, dataset, rows, hashes)
        notes += said
        tables += [measured] if len(measured) else []
        tallies.append(tallied)
        drawn |= {label: {**reference.methods[label], "drawn": True} for label in labels}
    config = {**facts["config"], "beside": []}
    joined = {**facts, "config": config, "methods": [*facts["methods"], *drawn.values()]}
    found, judged = (pd.concat(some, ignore_index=True) for some in (tables, tallies))
    return joined, found, judged, list(dict.fromkeys(notes))


def drawable(config: RunConfig, datasets: Sequence[DatasetPlan]) -> set[str]:
    """The rows that a planned run will draw, on each of its data sets; none unless it asks for some.

    Raises:
        UsageError: A name means no row, a named row is out of date, or a reference does not agree with the run.
    """
    found: list[set[str]] = []
    for dataset in datasets if config.beside else ():
        where = (dataset.adapter, dataset.split, config.profile)
        hashes = {pair: (found.ir, found.vi) for pair, found in dataset.contents.items()}
        reference = agreeing(dataset.name, where, dataset.index, hashes)
        names = _names(config.model_dump(), reference)
        found.append({label for label, reason in chosen(names, reference) if not reason})
    return set.intersection(*found) if found else set()


def unjudged(
    profile_name: str, datasets: Sequence[DatasetPlan], stages: Sequence[Mapping[str, Any]], labels: Sequence[str]
) -> set[str]:
    """The rows among some of which a reference does not have all that a planned run measures.

    Args:
        profile_name: The profile of the run.
        datasets: Its data sets.
        stages: What its manifest will say of its stages.
        labels: The rows.
    """
    found: set[str] = set()
    for dataset in datasets:
        reference = find(dataset.adapter, dataset.split, profile_name)
        place = {"label": dataset.label, "split": dataset.split}
        for ours in reference_judgements.judges({"stages": stages}, place):
            found |= set(reference_judgements.lacking(reference.judged if reference else (), ours, labels)[0])
    return found


def _names(config: Mapping[str, Any], reference: Reference) -> list[str]:
    """The rows that a configuration asks for: those named and, as in every table, the floor where it is current."""
    floor = [name for name in FLOOR if name in reference.methods and not stale(reference.methods[name])]
    return [*config["beside"], *(floor if config["floor"] else [])]


def _metrics(reference: Reference, wanted: Sequence[str]) -> tuple[list[str], list[str]]:
    """The metrics that can be drawn, and sentences on those that cannot."""
    known = {metric.name: metric.version for metric in profile(reference.place[2]).metrics.values()}
    made = reference.facts["metrics"]
    usable = [name for name in wanted if name in made and made[name] == known.get(name)]
    return usable, [
        f"The reference has no {name} of the version that is computed here." for name in wanted if name not in usable
    ]


def _records(
    reference: Reference, dataset: Mapping[str, Any], labels: Sequence[str], pairs: Sequence[str], metrics: list[str]
) -> pd.DataFrame:
    """Records of some rows, as a run would have them."""
    values = reference.values[metrics]
    kept = values[values.index.isin(labels, level="method") & values.index.isin(pairs, level="pair")]
    stacked: Any = kept.astype(float).rename_axis(columns="metric").stack(future_stack=True)
    long: pd.DataFrame = stacked.rename("value").reset_index()
    reasons = {
        (method, pair, metric): (status, why) for method, pair, metric, status, why in reference.facts["missing"]
    }
    told = [
        reasons.get((method, pair, metric), ("ok", ""))
        for method, pair, metric in long[["method", "pair", "metric"]].itertuples(index=False)
    ]
    tracks = {label: method["track"] for label, method in reference.methods.items()}
    table = long.assign(
        run="reference",
        track=long["method"].map(tracks),
        dataset=dataset["label"],
        split=dataset["split"],
        scope="pair",
        profile=reference.place[2],
        status=[status for status, _ in told],
        reason=[why for _, why in told],
        **{"class": ""},
    )
    found: pd.DataFrame = table[list(RECORD_COLUMNS)]
    return found
