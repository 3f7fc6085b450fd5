"""All records of a run in one table, and the tallies of its measures in another, as Parquet files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from uaabench.running.plan import Plan
from uaabench.running.stage import Stage, by_method
from uaabench.running.tables import RECORD_COLUMNS, RECORDS, TALLIES, TALLY_COLUMNS, write_table
from uaabench.running.units import Unit


def collect(run: Path, plan: Plan) -> dict[str, str]:
    """Collect the results of all units of a plan into `records.parquet` and `tallies.parquet`.

    The records have one row per method, data set, pair and metric in plan order; for a pair without a fused image one
    row with status `failed` and an empty metric.

    Returns:
        SHA-256 of both files by name: what the manifest binds them by.

    Raises:
        StorageError: They cannot be written, or what a stage leaves beside its results cannot.
    """
    rows: list[dict[str, Any]] = []
    tallies: list[dict[str, Any]] = []
    for stage in plan.stages:
        for units in by_method(plan.units[stage.name]):
            whose = _whose(units[0])
            common = {"run": plan.key[:12], "track": units[0].method.weights.track, **whose}
            rows += [{**common, **row} for row in stage.records(run, units)]
            stage.finish(run, units)
            if stage.measures:
                tallies += [{"stage": stage.name, **whose, **row} for row in _tally_rows(stage, run, units)]
    return {
        RECORDS: _write(run / RECORDS, rows, RECORD_COLUMNS),
        TALLIES: _write(run / TALLIES, tallies, TALLY_COLUMNS),
    }


def _whose(unit: Unit) -> dict[str, str]:
    """The columns that say what the results of a unit are of."""
    return {"method": unit.method.label, "dataset": unit.dataset.label, "split": unit.dataset.split}


def _tally_rows(stage: Stage, run: Path, units: Sequence[Unit]) -> Iterator[dict[str, Any]]:
    tallies = stage.tallies(run, units)
    common = {"judge": tallies.judge, "setting": json.dumps(tallies.setting)}
    for number, one in enumerate(tallies.by_judge):
        for pair, tally in zip(tallies.pairs, one, strict=True):
            yield {**common, "number": number, "pair": pair, "tally": json.dumps(tally)}


def _write(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    import pandas as pd

    return write_table(path, pd.DataFrame(rows, columns=list(columns)))
