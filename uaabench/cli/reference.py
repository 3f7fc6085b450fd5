"""The verb group `reference`: rows of many methods that come with the package, and how they are made."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from uaabench.cli import options
from uaabench.core.errors import DataError, UsageError

app = typer.Typer(no_args_is_help=True, help="Reference rows for `run --beside`: list, show and make them.")

Folder = Annotated[Path | None, typer.Option("--folder", help="Folder of references. Default: those of the package.")]


@app.command("list")
def list_references(folder: Folder = None) -> None:
    """List the references: data set, profile, pairs, rows, and rows that are out of date.

    Example: uaabench reference list
    """
    from rich.console import Console

    from uaabench.reporting.fitting import print_listing
    from uaabench.running import reference_rows

    rows = []
    for one in reference_rows.references(folder):
        stale = sum(bool(reference_rows.stale(method)) for method in one.methods.values())
        adapter, split, convention = one.place
        judged = ", ".join(f"{' '.join(entry['measures'])} ({len(entry['methods'])})" for entry in one.judged)
        rows.append((adapter, split, convention, str(len(one.hashes)), str(len(one.methods)), str(stale), judged))
    head = ("data set", "split", "profile", "pairs", "rows", "out of date", "judged")
    print_listing(head, rows, Console(highlight=False))


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="`name` or `name:split` of a data set, for example `msrs`.")],
    profile: options.ProfileName = None,
    folder: Folder = None,
) -> None:
    """Show the rows of a reference: version, weights, means, where each was made, and why one is out of date.

    Example: uaabench reference show msrs
    """
    from rich.console import Console

    from uaabench.metrics.profiles import profile as find_profile
    from uaabench.reporting.fitting import print_listing
    from uaabench.running import reference_rows

    convention = profile or "cddfuse"
    reference = reference_rows.find(*_place(name), convention, folder)
    if reference is None:
        raise DataError(f"There is no reference of {name} under the profile {convention}; see: uaabench reference list")
    headline = [metric for metric in find_profile(convention).headline if metric in reference.facts["metrics"]]
    means = reference.values[headline].groupby(level="method").mean()
    judgements = reference.judgements
    measures = [measure for entry in reference.judged for measure in entry["measures"]]
    rows = []
    for label, method in reference.methods.items():
        numbers = [float(means[metric][label]) for metric in headline]
        numbers += [judgements.value(label, measure) for measure in measures] if judgements else []
        made = method["made"]["date"]
        rows.append(
            (
                label,
                str(method["version"]),
                method["sha256"][:12],
                *("" if math.isnan(number) else f"{number:.4f}" for number in numbers),
                made,
                reference_rows.stale(method),
            )
        )
    head = ("row", "version", "weights", *headline, *measures, "made", "out of date")
    print_listing(head, rows, Console(highlight=False))
    for entry in reference.judged:
        typer.echo(f"{' and '.join(entry['measures'])} by {entry['judge']['name']}.")
    for machine in sorted({method["made"]["machine"] for method in reference.methods.values()}):
        typer.echo(f"Made on {machine}; {len(reference.hashes)} pairs.")


@app.command()
def make(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Finished runs on all pairs of a split.")],
    folder: Folder = None,
    part: Annotated[
        bool, typer.Option("--part", help="Runs on a part of a split too, for `uaabench published`; needs --folder.")
    ] = False,
    plugin: options.Plugins = None,
) -> None:
    """Take the rows of finished runs over into the references; rows that no run has stay as they are.

    Example: uaabench reference make runs/msrs --folder reports/reference
    """
    if part and folder is None:
        raise UsageError("The references of the package are of all pairs; name another place for a part with --folder.")
    from uaabench.core import registry
    from uaabench.running import reference_making, reference_rows
    from uaabench.running.evidence import load

    registry.load_plugins(plugin)
    for run in runs:
        for path, taken, refused in reference_making.make(
            load(run), folder or reference_rows.shipped_folder(), part=part
        ):
            typer.echo(f"{path}: {len(taken)} rows of {run}")
            for label, why in refused.items():
                typer.echo(f"  not {label}, as {why}")


@app.command()
def update(
    dataset: Annotated[str, typer.Argument(help="`name` or `name:split` of a data set, for example `msrs`.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Run directory; goes on from what is there.")],
    methods: options.Methods = None,
    profile: options.ProfileName = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Worker processes.")] = 1,
    folder: Folder = None,
    data_root: options.DataRoot = None,
    segmenter: options.SegmenterName = None,
    detector: options.DetectorName = None,
) -> None:
    """Make again only the rows that are missing or out of date: a run of those methods, then `make`.

    Without --methods these are all methods that need no file of others, and all checkpoints that are here. With a
    segmenter or detector they are judged too, and rows that were not are missing.

    Example: uaabench reference update msrs --out runs/reference --folder reports/reference
    """
    from uaabench.cli.running import execute
    from uaabench.running import reference_making, reference_rows
    from uaabench.running.config import build

    convention = profile or "cddfuse"
    place = folder or reference_rows.shipped_folder()
    names = reference_making.candidates(options.split_commas(methods) or [])
    judges = {"segment": segmenter or "none", "detect": detector or "none"}
    asked = [stage for stage, judge in judges.items() if judge != "none"]
    waiting = reference_making.outdated(names, reference_rows.find(*_place(dataset), convention, place), asked)
    if not waiting:
        typer.echo(f"All {len(names)} rows of {dataset} under {convention} are up to date.")
        return
    entries = {"methods": waiting, "datasets": [dataset], "metrics": ["all"], "profile": convention}
    more = {"floor": False, "jobs": jobs, "data_root": data_root}
    execute(build({**entries, **more, "segmenter": judges["segment"], "detector": judges["detect"]}), out)
    make([out], place)


def _place(name: str) -> tuple[str, str]:
    """Adapter and split of `name` or `name:split`."""
    from uaabench.core import registry

    adapter, _, split = name.partition(":")
    card = registry.dataset_class(adapter).card
    if split and split not in card.splits:
        raise UsageError(f"There is no split '{split}' of {adapter}; known are: {', '.join(card.splits)}.")
    return adapter, split or card.default_split
