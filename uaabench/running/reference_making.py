"""Making reference rows of finished runs: what is complete is taken over, what a reference has beside stays."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from uaabench.core import files, registry, weights
from uaabench.core.errors import StorageError, UsageError
from uaabench.core.interface import MethodKind
from uaabench.running import reference_judgements
from uaabench.running.entries import FLOOR
from uaabench.running.evidence import Run
from uaabench.running.lock import locked
from uaabench.running.reference_judgements import Judgements
from uaabench.running.reference_rows import Reference, contents, find, index_of, stale
from uaabench.running.tables import write_table

if TYPE_CHECKING:
    import pandas as pd

# What is said of a method in a manifest and stays in a reference.
_KEPT = (
    "label", "title", "kind", "colour", "version", "track", "weights", "sha256", "options", "source", "precision",
    "seed", "device", "batch", "compiled", "reference", "bibtex",
)  # fmt: skip


def make(run: Run, folder: Path, *, part: bool = False) -> list[tuple[Path, list[str], dict[str, str]]]:
    """Take the rows of a run over into the references of a folder, one for each of its data sets.

    Args:
        run: A finished run.
        folder: Where the references lie; made if need be.
        part: Whether the run may be of a part of a split, for published rows of methods that have no more.

    Returns:
        For each reference its file, the rows that were taken over, and why others were not.

    Raises:
        UsageError: The run cannot be a reference: a part of a split, fewer pairs than the rows that are there, a data
            set or option of the user's own; or another process makes rows there.
        StorageError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError.of(folder, error) from error
    with locked(folder):
        return [_make(run, dataset, folder, part) for dataset in run.facts["datasets"]]


def _make(run: Run, dataset: Mapping[str, Any], folder: Path, part: bool) -> tuple[Path, list[str], dict[str, str]]:
    where = (dataset["adapter"], dataset["split"], run.facts["profile"]["name"])
    about = _dataset(run, dataset, part)
    refused = {method["label"]: why for method in run.facts["methods"] if (why := _unfit(run, dataset, method))}
    methods = [_method(run, method) for method in run.facts["methods"] if method["label"] not in refused]
    labels = [method["label"] for method in methods]
    table, missing = _values(run, dataset, labels)
    judgements = _judgements(run, dataset, labels)
    versions = {column["name"]: column["version"] for column in run.facts["columns"]}
    earlier = find(*where, folder)
    if earlier is not None:
        _refuse_fewer(run, about, earlier, folder)
        if (earlier.facts["dataset"], earlier.facts["metrics"]) == (about, versions):
            judgements = reference_judgements.joined(earlier.judgements, judgements, _unchanged(earlier, methods))
            methods, table, missing = _joined(earlier, methods, table, missing)
    methods.sort(key=_in_a_table)
    path = folder / f"{'-'.join(where)}.json"
    order = [method["label"] for method in methods]
    table = table.sort_values("method", key=lambda names: names.map(order.index), kind="stable")
    facts = {
        "dataset": about,
        "profile": run.facts["profile"],
        "metrics": versions,
        "methods": methods,
        "missing": missing,
    }
    _write(path, facts, table.reset_index(drop=True), judgements)
    return path, [method["label"] for method in run.facts["methods"] if method["label"] not in refused], refused


def _write(path: Path, facts: Mapping[str, Any], table: pd.DataFrame, judgements: Judgements) -> None:
    """Write the files of a reference aside, and put them into place once all are there.

    Raises:
        StorageError: One cannot be written; what was there before stays.
    """
    try:
        with TemporaryDirectory(prefix=f".{path.stem}-", dir=path.parent, ignore_cleanup_errors=True) as beside:
            aside = Path(beside) / path.name
            digest = write_table(aside.with_suffix(".parquet"), table)
            files.write_json(aside, {**facts, "sha256": digest, **reference_judgements.write(aside, judgements)})
            for file in sorted(aside.parent.iterdir()):
                os.replace(file, path.parent / file.name)
    except OSError as error:
        raise StorageError.of(path, error) from error


def _in_a_table(method: Mapping[str, Any]) -> tuple[int, int, str]:
    """Where a method stands among others, whenever its row was made: the floor, classical ones, networks by name."""
    label, kinds = method["label"], get_args(MethodKind)
    return kinds.index(method["kind"]), FLOOR.index(label) if label in FLOOR else len(FLOOR), label


def _dataset(run: Run, dataset: Mapping[str, Any], part: bool) -> dict[str, Any]:
    """What a reference says of its images.

    Raises:
        UsageError: They are a part of a split, which was not asked for, or of a data set that does not come with the
            package.
    """
    name = f"{dataset['label']} {dataset['split']}"
    is_part = dataset["pairs"] != (dataset["expected"] or dataset["pairs"]) or run.facts["config"].get("limit")
    if is_part and not part:
        raise UsageError(f"{run.folder} has a part of {name} only; a reference is of all pairs of a split.")
    card = registry.dataset_class(dataset["adapter"]).card
    pairs = {pair: list(both) for pair, both in contents(dataset).items()}
    about = {"label": dataset["label"], "title": dataset["title"], "split": dataset["split"]}
    about |= {"adapter": dataset["adapter"], "version": card.version, "pairs": pairs}
    hashes = {pair: (ir, vi) for pair, (ir, vi) in pairs.items()}
    if dataset["label"] != card.name or index_of(about, hashes) != dataset["index"]:
        raise UsageError(f"{name} of {run.folder} is no data set of this version of uaabench; run it again.")
    return about


def _refuse_fewer(run: Run, about: Mapping[str, Any], earlier: Reference, folder: Path) -> None:
    """A data set of which fewer pairs are at hand must not take the place of rows of all.

    Raises:
        UsageError: It would.
    """
    here, there = len(about["pairs"]), len(earlier.hashes)
    if here < there:
        raise UsageError(
            f"{run.folder} has {here} pairs of {about['title']} {about['split']}, and the rows in {folder} are of "
            f"{there}; bring the others (uaabench data fetch {about['label']}) and run it again, or name another "
            "--folder."
        )


def _unfit(run: Run, dataset: Mapping[str, Any], method: Mapping[str, Any]) -> str:
    """Why a row of a run cannot be taken over; empty where it can."""
    if method.get("drawn"):
        return "it is drawn from a reference"
    if method["kind"] == "precomputed" or method["source"] or method["track"] == "custom":
        return "its images or code are the user's own"
    if (method["precision"], method["seed"]) != ("fp32", 0):
        return "its precision or seed is not the usual one"
    if run.facts["config"]["options"].get(method["label"].partition("@")[0]):
        return "it was run with options of the user's"
    here = _rows(run, dataset)
    here = here[here["method"] == method["label"]]
    complete = dataset["pairs"] * len(run.facts["metrics"])
    if len(here) != complete or (here["status"] == "failed").any():
        return f"it has {int((here['status'] != 'failed').sum())} of {complete} values"
    return ""


def _rows(run: Run, dataset: Mapping[str, Any]) -> pd.DataFrame:
    return _at(run.records[run.records["scope"] == "pair"], dataset)


def _method(run: Run, method: Mapping[str, Any]) -> dict[str, Any]:
    """Facts of a method, with where and when its row was made."""
    environment = run.facts["environment"]
    made = {
        "date": datetime.now(UTC).date().isoformat(),
        "uaabench": run.facts["uaabench"],
        "git": run.facts["git"],
        "machine": environment["device"],
        "packages": environment["packages"],
    }
    return {**{name: method[name] for name in _KEPT if name in method}, "made": made}


def _values(run: Run, dataset: Mapping[str, Any], labels: list[str]) -> tuple[pd.DataFrame, list[list[str]]]:
    """Values in columns, and the reasons of those that are not there."""
    rows = _rows(run, dataset)
    rows = rows[rows["method"].isin(labels)]
    wide = rows.pivot(index=["method", "pair"], columns="metric", values="value").astype(np.float32)
    undefined = rows.loc[rows["status"] != "ok", ["method", "pair", "metric", "status", "reason"]]
    ordered = wide.reindex(columns=list(run.facts["metrics"])).reset_index().rename_axis(columns=None)
    return ordered, undefined.astype(str).to_numpy().tolist()


def _judgements(run: Run, dataset: Mapping[str, Any], labels: Collection[str]) -> Judgements:
    """What can be taken over from a run: of judges that are files, and of methods all of whose pairs they judged.

    Judges that were trained for each method are no judges of another one; stages of plug-ins are the user's own.
    """
    import pandas as pd

    tallies = _at(run.tally_table, dataset)
    records = _at(run.records[run.records["scope"] != "pair"], dataset)
    facts: list[dict[str, Any]] = []
    stage_of: dict[tuple[str, str], str] = {}
    for entry in reference_judgements.judges(run.facts, dataset):
        if not entry["judge"].get("weights") or not entry["truth"] or registry.source_of("stage", entry["stage"]):
            continue
        here = tallies[tallies["stage"] == entry["stage"]]
        counts = here.groupby("method")["pair"].nunique()
        whole = [name for name in entry["methods"] if name in labels and counts.get(name, 0) == dataset["pairs"]]
        facts.append({**entry, "methods": whole})
        stage_of |= {(name, entry["judge"]["name"]): entry["stage"] for name in whole}
    of_stage = [stage_of.get(key) for key in records[["method", "profile"]].itertuples(index=False, name=None)]
    named = records.assign(stage=pd.Series(of_stage, index=records.index, dtype=object))
    return Judgements([], named, tallies).of([entry for entry in facts if entry["methods"]])


def _at(table: pd.DataFrame, dataset: Mapping[str, Any]) -> pd.DataFrame:
    here: pd.DataFrame = table[(table["dataset"] == dataset["label"]) & (table["split"] == dataset["split"])]
    return here


def _unchanged(earlier: Reference, fresh: Sequence[Mapping[str, Any]]) -> list[str]:
    """The rows of an earlier reference that are what they were beside some new ones."""
    new = {method["label"]: method for method in fresh}
    same = ("version", "sha256", "options")
    return [
        label
        for label, method in earlier.methods.items()
        if label not in new or all(new[label][name] == method[name] for name in same)
    ]


def _joined(
    earlier: Reference, methods: list[dict[str, Any]], table: pd.DataFrame, missing: list[list[str]]
) -> tuple[list[dict[str, Any]], pd.DataFrame, list[list[str]]]:
    """Keep what an earlier reference of the same images and metrics has beside the new rows."""
    import pandas as pd

    fresh = {method["label"]: method for method in methods}
    known = {**{label: dict(facts) for label, facts in earlier.methods.items()}, **fresh}
    stay = [label for label in earlier.methods if label not in fresh]
    old = earlier.values.reset_index()
    kept = [entry for entry in earlier.facts["missing"] if entry[0] in stay]
    return list(known.values()), pd.concat([old[old["method"].isin(stay)], table]), [*kept, *missing]


def candidates(patterns: Sequence[str]) -> list[str]:
    """Methods and checkpoints that can run here, by label; those alone that a name or glob means, if there are any.

    Raises:
        UsageError: A name or glob means none.
    """
    ready = []
    for name, card in registry.method_cards().items():
        ready += [name] if weights.comes_with_weights(card) else []
        ready += [f"{name}@{one}" for one, checkpoint in card.checkpoints.items() if weights.stored(checkpoint)]
    for pattern in patterns:
        if not fnmatch.filter(ready, pattern):
            raise UsageError(f"No method that can run here is called '{pattern}'; see: uaabench list methods")
    return [name for name in ready if not patterns or any(fnmatch.fnmatchcase(name, one) for one in patterns)]


def outdated(names: Sequence[str], reference: Reference | None, stages: Sequence[str] = ()) -> list[str]:
    """Those of some methods whose rows a reference lacks, has of another version, or has not judged.

    Args:
        names: Labels of the methods.
        reference: Where their rows are; None where there is none yet.
        stages: The stages that shall have judged them.
    """
    rows = reference.methods if reference else {}
    entries = reference.judged if reference else ()
    judged = [{name for entry in entries if entry["stage"] == stage for name in entry["methods"]} for stage in stages]
    return [
        name
        for name in names
        if name not in rows or stale(rows[name]) or not all(name in methods for methods in judged)
    ]
