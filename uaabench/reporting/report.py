"""The report stage: from the records and the manifest of a run to its table, in every format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from uaabench.reporting import files
from uaabench.reporting.build import table_of
from uaabench.reporting.latex import LatexStyle
from uaabench.reporting.table import Table
from uaabench.running.evidence import load


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """What a user can choose of a report.

    Attributes:
        formats: Names from `files.FORMATS`; all unless given.
        reference: Label of the method that the others are compared with; empty for none.
        marks_floor: Mark and rank trivial methods like the others.
        latex: How the LaTeX tables look.
        shown_pairs: How many pairs the page shows images of, shared out among the data sets.
        folder: Where the files go; the run's own folder `report` unless given.
    """

    formats: Sequence[str] = files.FORMATS
    reference: str = ""
    marks_floor: bool = False
    latex: LatexStyle = field(default_factory=LatexStyle)
    shown_pairs: int = 20
    folder: Path | None = None


def report(run: Path, options: ReportOptions | None = None) -> tuple[Table, list[Path]]:
    """Make the table of a run and write it; only the images of the page need the artefacts and the data.

    Returns:
        The table, and the files it was written to.

    Raises:
        UsageError: The folder holds no records, they were made by another version of the profile, or there is no
            such format or reference method.
        StorageError: The files cannot be written.
    """
    options = options or ReportOptions()
    formats = files.chosen(options.formats)
    evidence = load(run)
    table = table_of(evidence, options.reference, marks_floor=options.marks_floor)
    content = files.texts(table, formats, options.latex)
    if "html" in formats:
        # Imports matplotlib, which a report that is found again need not wait for.
        from uaabench.reporting.html import page

        content = {"results.html": page(evidence, table, shown_pairs=options.shown_pairs), **content}
    return table, files.write(content, options.folder or run / "report")
