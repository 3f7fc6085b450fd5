"""Writing a table in every file format."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from uaabench.errors import UsageError
from uaabench.reporting.csv_table import csv_table
from uaabench.reporting.json_table import json_table
from uaabench.reporting.latex import latex
from uaabench.reporting.markdown import markdown
from uaabench.reporting.table import Table

FORMATS: Mapping[str, Callable[[Table], str]] = {
    "results.csv": csv_table,
    "results.md": markdown,
    "results.json": json_table,
    "results.tex": latex,
}


def write_all(table: Table, folder: Path) -> list[Path]:
    """Write `results.csv`, `results.md`, `results.json` and `results.tex`; each appears complete or not at all.

    Args:
        table: What to write.
        folder: Made where it is missing.

    Returns:
        The paths of the files.

    Raises:
        UsageError: The folder cannot be written.
    """
    paths = []
    for name, render in FORMATS.items():
        path = folder / name
        partial = folder / f"{name}.partial"
        text = render(table)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            partial.write_text(text, encoding="utf-8", newline="\n")
            os.replace(partial, path)
        except OSError as error:
            raise UsageError(
                f"Cannot write the report {path}: {error.strerror or error}; choose another folder."
            ) from error
        paths.append(path)
    return paths
