"""The report stage: from the records and the manifest of a run to its table, in every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from uaabench import store
from uaabench.errors import UsageError
from uaabench.metrics.profiles import profile
from uaabench.reporting.build import build_table
from uaabench.reporting.files import write_all
from uaabench.reporting.table import DatasetHead, MethodRow, Table


def report(run: Path) -> tuple[Table, list[Path]]:
    """Make the table of a run and write it in every format; needs neither the data nor the artefacts.

    Returns:
        The table, and the files it was written to.

    Raises:
        UsageError: The folder holds no records, or they were made by another version of the profile.
    """
    import pandas as pd

    facts = store.read_json(run / "manifest.json")
    records = run / "records.parquet"
    if facts is None or not records.is_file():
        raise UsageError(f"{run} holds no records of a run; name the folder that was given as --out.")
    named = facts["profile"]
    convention = profile(named["name"])
    if convention.version != named["version"]:
        raise UsageError(
            f"The records of {run} are of profile {named['name']} version {named['version']}, but this uaabench "
            f"computes version {convention.version}; run 'uaabench score {run}' first."
        )
    table = build_table(
        pd.read_parquet(records),
        methods=[_row(method) for method in facts["methods"]],
        datasets=[_head(dataset) for dataset in facts["datasets"]],
        metrics=convention.look_up(facts["metrics"]),
        profile=convention.name,
        profile_version=convention.version,
    )
    return table, write_all(table, run / "report")


def _row(method: dict[str, Any]) -> MethodRow:
    weights = f"{method['weights']} weights {method['sha256'][:12]}" if method["sha256"] else ""
    return MethodRow(
        label=method["label"], title=method["title"], kind=method["kind"], track=method["track"], weights=weights
    )


def _head(dataset: dict[str, Any]) -> DatasetHead:
    return DatasetHead(name=dataset["label"], title=dataset["title"], split=dataset["split"], planned=dataset["pairs"])
