"""The verb `published`: rows that papers print, beside the reference rows that come with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from uaabench.core.errors import UsageError, unknown_name

Shown = Literal["text", "md", "json"]


def published(
    datasets: Annotated[list[str] | None, typer.Argument(metavar="[DATASET]...", help="Default: all.")] = None,
    shown: Annotated[Shown, typer.Option("--format", help="What is printed: `text`, `md` or `json`.")] = "text",
    everything: Annotated[bool, typer.Option("--all", help="Also rows of methods that have no row here.")] = False,
    folder: Annotated[Path | None, typer.Option("--folder", help="Papers. Default: those of the package.")] = None,
    reference: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder of reference rows. Default: those of the package."),
    ] = None,
) -> None:
    """Put rows that papers print beside ours: equal to the printed digit, or how far off and why.

    Examples: uaabench published msrs; uaabench published --all --format json
    """
    from rich.console import Console

    from uaabench.core import registry
    from uaabench.reporting.published import comparison, formats, papers
    from uaabench.running import reference_rows

    for name in datasets or ():
        if name not in registry.dataset_names():
            raise unknown_name("data set", name, registry.dataset_names())
    parts = [] if reference else reference_rows.references(papers.shipped_folder())
    rows = comparison.compare(papers.papers(folder), [*reference_rows.references(reference), *parts])
    rows = [row for row in rows if not datasets or row.table.dataset in datasets]
    if not rows:
        raise UsageError(f"No paper prints rows of {', '.join(datasets or ())}; see: uaabench published --all")
    rows.sort(key=lambda row: (row.table.dataset, row.paper))
    if shown == "json":
        typer.echo(formats.as_json(rows), nl=False)
        return
    kept = [row for row in rows if everything or row.label]
    if shown == "md":
        typer.echo(formats.markdown(kept))
    else:
        formats.print_listing(kept, Console(highlight=False))
    typer.echo(formats.summary(rows))
