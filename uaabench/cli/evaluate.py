"""The verb that scores a folder of fused images against the folders of their sources."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from uaabench.cli import options
from uaabench.core.files import images, replacing

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from uaabench.core.interface import Metric
    from uaabench.metrics.profiles import Profile
    from uaabench.statistics import Interval


def evaluate(
    ir: Annotated[Path, typer.Option("--ir", help="Folder of the infrared images.")],
    vi: Annotated[Path, typer.Option("--vi", help="Folder of the visible images.")],
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
    with 3 when an image could not be read or scored. Example:

        uaabench evaluate --ir MSRS/test/ir --vi MSRS/test/vi --fused results/ --metrics EN,VIF --csv values.csv
    """
    from uaabench.cli.progress import progress
    from uaabench.core import registry
    from uaabench.metrics import profiles
    from uaabench.running import evaluation
    from uaabench.running.executors import threads_per_job

    registry.load_plugins(plugin)
    convention = profiles.profile(profile or "cddfuse")
    chosen = convention.select(options.split_commas(metrics))
    with progress({"score": len(images(fused))}) as advance:
        table = evaluation.evaluate(
            ir, vi, fused, chosen, convention, threads=threads_per_job(1), progress=lambda *_: advance("score")
        )
    summary = evaluation.summarise(table, chosen)
    if as_json:
        content = as_dict(table, summary, convention) | ({"per_pair": _rows(table)} if per_pair else {})
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
    else:
        _print(table, summary, chosen, convention, per_pair)
    # Last, so that what was computed is told even where the file cannot be written.
    if csv is not None:
        with replacing(csv) as aside:
            table.to_csv(aside, index=False)
    if (table["status"] == "failed").any():
        raise typer.Exit(3)


def as_dict(table: pd.DataFrame, summary: dict[str, Interval], convention: Profile) -> dict[str, Any]:
    """The result as JSON values; null stands for a number that does not exist."""
    counts = table["status"].value_counts()
    return {
        "profile": {"name": convention.name, "version": convention.version},
        "pairs": {status: int(counts.get(status, 0)) for status in ("ok", "undefined", "failed", "missing")},
        "metrics": {
            name: {"mean": _number(entry.mean), "low": _number(entry.low), "high": _number(entry.high), "n": entry.n}
            for name, entry in summary.items()
        },
        "failed": [
            {"pair": pair, "reason": reason}
            for pair, reason in table.loc[table["status"] == "failed", ["pair", "reason"]].itertuples(index=False)
        ],
    }


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(key): _number(value) if isinstance(value, float) else value for key, value in row.items()}
        for row in table.to_dict("records")
    ]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _print(
    table: pd.DataFrame, summary: dict[str, Interval], metrics: Sequence[Metric], convention: Profile, per_pair: bool
) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if per_pair:
        _print_pairs(table, metrics, console)
    _print_summary(summary, metrics, console)
    _print_notes(table, convention, console)


def _print_pairs(table: pd.DataFrame, metrics: Sequence[Metric], console: Console) -> None:
    from rich.text import Text

    from uaabench.reporting.fitting import Column, print_columns
    from uaabench.reporting.names import visible

    there = table[table["status"] != "missing"]
    names = Column("Pair", [Text(visible(pair)) for pair in there["pair"]], "left")
    columns = [Column(_heading(metric), [Text(_cell(value)) for value in there[metric.name]]) for metric in metrics]
    print_columns("", [names], columns, console)


def _print_summary(summary: dict[str, Interval], metrics: Sequence[Metric], console: Console) -> None:
    from rich.text import Text

    from uaabench.reporting.fitting import Column, print_columns

    entries = [summary[metric.name] for metric in metrics]
    columns = [
        Column("mean", [Text(_cell(entry.mean)) for entry in entries]),
        Column("95 % interval", [Text(_interval(entry)) for entry in entries]),
        Column("n", [Text(str(entry.n)) for entry in entries]),
    ]
    print_columns("", [Column("Metric", [Text(_heading(metric)) for metric in metrics], "left")], columns, console)


def _heading(metric: Metric) -> str:
    return f"{metric.name} {'↑' if metric.higher_is_better else '↓'}"


def _interval(entry: Interval) -> str:
    return "–" if math.isnan(entry.low) else f"{entry.low:.4f} to {entry.high:.4f}"


def _cell(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4f}"


def _print_notes(table: pd.DataFrame, convention: Profile, console: Console) -> None:
    """Say what the numbers rest on: the profile, and every pair that is not in them, with its reason."""
    from rich.text import Text

    from uaabench.reporting.names import visible
    from uaabench.running.evaluation import list_names

    scored = int(table["status"].isin(["ok", "undefined"]).sum())
    notes = [f"{scored} of {len(table)} pairs scored; profile {convention.name}, version {convention.version}."]
    missing = table[table["status"] == "missing"]
    for reason, rows in missing.groupby("reason"):
        notes.append(f"Left out, {reason} ({len(rows)} of {len(table)} pairs): {list_names(rows['pair'].tolist())}.")
    for status in ("undefined", "failed"):
        rows = table.loc[table["status"] == status, ["pair", "reason"]]
        notes += [f"{pair} {status}: {reason}" for pair, reason in rows.itertuples(index=False)]
    for note in notes:
        console.print(Text(visible(note)), soft_wrap=True)
