"""Joining runs into one: methods that were run on several machines or days, in one table."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from uaabench.core.errors import UsageError
from uaabench.judges.segmentation import kept
from uaabench.reporting.evidence import Evidence, load
from uaabench.reporting.gate import refuse_unlike
from uaabench.running import store


def merge(runs: Sequence[Path], out: Path) -> Path:
    """Join runs of one profile on the same images into a new run directory, artefacts included.

    A method that several runs have must be the same in all of them; it is taken from the first. A method that lacks a
    data set or metric which another has is shown as not computed there.

    Args:
        runs: Two or more run directories.
        out: The new one; must not hold a run yet.

    Returns:
        The new run directory.

    Raises:
        UsageError: The runs differ in profile, images, classes, judges or in a method of the same label, or `out` is
            taken.
    """
    import pandas as pd

    if len(runs) < 2:
        raise UsageError("Name at least two runs to merge.")
    if (out / "manifest.json").exists():
        raise UsageError(f"{out} already holds a run; name a new folder with --out.")
    parts = [load(run) for run in runs]
    for number, part in enumerate(parts):
        for earlier in parts[:number]:
            refuse_unlike(part, earlier)
    _refuse_other_judges(parts)
    facts = dict(parts[0].facts)
    for name in ("methods", "datasets"):
        facts[name] = _union([part.facts[name] for part in parts], parts)
    facts["metrics"] = list(dict.fromkeys(metric for part in parts for metric in part.facts["metrics"]))
    facts["judges"] = [judge for part in parts for judge in part.facts.get("judges", [])]
    facts["config"] = {**facts["config"], **_joined_config(parts)}
    facts["merged"] = [{"plan": part.facts["plan"], "environment": part.facts["environment"]} for part in parts]
    store.open_run(out)
    for part in parts:
        _copy_units(part.run, out)
    # Of a method in several runs the first has the say, pair by pair.
    key = ["method", "dataset", "split", "scope", "pair", "class", "metric"]
    records = pd.concat([part.records for part in parts], ignore_index=True).drop_duplicates(key)
    records.to_parquet(out / "records.parquet", index=False)
    matrices = [pd.read_parquet(part.run / kept.FILE) for part in parts if part.judged]
    if matrices:
        joined = pd.concat(matrices, ignore_index=True).drop_duplicates([*kept.WHERE, "number", "pair"])
        joined.to_parquet(out / kept.FILE, index=False)
    store.write_json(out / "manifest.json", facts)
    return out


def _union(lists: Sequence[Sequence[dict[str, Any]]], parts: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Entries by label, each once; two that differ in anything but where they lay cannot be one."""
    found: dict[str, tuple[dict[str, Any], Path]] = {}
    for entries, part in zip(lists, parts, strict=True):
        for entry in entries:
            earlier, run = found.setdefault(entry["label"], (entry, part.run))
            differing = [
                name for name in ("version", "sha256", "options", "split") if entry.get(name) != earlier.get(name)
            ]
            if differing:
                raise UsageError(
                    f"'{entry['label']}' has another {differing[0]} in {part.run} than in {run}; "
                    "run one of them again, as one row cannot stand for both."
                )
    return [entry for entry, _ in found.values()]


def _refuse_other_judges(parts: Sequence[Evidence]) -> None:
    """MIoU by two segmenters or protocols cannot share a column."""
    found: dict[str, tuple[str, Path]] = {}
    for part in parts:
        for (dataset, _, _), judged in part.judged.items():
            judge, run = found.setdefault(dataset, (judged.judge, part.run))
            if judge != judged.judge:
                raise UsageError(
                    f"On {dataset} {run} was judged by '{judge}' but {part.run} by '{judged.judge}'; segment one of "
                    "them again: uaabench segment RUN --segmenter FILE"
                )


def _joined_config(parts: Sequence[Evidence]) -> dict[str, Any]:
    """What the runs were asked for, taken together, so that `score` knows the methods of all of them."""
    configs = [part.facts["config"] for part in parts]
    joined = {
        name: [entry for config in configs for entry in config[name]] for name in ("methods", "datasets", "metrics")
    }
    options = {name: value for config in reversed(configs) for name, value in config["options"].items()}
    return {**{name: list(dict.fromkeys(entries)) for name, entries in joined.items()}, "options": options}


def _copy_units(run: Path, out: Path) -> None:
    """Bring the units of a run into another, as links where the file system has them."""
    for stage in ("fuse", "score", "segment"):
        for unit in sorted((run / stage).glob("*/*")):
            target = out / stage / unit.parent.name / unit.name
            if unit.is_dir() and not target.exists():
                shutil.copytree(unit, target, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
