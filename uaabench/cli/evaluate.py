"""The verb that scores fused images against their sources: `uaabench.evaluate` on a terminal."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from uaabench.cli import options
from uaabench.core.files import replacing

if TYPE_CHECKING:
    from rich.console import Console

    from uaabench.core.columns import Column
    from uaabench.reporting.results import Evaluation


def evaluate(
    ir: Annotated[Path, typer.Option("--ir", help="Folder of the infrared images, or one of them.")],
    vi: Annotated[Path, typer.Option("--vi", help="Folder of the visible images, or one of them.")],
    fused: Annotated[Path, typer.Option("--fused", help="Folder of the fused images, named like their sources.")],
    metrics: options.Metrics = None,
    profile: options.ProfileName = None,
    per_pair: Annotated[bool, typer.Option("--per-pair", help="Also print the values of each pair.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write the values of each pair to this file.")] = None,
    plugin: options.Plugins = None,
) -> None:
    """Score a folder of fused images, made by any code, against its sources.

    Images are matched by file name without suffix. Prints the mean over pairs and its 95 % bootstrap interval; exits
    with 3 when a pair has no fused image, or one that could not be read or scored. Example:

        uaabench evaluate --ir MSRS/test/ir --vi MSRS/test/vi --fused results/ --metrics EN,VIF --csv values.csv
    """
    from uaabench import api

    result = api.evaluate(
        ir,
        vi,
        fused,
        metrics=options.split_commas(metrics),
        profile=profile or "cddfuse",
        plugins=plugin or (),
        progress=True,
    )
    if as_json:
        content = _as_dict(result) | ({"per_pair": _rows(result)} if per_pair else {})
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
    else:
        _print(result, per_pair=per_pair)
    # Last, so that what was computed is told even where the file cannot be written.
    if csv is not None:
        with replacing(csv) as aside:
            result.pairs.to_csv(aside)
    if result.failures:
        raise typer.Exit(3)


def _as_dict(result: Evaluation) -> dict[str, Any]:
    """The result as JSON values; null stands for a number that does not exist."""
    counts = result.pairs["status"].value_counts()
    (row,) = result.model.sections[0].rows
    return {
        "profile": {"name": result.model.profile, "version": result.model.profile_version},
        "pairs": {status: int(counts.get(status, 0)) for status in ("ok", "undefined", "failed")},
        "metrics": {
            name: {"mean": cell.mean, "low": cell.low, "high": cell.high, "n": cell.n}
            for name, cell in row.cells.items()
        },
        "failed": [{"pair": failure.pair, "reason": failure.reason} for failure in result.failures],
    }


def _rows(result: Evaluation) -> list[dict[str, Any]]:
    rows = result.pairs.reset_index().to_dict("records")
    return [{str(name): None if _is_nan(value) else value for name, value in row.items()} for row in rows]


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _print(result: Evaluation, *, per_pair: bool) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if per_pair:
        _print_pairs(result, console)
    _print_means(result, console)
    _print_notes(result, console)


def _print_pairs(result: Evaluation, console: Console) -> None:
    from rich.text import Text

    from uaabench.core.grid import number
    from uaabench.reporting.fitting import Column, print_columns
    from uaabench.reporting.names import visible

    names = Column("Pair", [Text(visible(str(pair))) for pair in result.pairs.index], "left")
    columns = [
        Column(
            _heading(metric), [Text(number(None if _is_nan(value) else value)) for value in result.pairs[metric.name]]
        )
        for metric in result.model.metrics
    ]
    print_columns("", [names], columns, console)


def _print_means(result: Evaluation, console: Console) -> None:
    """One metric a line: a table of one method is higher than wide."""
    from rich.text import Text

    from uaabench.reporting.fitting import Column, print_columns

    (row,) = result.model.sections[0].rows
    cells = [row.cells[metric.name] for metric in result.model.metrics]
    columns = [
        Column("mean", [Text(cell.text) for cell in cells]),
        Column("95 % interval", [Text(cell.interval or "-") for cell in cells]),
        Column("n", [Text(f"({cell.note}) {cell.n}" if cell.note else str(cell.n)) for cell in cells]),
    ]
    names = Column("Metric", [Text(_heading(metric)) for metric in result.model.metrics], "left")
    print_columns("", [names], columns, console)


def _heading(metric: Column) -> str:
    return f"{metric.name} {'↑' if metric.higher_is_better else '↓'}"


def _print_notes(result: Evaluation, console: Console) -> None:
    """Say what the numbers rest on: the profile, and every pair that is not in them, with its reason."""
    from rich.text import Text

    from uaabench.reporting.failures import failure_lines
    from uaabench.reporting.names import visible

    scored = len(result.pairs) - len(result.failures)
    notes = [f"({letter}) {text}" for letter, text in result.model.notes.items()]
    undefined = result.pairs.loc[lambda pairs: pairs["status"] == "undefined", "reason"]
    notes += [f"{pair} undefined: {reason}" for pair, reason in undefined.items()]
    notes += failure_lines(result.failures)
    profile = f"profile {result.model.profile}, version {result.model.profile_version}"
    for note in [*notes, f"{scored} of {len(result.pairs)} pairs scored; {profile}."]:
        console.print(Text(visible(note)), soft_wrap=True)
