"""Joining the shards of a run: `--shard 1/8` to `--shard 8/8` make, merged, what one command would have made."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from uaabench.core.errors import StorageError, UsageError
from uaabench.running import manifest, plan, records, store
from uaabench.running.config import RunConfig
from uaabench.running.lock import locked
from uaabench.running.plan import Plan


def are_shards(runs: Sequence[Path]) -> bool:
    """Whether runs are shards of one.

    Raises:
        UsageError: Some are, and others are not.
    """
    shards = [bool(manifest.read(run)["config"].get("shard")) for run in runs]
    if any(shards) and not all(shards):
        raise UsageError(
            f"{runs[shards.index(True)]} is a shard of a run, but {runs[shards.index(False)]} is none: merge the "
            "shards first, all of them and nothing else."
        )
    return any(shards)


def merge(runs: Sequence[Path], out: Path) -> None:
    """Make of all shards of a run that run; its inputs must be as they were. Pairs that failed have failed.

    Args:
        runs: The run directories.
        out: A new one.

    Raises:
        UsageError: They are not all the shards of one run, or its inputs have changed.
        DataError: A manifest was changed, or data or weights are not there.
        StorageError: `out` cannot be written.
    """
    facts = [manifest.read(run) for run in runs]
    _refuse_incomplete(runs, facts)
    config = RunConfig.model_validate({**manifest.read_config(runs[0]).model_dump(), "shard": ""})
    devices = [method["device"] for method in facts[0]["methods"] if method["device"]]
    planned = plan.make(config, devices[0] if devices else "cpu")
    if planned.key != facts[0]["plan"]:
        raise UsageError(
            f"The images, label maps, weights, options or versions of {runs[0]} are not what they were: bring them "
            "back, or run the shards again."
        )
    store.open_run(out)
    with locked(out):
        _gather(runs, planned, out)
        manifest.write(out, planned, planned.device, records.collect(out, planned))


def _refuse_incomplete(runs: Sequence[Path], facts: Sequence[dict[str, Any]]) -> None:
    """Refuse shards of several runs, and too few or too many of one.

    Raises:
        UsageError: They are not each shard once.
    """
    whole = {(one["plan"], one["config"]["shard"].partition("/")[2]) for one in facts}
    if len(whole) > 1:
        raise UsageError(f"{', '.join(map(str, runs))} are shards of different runs; merge those of one.")
    ((_, count),) = whole
    numbers = sorted(int(one["config"]["shard"].partition("/")[0]) for one in facts)
    lacking = [f"{number}/{count}" for number in range(1, int(count) + 1) if number not in numbers]
    twice = [f"{number}/{count}" for number in sorted(set(numbers)) if numbers.count(number) > 1]
    if lacking or twice:
        said = [f"{' and '.join(lacking)} is not among them"] if lacking else []
        said += [f"{' and '.join(twice)} is there twice"] if twice else []
        raise UsageError(f"A run of {count} shards needs each of them once, but {', and '.join(said)}.")


def _gather(runs: Sequence[Path], planned: Plan, out: Path) -> None:
    """Bring what the shards made of each unit into one folder.

    Raises:
        StorageError: It cannot be written.
    """
    for unit in planned.of():
        store.begin(out, unit, {})
        for number, run in enumerate(runs):
            folder = run / unit.folder
            for file in sorted(folder.iterdir()) if folder.is_dir() else ():
                _bring(file, out / unit.folder, number)


def _bring(file: Path, folder: Path, number: int) -> None:
    """Link an image, which is replaced as a whole or not at all, and copy results, which are appended to."""
    try:
        if file.suffix == ".png" and not file.name.startswith("."):
            (folder / file.name).unlink(missing_ok=True)
            try:
                os.link(file, folder / file.name)
            except OSError:
                shutil.copy2(file, folder / file.name)
        elif file.match("results*.jsonl"):
            shutil.copyfile(file, folder / f"results-{number}-{file.name}")
    except OSError as error:
        raise StorageError.of(folder / file.name, error) from error
