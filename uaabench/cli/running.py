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
    from uaabench.reporting.table import Table
    from uaabench.running.config import RunConfig
    from uaabench.running.plan import Plan
    from uaabench.running.units import Failure

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")]


def run(
    methods: options.Methods = None,
    datasets: options.Datasets = None,
    metrics: options.Metrics = None,
    profile: options.ProfileName = None,
    segmenter: options.SegmenterName = None,
    protocol: options.ProtocolName = None,
    detector: options.DetectorName = None,
    detection_protocol: options.DetectionProtocolName = None,
    device: options.Device = None,
    precision: Annotated[str | None, typer.Option(help="`fp32` or `bf16`. Default: `fp32`.")] = None,
    compiled: Annotated[
        bool,
        typer.Option(
            "--compile", help="Have torch compile networks, which takes a minute for each: docs/efficiency.md."
        ),
    ] = False,
    judge_precision: options.JudgePrecision = None,
    batch: options.PairsAtOnce = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", help="Worker processes. Default: 1.")] = None,
    executor: Annotated[
        str | None,
        typer.Option(
            help="Whose workers do the work: `dask` for a cluster of this machine, `dask://HOST:PORT` for a scheduler "
            "that runs, or a YAML file for SLURM, PBS, LSF or SGE (docs/scale.md). Default: those of --jobs."
        ),
    ] = None,
    degrade: Annotated[
        list[str] | None,
        typer.Option(
            help="Comma list of degraded versions of every data set, beside the clean one: `noise:3`, `ir.noise:3`, "
            "`vi.noise:1+ir.blur:2`; see `uaabench list degradations`."
        ),
    ] = None,
    score_against: options.ScoreAgainst = None,
    limit: Annotated[int | None, typer.Option(help="Only the first N pairs of each data set.")] = None,
    shard: Annotated[
        str | None, typer.Option(help="`2/8`: the second of eight runs that share the pairs out; `merge` joins them.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Run directory. Default: `runs/<plan>`.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file with these options; what is given here wins.")] = None,
    data_root: options.DataRoot = None,
    plugin: options.Plugins = None,
    seed: Annotated[int | None, typer.Option(help="Seed set before every batch. Default: 0.")] = None,
    no_floor: Annotated[bool, typer.Option("--no-floor", help="Leave out the trivial methods.")] = False,
    beside: Annotated[
        list[str] | None,
        typer.Option(help="Reference rows to stand beside: names, globs, `official`, `retrained`, `classical`, `all`."),
    ] = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh/--resume", help="Compute everything anew.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    fetch: Annotated[bool, typer.Option("--fetch", help="First fetch official checkpoints that are not here.")] = False,
) -> None:
    """Fuse, score and report: the whole benchmark.

    The same command goes on where it was stopped. Examples:

        uaabench run --methods uaa,tardal

        uaabench run --methods 'uaa,tardal@dt,mine=fused/' --datasets msrs,tno --data-root data/ --out runs/paper

        uaabench run --methods uaa,tardal --degrade noise:3,ir.blur:2,shift:4px

        uaabench run --methods mine=fused/ --datasets msrs --beside official

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
        "detector": detector,
        "detection_protocol": detection_protocol,
        "device": device,
        "precision": precision,
        "compiled": True if compiled else None,
        "judge_precision": judge_precision,
        "batch": options.number_or_word(batch),
        "jobs": jobs,
        "executor": executor,
        "degrade": options.split_commas(degrade),
        "score_against": score_against,
        "limit": limit,
        "shard": shard,
        "data_root": data_root,
        "plugins": plugin,
        "seed": seed,
        "floor": False if no_floor else None,
        "fail_fast": True if fail_fast else None,
        "beside": options.split_commas(beside),
    }
    described = build(given, config)
    if fetch:
        _fetch_weights(described)
    execute(described, out, fresh=fresh, dry_run=dry_run)


def _fetch_weights(config: RunConfig) -> None:
    """Fetch the official checkpoints that a run needs; exits with 4 when one does not come."""
    from uaabench.cli.weights import fetch_all
    from uaabench.core import official, registry
    from uaabench.core.errors import WeightsError

    registry.load_plugins(config.plugins)
    if fetch_all(official.missing(config.methods)):
        raise typer.Exit(WeightsError.exit_code)


def score(
    run: RunFolder,
    metrics: options.Metrics = None,
    profile: options.ProfileName = None,
    score_against: options.ScoreAgainst = None,
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
        "score_against": score_against,
        "plugins": plugin,
    }
    before = manifest.read_config(run)
    if profile and profile != before.profile and before.beside:
        raise UsageError(
            f"{run} draws reference rows of the profile {before.profile}, among them the floor, which was not fused; "
            f"give the command of the run again with --profile {profile} and without --beside."
        )
    config = before.model_dump() | {key: value for key, value in given.items() if value is not None}
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
    stages: Sequence[str] | None = None,
    fresh: bool = False,
    dry_run: bool = False,
) -> None:
    """Plan a run and carry it out; exits with 3 when something failed."""
    from uaabench import api

    planned, folder = api.plan_run(config, out)
    if dry_run:
        _print_plan(planned, folder)
        return
    try:
        result = api.carry_out_and_report(planned, folder, stages=stages, fresh=fresh, progress=True)
    except KeyboardInterrupt:
        typer.echo(f"uaabench: interrupted; the same command goes on from what is in {folder}.", err=True)
        raise typer.Exit(130) from None
    _print_table(result.model, result.report_files)
    if result.failures:
        print_failures(result.failures)
        raise typer.Exit(3)


def _print_plan(plan: Plan, folder: Path) -> None:
    for data in plan.datasets:
        typer.echo(f"{data.label} ({data.split}): {len(data.pairs)} pairs in {data.root}")
    for method in plan.methods:
        typer.echo(f"{method.label}: {method.weights.name or method.card.kind} {method.weights.sha256[:12]}".rstrip())
    from uaabench.running import store

    units = plan.of()
    waiting = sum(len(store.finished(folder, unit, lambda *_: True)) < len(unit.dataset.pairs) for unit in units)
    typer.echo(f"{len(units)} units, {waiting} to do, in {folder}")


def print_report(folder: Path, choice: ReportOptions | None = None) -> None:
    """Make the report of a run and print its table."""
    from uaabench.reporting.report import report as make_report

    _print_table(*make_report(folder, choice))


def _print_table(table: Table, files: Sequence[Path]) -> None:
    from rich.console import Console

    from uaabench.reporting.terminal import print_table

    print_table(table, Console())
    typer.echo(f"Written to {files[0].parent}: {', '.join(file.name for file in files)}")


def print_failures(failures: Sequence[Failure]) -> None:
    """List what failed, one line for each distinct reason of a method on a data set."""
    from uaabench.reporting.failures import failure_lines

    typer.echo(f"uaabench: {len(failures)} pairs failed; the same command tries them again.", err=True)
    for line in failure_lines(failures):
        typer.echo(f"  {line}", err=True)
