"""Writing a report in every file format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from uaabench.core.errors import StorageError, unknown_name
from uaabench.core.files import write_text
from uaabench.reporting.csv_table import csv_table
from uaabench.reporting.json_table import json_table
from uaabench.reporting.latex import LatexStyle, bibliography, latex, latex_supplement
from uaabench.reporting.markdown import markdown
from uaabench.reporting.table import Table

# What `--format` takes; the page is made by `uaabench.reporting.html`, as it needs more than the table.
FORMATS = ("html", "csv", "md", "json", "latex")


def chosen(names: Iterable[str]) -> list[str]:
    """Check the names of formats; all of them where none is named.

    Raises:
        UsageError: There is no such format.
    """
    named = list(names)
    for name in named:
        if name not in FORMATS:
            raise unknown_name("report format", name, FORMATS)
    return named or list(FORMATS)


def texts(table: Table, formats: Iterable[str] = FORMATS, style: LatexStyle = LatexStyle()) -> dict[str, str]:  # noqa: B008
    """The text of each file by its name, in every named format but the page; an empty text is a file not to write."""
    contents: dict[str, str] = {}
    for name in formats:
        if name == "csv":
            contents["results.csv"] = csv_table(table)
        elif name == "md":
            contents["results.md"] = markdown(table)
        elif name == "json":
            contents["results.json"] = json_table(table)
        elif name == "latex":
            contents["results.tex"] = latex(table, style)
            contents["supplement.tex"] = latex_supplement(table, style)
            contents["references.bib"] = bibliography(table)
    return contents


def write(files: Mapping[str, str], folder: Path) -> list[Path]:
    """Write files; each appears complete or not at all, and one without any text is taken away.

    Args:
        files: Text by file name.
        folder: Made where it is missing.

    Returns:
        The paths of the files that were written.

    Raises:
        StorageError: A file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            if not text:
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError.of(folder, error) from error
    paths = [folder / name for name, text in files.items() if text]
    for path in paths:
        write_text(path, files[path.name])
    return paths
