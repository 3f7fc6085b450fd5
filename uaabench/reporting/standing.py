"""The report of a finished run that is as it was: found again instead of made again.

A finished run that is given its command again has nothing to do, and yet all its results would be read, and records,
table and page made anew, to say what lies there already. Its report stands while plan, configuration and package are as
they were, and nothing was written to its artefacts, results, records, manifest and reports: names, sizes, times of
change and inodes are the same. Whatever is in doubt is made anew, and so is what `uaabench report` is asked for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from uaabench.core import files
from uaabench.core.errors import StorageError, UaabenchError
from uaabench.core.kinds import package_folders
from uaabench.core.version import __version__
from uaabench.reporting.table import Table
from uaabench.running import evidence, manifest, store, tables
from uaabench.running.plan import Plan

NAME = "standing.json"
# What of the run directory a report rests on, beside the folders of the units.
WHOLE = (manifest.NAME, tables.RECORDS, tables.TALLIES, "efficiency.json")


@dataclass(frozen=True)
class Standing:
    """A report that was found again.

    Attributes:
        evidence: The run.
        table: Its table.
        files: The files of the report.
    """

    evidence: evidence.Run
    table: Table
    files: tuple[Path, ...]


def keep(run: Path, plan: Plan, table: Table, written: Sequence[Path]) -> None:
    """Keep what the report of a run whose pairs all have a result was made of; what cannot be kept only costs time.

    Args:
        run: The run directory.
        plan: What was done.
        table: Its table.
        written: The files of the report, in `report`.
    """
    # Rows that come with the package may change without the run.
    if plan.config.beside:
        return
    names = [path.name for path in written]
    content = {"rests on": _rests_on(run, plan, names), "files": names, "table": _adapter().dump_python(table)}
    with suppress(StorageError):
        files.write_text(run / "report" / NAME, json.dumps(content))


def find(run: Path, plan: Plan) -> Standing | None:
    """The report of a finished run, if nothing that it rests on has changed; None where that is in doubt."""
    file = run / "report" / NAME
    with suppress(UaabenchError, OSError, ValueError, KeyError, TypeError, RecursionError):
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["rests on"] == _rests_on(run, plan, content["files"]):
            table = _adapter().validate_python(content["table"])
            return Standing(evidence.load(run), table, tuple(file.with_name(name) for name in content["files"]))
    return None


def _adapter() -> TypeAdapter[Table]:
    return TypeAdapter(Table)


def _rests_on(run: Path, plan: Plan, names: Sequence[str]) -> str:
    """A digest of all that a report rests on."""
    single = [*(run / name for name in WHOLE), *(run / "report" / name for name in names)]
    return files.digest(
        [
            plan.key,
            plan.config.model_dump(mode="json"),
            _package(),
            [files.state(path) for path in single],
            [store.state(run, unit) for unit in plan.of()],
        ]
    )


def _package() -> list[Any]:
    """Version and files of this package: other code may make another report, also under the same version."""
    paths = [path for folder in package_folders() for path in sorted(_files_below(folder))]
    return [__version__, [(path, files.state(Path(path))) for path in paths]]


def _files_below(folder: Path) -> list[str]:
    return [
        os.path.join(place, name)  # noqa: PTH118 - of hundreds
        for place, _, names in os.walk(folder)
        for name in names
        if not name.endswith(".pyc")
    ]
