"""Run directories made of numbers, without any image."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

COLUMNS = ("run", "method", "track", "dataset", "split", "scope", "pair", "class", "metric", "profile", "value")


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
    pd.DataFrame(rows).to_parquet(folder / "records.parquet")
    pairs = max(len(column) for columns in values.values() for column in columns.values())
    manifest = {
        "uaabench": "0",
        "git": "",
        "plan": "0" * 64,
        "command": "uaabench run",
        "argv": ["/somewhere/uaabench", "run"],
        "config": {"methods": list(values), "datasets": [dataset], "metrics": [], "options": {}, "data_root": "/here"},
        "profile": {"name": "cddfuse", "version": 1},
        "metrics": list(dict.fromkeys(metric for columns in values.values() for metric in columns)),
        "methods": [
            {
                "label": method,
                "title": method,
                "kind": "trivial" if method in ("average", "maximum") else "learned",
                "version": 1,
                "track": "",
                "weights": "",
                "sha256": "",
                "options": {},
                "folder": None,
            }
            for method in values
        ],
        "datasets": [
            {"label": dataset, "title": dataset.upper(), "split": "test", "pairs": pairs, "index": "abc", "classes": []}
        ],
        "environment": {"packages": {}},
        **facts,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
