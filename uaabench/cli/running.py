"""The verbs that work on a run directory: run, score, report."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from uaabench.cli import options
from uaabench.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uaabench.reporting.report import ReportOptions
    from uaabench.running.config import RunConfig
    from uaabench.running.plan import Plan
    from uaabench.running.store import Failure

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")]


def run(
    methods: options.Methods = None,
    datasets: options.Datasets = None,
    metrics: options.Metrics = None,
    profile: options.ProfileName = None,
    segmenter: options.SegmenterName = None,
    protocol: options.ProtocolName = None,
    device: options.Device = None,
    precision: Annotated[str | None, typer.Option(help="`fp32` or `bf16`. Default: `fp32`.")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", help="Worker processes. Default: 1.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first N pairs of each data set.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Run directory. Default: `runs/<plan>`.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file with these options; what is given here wins.")] = None,
    data_root: options.DataRoot = None,
    plugin: options.Plugins = None,
    seed: Annotated[int | None, typer.Option(help="Seed set before every pair. Default: 0.")] = None,
    no_floor: Annotated[bool, typer.Option("--no-floor", help="Leave out the trivial methods.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh/--resume", help="Compute everything anew.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Fuse, score and report: the whole benchmark.

    The same command goes on where it was stopped. Examples:

        uaabench run --methods uaa,tardal

        uaabench run --methods 'uaa,tardal@dt,mine=fused/' --datasets msrs,tno --data-root data/ --out runs/paper

        uaabench run --config paper.yaml --jobs 2
    """
    from uaabench.running.config import build

    given = {
        "methods": options.split_commas(methods),
        "datasets": options.split_commas(datasets),
        "metrics": options.split_commas(metrics),
        "profile": profile,
        "segmenter": segmenter,
        "protocol": protocol,
        "device": device,
        "precision": precision,
        "jobs": jobs,
        "limit": limit,
        "data_root": data_root,
        "plugins": plugin,
        "seed": seed,
        "floor": False if no_floor else None,
        "fail_fast": True if fail_fast else None,
    }
    execute(build(given, config), out, fresh=fresh, dry_run=dry_run)


def score(
    run: RunFolder,
    metrics: options.Metrics = None,
    profile: options.ProfileName = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Score everything anew.")] = False,
    plugin: options.Plugins = None,
) -> None:
    """Score the fused images of a run again, as the run was, or under another profile; nothing is fused.

    Scores under other profiles and metrics are kept; the reports are those of the last call. Examples:

        uaabench score runs/paper

        uaabench score runs/paper --profile tang --metrics all
    """
    from uaabench.running import manifest
    from uaabench.running.config import build

    given = {
        "metrics": options.split_commas(metrics) or ([] if profile else None),
        "profile": profile,
        "plugins": plugin,
    }
    config = manifest.read_config(run).model_dump() | {key: value for key, value in given.items() if value is not None}
    execute(build(config), run, stages=("score",), fresh=fresh)


def report(
    run: RunFolder,
    formats: Annotated[
        list[str] | None, typer.Option("--format", "-f", help="Comma list of `html`, `csv`, `md`, `json`, `latex`.")
    ] = None,
    vs: Annotated[str, typer.Option(help="Compare every method with this one, pair by pair.")] = "",
    mark_floor: Annotated[bool, typer.Option("--mark-floor", help="Mark and rank trivial methods too.")] = False,
    shown_pairs: Annotated[
        int, typer.Option(min=0, help="Pairs shown in the page, shared out among the data sets.")
    ] = 20,
    caption: Annotated[str | None, typer.Option(help="LaTeX: how the caption begins.")] = None,
    label: Annotated[str, typer.Option(help="LaTeX: label of the table.")] = "tab:fusion",
    intervals: Annotated[Literal["below", "pm", "none"], typer.Option(help="LaTeX: where intervals stand.")] = "below",
    no_resize: Annotated[bool, typer.Option("--no-resize", help="LaTeX: never shrink a wide table.")] = False,
    no_cite: Annotated[bool, typer.Option("--no-cite", help="LaTeX: no citations behind method names.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the files. Default: RUN/report.")] = None,
    plugin: options.Plugins = None,
) -> None:
    """Print the table of a run and write it as an HTML page, CSV, Markdown, JSON and LaTeX; nothing is computed anew.

    Examples:
        uaabench report runs/paper

        uaabench report runs/paper --vs uaa --format html

        uaabench report runs/paper --format latex --intervals pm --label tab:msrs --out paper/
    """
    from uaabench.core import registry
    from uaabench.reporting.latex import LatexStyle
    from uaabench.reporting.report import ReportOptions

    registry.load_plugins(plugin)
    if not re.fullmatch(r"[\w:./+-]+", label, re.ASCII):
        raise UsageError(f"'{label}' is no label for LaTeX; write letters, digits and : . / + - _, such as tab:fusion.")
    style = LatexStyle(
        caption=caption or LatexStyle.caption,
        label=label,
        resize=not no_resize,
        intervals=intervals,
        cite=not no_cite,
    )
    print_report(
        run,
        ReportOptions(
            formats=options.split_commas(formats) or (),
            reference=vs,
            marks_floor=mark_floor,
            latex=style,
            shown_pairs=shown_pairs,
            folder=out,
        ),
    )


def execute(
    config: RunConfig,
    out: Path | None,
    *,
    stages: Sequence[str] = ("fuse", "score", "segment"),
    fresh: bool = False,
    dry_run: bool = False,
) -> None:
    """Plan a run and carry it out; exits with 3 when something failed."""
    from uaabench.cli.progress import run_progress
    from uaabench.running import pipeline, plan, store

    device = pipeline.pick_device(config.device)
    planned = plan.make(config, device.partition(":")[0])
    folder = out or Path("runs") / f"{'-'.join(data.label for data in planned.datasets)}-{planned.key[:8]}"
    if dry_run:
        _print_plan(planned, folder)
        return
    store.open_run(folder)
    try:
        with run_progress(planned, stages) as on_pair:
            failures = pipeline.carry_out(planned, folder, device=device, stages=stages, fresh=fresh, on_pair=on_pair)
    except KeyboardInterrupt:
        typer.echo(f"uaabench: interrupted; the same command goes on from what is in {folder}.", err=True)
        raise typer.Exit(130) from None
    print_report(folder)
    if failures:
        print_failures(failures)
        raise typer.Exit(3)


def _print_plan(plan: Plan, folder: Path) -> None:
    for data in plan.datasets:
        typer.echo(f"{data.label} ({data.split}): {len(data.pairs)} pairs in {data.root}")
    for method in plan.methods:
        typer.echo(f"{method.label}: {method.weights.name or method.card.kind} {method.weights.sha256[:12]}".rstrip())
    units = (*plan.fuse, *plan.score, *plan.segment)
    waiting = sum(not (folder / unit.folder / "done").is_file() for unit in units)
    typer.echo(f"{len(units)} units, {waiting} to do, in {folder}")


def print_report(folder: Path, choice: ReportOptions | None = None) -> None:
    """Make the report of a run and print its table."""
    from rich.console import Console

    from uaabench.reporting.report import report as make_report
    from uaabench.reporting.terminal import print_table

    table, files = make_report(folder, choice)
    print_table(table, Console())
    typer.echo(f"Written to {files[0].parent}: {', '.join(file.name for file in files)}")


def print_failures(failures: Sequence[Failure], most: int = 20) -> None:
    """List what failed, one line for each distinct reason of a method on a data set."""
    grouped: dict[tuple[str, str, str, str], list[str]] = {}
    for failure in failures:
        key = (failure.stage, failure.method, failure.dataset, failure.reason)
        grouped.setdefault(key, []).append(failure.pair)
    typer.echo(f"uaabench: {len(failures)} pairs failed; the same command tries them again.", err=True)
    for (stage, method, dataset, reason), pairs in list(grouped.items())[:most]:
        where = pairs[0] if len(pairs) == 1 else f"{len(pairs)} pairs"
        typer.echo(f"  {stage} {method} on {dataset}, {where}: {reason}", err=True)
    if len(grouped) > most:
        typer.echo(f"  and {len(grouped) - most} more, all in the report", err=True)
