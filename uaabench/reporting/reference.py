"""Making a run the reference that the gate compares with: records and tables, without images and places."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from uaabench.core import files
from uaabench.core.errors import StorageError, UsageError
from uaabench.reporting import files as writing
from uaabench.reporting.build import table_of
from uaabench.running import manifest, store
from uaabench.running.evidence import Run, load
from uaabench.running.tables import RECORDS, TALLIES, write_table

# Entries of a manifest that name places on the machine of the run, or the way it was called there.
PRIVATE = ("argv", "data_root", "plugins", "root", "files", "folder", "platform")
# What a reference consists of.
REFERENCE_FILES = (manifest.NAME, RECORDS, TALLIES, "reference.json", "report")


def write_reference(run: Run, folder: Path, reason: str) -> list[Path]:
    """Make a run the new reference: its manifest without places, its records, its tables, and why.

    The new reference is made beside the old one and takes its place as a whole; when that fails, the old one stays.
    Other files in the folder, such as a README, are kept.

    Args:
        run: The run.
        folder: The reference; made where it is missing.
        reason: Why the reference changes; kept in `reference.json` with the reasons of earlier changes.

    Raises:
        UsageError: The run is empty, a pair of it has failed, it is the reference itself, or the folder holds
            something else than a reference.
        StorageError: The folder cannot be written.
    """
    _refuse_as_reference(run, folder)
    earlier = (store.read_json(folder / "reference.json") or {}).get("history", [])
    entry = {"date": datetime.now(UTC).date().isoformat(), "reason": reason, "plan": run.facts["plan"]}
    place = folder.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent, ignore_cleanup_errors=True) as beside:
            made, old = Path(beside) / "new", Path(beside) / "old"
            if place.is_dir():
                shutil.copytree(place, made, symlinks=True, ignore=shutil.ignore_patterns(*REFERENCE_FILES))
            made.mkdir(exist_ok=True)
            # Not copies: reference rows that the run drew belong to it.
            tables = {
                RECORDS: write_table(made / RECORDS, run.records),
                TALLIES: write_table(made / TALLIES, run.tally_table),
            }
            manifest.save(made, {**_public(run.facts), "units": [], "tables": tables})
            files.write_json(made / "reference.json", {"history": [*earlier, entry]})
            names = [path.name for path in writing.write(writing.texts(table_of(load(made))), made / "report")]
            _swap(made, place, old)
    except OSError as error:
        raise StorageError.of(folder, error) from error
    return [folder / "report" / name for name in names]


def _refuse_as_reference(run: Run, folder: Path) -> None:
    """Refuse a run of which no reference can be made, and a folder that holds more than one."""
    if run.records.empty:
        raise UsageError(f"{run.folder} holds no value; a reference must have some, so score the run first.")
    if (run.records["status"] == "failed").any():
        raise UsageError(f"Pairs of {run.folder} have failed; a reference must be complete, so mend them first.")
    here, there = run.folder.resolve(), folder.resolve()
    if here == there or there in here.parents:
        raise UsageError(
            f"The reference {folder} would take the place of the run {run.folder} and keeps no images; name another "
            "--reference."
        )
    if folder.exists() and not (folder / "reference.json").is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder} holds something else than a reference written by --update, and would be replaced; name another "
            "--reference."
        )


def _swap(made: Path, place: Path, old: Path) -> None:
    """Put a new folder in the place of the old one, and the old one back where that fails."""
    if not place.exists():
        made.rename(place)
        return
    place.rename(old)
    try:
        made.rename(place)
    except BaseException:
        old.rename(place)
        raise


def _public(facts: Any) -> Any:
    """A manifest without what only concerns the machine of the run."""
    if isinstance(facts, dict):
        return {name: _public(value) for name, value in facts.items() if name not in PRIVATE}
    return [_public(value) for value in facts] if isinstance(facts, list) else facts
