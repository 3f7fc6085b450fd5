"""Joining runs into one: methods that were run on several machines or days, in one table."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uaabench.core import files
from uaabench.core.errors import StorageError, UsageError
from uaabench.running import manifest, shards, store
from uaabench.running.evidence import Run, load, refuse_unlike
from uaabench.running.lock import locked
from uaabench.running.tables import RECORDS, TALLIES, write_table

if TYPE_CHECKING:
    import pandas as pd

# What tells the rows of a label apart by what they stand for, and how it is called.
DECISIVE = {
    "version": "version", "sha256": "weights", "options": "options", "source": "plug-in source",
    "precision": "precision", "seed": "seed", "device": "kind of device", "batch": "batch size",
    "compiled": "compiling", "kind": "kind",
}  # fmt: skip

# Lists in what a manifest says of a stage: by what it judged, and what it compared with.
_JUDGING = ("judges", "truth")


def merge(runs: Sequence[Path], out: Path) -> Path:
    """Join runs of one profile on the same images, or the shards of one run, into a new run directory with artefacts.

    A method that several runs have must be the same in all of them; it is taken from the first. A method that lacks a
    data set or metric which another has is shown as not computed there.

    Args:
        runs: Two or more run directories.
        out: The new one; must not hold a run yet.

    Returns:
        The new run directory.

    Raises:
        UsageError: The runs differ in profile, images, classes, judges or in what a label stands for; `out` is taken.
        DataError: The files of a run were changed, or are broken.
        StorageError: `out` cannot be written.
    """
    if len(runs) < 2:
        raise UsageError("Name at least two runs to merge.")
    if (out / manifest.NAME).exists():
        raise UsageError(f"{out} already holds a run; name a new folder with --out.")
    if shards.are_shards(runs):
        shards.merge(runs, out)
        return out
    parts = [load(run) for run in runs]
    for number, part in enumerate(parts):
        for earlier in parts[:number]:
            refuse_unlike(part, earlier)
    facts = _joined_facts(parts)
    store.open_run(out)
    with locked(out):
        _copy_units(parts, out)
        records, tallies = _joined_tables(parts)
        facts["tables"] = {
            RECORDS: write_table(out / RECORDS, records),
            TALLIES: write_table(out / TALLIES, tallies),
        }
        manifest.save(out, facts)
    return out


def _joined_tables(parts: Sequence[Run]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Records and tallies of all runs: of a method in several runs the first has the say, pair by pair.

    A measure of a whole data set and the tallies it is computed of come from the same run, the first that has it.
    """
    import pandas as pd

    records, tallies = [], []
    seen: set[tuple[str, ...]] = set()
    for part in parts:
        judged = part.tally_table
        whole = _keys(part.records, "profile").where(part.records["scope"] != "pair")
        records.append(part.records[~whole.isin(seen)])
        tallies.append(judged[_keys(judged, "judge").isin(set(whole.dropna()) - seen)])
        seen.update(whole.dropna())
    key = ["method", "dataset", "split", "scope", "pair", "class", "metric"]
    return pd.concat(records, ignore_index=True).drop_duplicates(key), pd.concat(tallies, ignore_index=True)


def _keys(table: pd.DataFrame, judge: str) -> pd.Series[Any]:
    """Method, data set, split and judge of each row, of which a measure has one value."""
    import pandas as pd

    columns = ["method", "dataset", "split", judge]
    return pd.Series(list(table[columns].itertuples(index=False, name=None)), index=table.index, dtype=object)


def _joined_facts(parts: Sequence[Run]) -> dict[str, Any]:
    """The manifest of the joined run.

    Raises:
        UsageError: The runs disagree in what a label stands for, or in what judged.
    """
    _refuse_other_methods(parts)
    _refuse_other_units(parts)
    _refuse_other_judges(parts)
    facts = dict(parts[0].facts)
    facts["methods"] = _union(parts, "methods", ("label",))
    facts["datasets"] = _union(parts, "datasets", ("label", "split"))
    facts["columns"] = _union(parts, "columns", ("name",))
    facts["units"] = _union(parts, "units", ("stage", "method", "dataset", "split", "folder"))
    facts["plugins"] = _union(parts, "plugins", ("path",))
    facts["metrics"] = [entry["name"] for entry in facts["columns"]]
    facts["stages"] = [
        {
            **entry,
            **{what: [one for part in parts for one in _of_stage(part, entry["name"], what)] for what in _JUDGING},
        }
        for entry in _union(parts, "stages", ("name",))
    ]
    facts["plan"] = files.digest([part.facts["plan"] for part in parts])
    facts["config"] = {**facts["config"], **_joined_config(parts)}
    facts["merged"] = [{"plan": part.facts["plan"], "environment": part.facts["environment"]} for part in parts]
    return facts


def _union(parts: Sequence[Run], name: str, key: Sequence[str]) -> list[dict[str, Any]]:
    """Entries of all runs, each once; of several the first."""
    entries: dict[tuple[Any, ...], dict[str, Any]] = {}
    for part in parts:
        for entry in part.facts.get(name, ()):
            entries.setdefault(tuple(entry.get(word) for word in key), entry)
    return list(entries.values())


def _of_stage(part: Run, stage: str, what: str) -> list[dict[str, Any]]:
    return [one for entry in part.facts["stages"] if entry["name"] == stage for one in entry.get(what, ())]


def _refuse_other_methods(parts: Sequence[Run]) -> None:
    """One row cannot stand for two things: a label must mean the same method in all runs, whatever its data sets.

    Raises:
        UsageError: It does not.
    """
    first: dict[str, tuple[Mapping[str, Any], Run]] = {}
    for part in parts:
        for method in part.facts["methods"]:
            known, other = first.setdefault(method["label"], (method, part))
            if names := [what for name, what in DECISIVE.items() if method.get(name) != known.get(name)]:
                raise _two_things(method["label"], f"another {' and '.join(names)}", part, other)


def _refuse_other_units(parts: Sequence[Run]) -> None:
    """What was fused under a label of one data set must be the same in all runs.

    Raises:
        UsageError: It is not.
    """
    first: dict[tuple[str, ...], tuple[str, Run]] = {}
    for part in parts:
        for unit in part.facts.get("units", ()):
            where = (unit["stage"], unit["method"], unit["dataset"], unit["split"])
            if unit["stage"] != "fuse":
                continue
            key, other = first.setdefault(where, (unit["key"], part))
            if key != unit["key"]:
                raise _two_things(unit["method"], "other images", part, other)


def _two_things(label: str, what: str, one: Run, other: Run) -> UsageError:
    return UsageError(
        f"'{label}' has {what} in {one.folder} than in {other.folder}; run one of them again, as one row cannot stand "
        "for both."
    )


def _refuse_other_judges(parts: Sequence[Run]) -> None:
    """Measures by two judges cannot share a column.

    Raises:
        UsageError: A data set was judged by two.
    """
    first: dict[tuple[str, str, str], tuple[str, Path]] = {}
    for part in parts:
        for (stage, dataset, split, _), tallies in part.tallies.items():
            judge, run = first.setdefault((stage, dataset, split), (tallies.described, part.folder))
            if judge != tallies.described:
                raise UsageError(
                    f"On {dataset} {split} {run} was judged by '{judge}' but {part.folder} by '{tallies.described}'; "
                    f"{stage} one of them again: uaabench {stage} RUN"
                )


def _joined_config(parts: Sequence[Run]) -> dict[str, Any]:
    """What the runs were asked for, taken together, so that `score` knows the methods of all of them."""
    configs = [part.facts["config"] for part in parts]
    joined = {
        name: [entry for config in configs for entry in config[name]]
        for name in ("methods", "datasets", "metrics", "degrade", "plugins")
    }
    options = {name: value for config in reversed(configs) for name, value in config["options"].items()}
    return {**{name: list(dict.fromkeys(entries)) for name, entries in joined.items()}, "options": options}


def _copy_units(parts: Sequence[Run], out: Path) -> None:
    """Bring the units of runs into another, as links where the file system has them; of several the first one's.

    Raises:
        StorageError: They cannot be written.
    """
    sources: dict[str, Path] = {}
    for part in parts:
        for unit in part.facts.get("units", ()):
            if (part.folder / unit["folder"]).is_dir():
                sources.setdefault(unit["folder"], part.folder / unit["folder"])
    for folder, source in sources.items():
        try:
            # What a merge left that was cut short is not whole.
            shutil.rmtree(out / folder, ignore_errors=True)
            shutil.copytree(source, out / folder, copy_function=_link)
        except OSError as error:
            raise StorageError.of(out / folder, error) from error


def _link(source: str, target: str) -> None:
    # Results are appended to, so that only images, which are replaced as a whole, may be shared.
    if source.endswith(".png"):
        try:
            os.link(source, target)
            return
        except OSError:
            pass
    shutil.copy2(source, target)
