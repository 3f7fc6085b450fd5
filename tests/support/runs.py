"""Run directories made of numbers, without any image."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from uaabench.core import files
from uaabench.core.columns import column_facts
from uaabench.metrics.profiles import profile
from uaabench.running import manifest
from uaabench.running.stage import Stage
from uaabench.running.tables import RECORD_COLUMNS, RECORDS, TALLIES, TALLY_COLUMNS, write_table

COLUMNS = RECORD_COLUMNS[:-2]


def write_run(
    folder: Path, values: Mapping[str, Mapping[str, Sequence[float | None]]], *, dataset: str = "msrs", **facts: Any
) -> Path:
    """Write manifest and records: per method and metric one value for each pair `000`, `001`, ...; None failed."""
    folder.mkdir(parents=True)
    rows = []
    for method, columns in values.items():
        for metric, column in columns.items():
            for number, value in enumerate(column):
                where = ("r", method, "", dataset, "test", "pair", f"{number:03}", "", metric, "cddfuse", value)
                status = "ok" if value is not None else "undefined"
                rows.append({**dict(zip(COLUMNS, where, strict=True)), "status": status, "reason": ""})
    tables = {
        RECORDS: write_table(folder / RECORDS, pd.DataFrame(rows, columns=list(RECORD_COLUMNS))),
        TALLIES: write_table(folder / TALLIES, pd.DataFrame(columns=list(TALLY_COLUMNS))),
    }
    pairs = max(len(column) for columns in values.values() for column in columns.values())
    metrics = list(dict.fromkeys(metric for columns in values.values() for metric in columns))
    content = {
        "uaabench": "0",
        "git": "",
        "plan": "0" * 64,
        "command": "uaabench run",
        "argv": ["/somewhere/uaabench", "run"],
        "config": {
            "methods": list(values),
            "datasets": [dataset],
            "metrics": [],
            "degrade": [],
            "options": {},
            "plugins": [],
            "data_root": "/here",
        },
        "profile": {"name": "cddfuse", "version": profile("cddfuse").version},
        "metrics": metrics,
        "columns": [column_facts(metric) for metric in profile("cddfuse").look_up(metrics)],
        "stages": [
            {"name": name, "version": 1, "measures": [], "options": {}, "judges": []} for name in ("fuse", "score")
        ],
        "methods": [method_facts(method) for method in values],
        "datasets": [dataset_facts(dataset, pairs)],
        "units": [
            {
                "stage": "fuse",
                "method": method,
                "dataset": dataset,
                "split": "test",
                "key": f"key of {method}",
                "folder": f"fuse/{dataset}/test/{method}-1",
            }
            for method in values
        ],
        "plugins": [],
        "environment": {"packages": {}},
        "tables": tables,
        **facts,
    }
    manifest.save(folder, content)
    return folder


def dataset_facts(dataset: str, pairs: int, **changes: Any) -> dict[str, Any]:
    """What a manifest says of a data set."""
    return {
        "label": dataset,
        "title": dataset.upper(),
        "split": "test",
        "pairs": pairs,
        "expected": None,
        "index": "abc",
        "labels": "abc",
        "adapter": "folder",
        "classes": [],
        **changes,
    }


def method_facts(method: str, **changes: Any) -> dict[str, Any]:
    """What a manifest says of a method."""
    return {
        "label": method,
        "title": method,
        "kind": "trivial" if method in ("average", "maximum") else "learned",
        "version": 1,
        "track": "",
        "weights": "",
        "sha256": "",
        "options": {},
        "source": "",
        "precision": "fp32",
        "seed": 0,
        "device": "cpu",
        "folder": None,
        **changes,
    }


def change_manifest(folder: Path, **changes: Any) -> None:
    """Change entries of a manifest, as if the run had been another."""
    manifest.save(folder, {**json.loads((folder / manifest.NAME).read_text()), **changes})


def change_records(folder: Path, records: pd.DataFrame) -> None:
    """Give a run other records, as if they had come out."""
    content = json.loads((folder / manifest.NAME).read_text())
    tables = {**content["tables"], RECORDS: write_table(folder / RECORDS, records)}
    manifest.save(folder, {**content, "tables": tables})


def digest_of(content: Any) -> str:
    """The digest of JSON content."""
    return files.digest(content)


def write_tallies(
    folder: Path, method: str, stage: type[Stage], judge: str, setting: Mapping[str, Any], tallies: Sequence[Any]
) -> None:
    """Give a run of `write_run` the measures of a stage, with the tally of each pair of one method more."""
    content = json.loads((folder / manifest.NAME).read_text())
    where = {"stage": stage.name, "dataset": "msrs", "split": "test", "method": method, "judge": judge}
    rows = [
        {**where, "setting": json.dumps(setting), "number": 0, "pair": f"{number:03}", "tally": json.dumps(tally)}
        for number, tally in enumerate(tallies)
    ]
    others = pd.read_parquet(folder / TALLIES).to_dict("records")
    tallied = pd.DataFrame([*others, *rows], columns=list(TALLY_COLUMNS))
    tables = {**content["tables"], TALLIES: write_table(folder / TALLIES, tallied)}
    measures = [column_facts(measure) for measure in stage.measures]
    added = {"name": stage.name, "version": stage.version, "measures": measures, "options": {}, "judges": []}
    stages = [entry for entry in content["stages"] if entry["name"] != stage.name]
    manifest.save(folder, {**content, "tables": tables, "stages": [*stages, added]})
