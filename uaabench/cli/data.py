"""The verb group `data`: bring data sets into place, check them, say what is there."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from uaabench.cli.options import DataRoot, Plugins

if TYPE_CHECKING:
    from uaabench.core.interface import FusionDataset
    from uaabench.data.fetch import Fetching

app = typer.Typer(no_args_is_help=True, help="Data sets: fetch, prepare, verify, and what is there.")

HOW = "uaabench data fetch NAME, or uaabench data prepare NAME ARCHIVE"

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Agree to the terms of use beforehand, as in a script.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def prepare(
    name: Annotated[str, typer.Argument(help="Name of the data set, for example `msrs`.")],
    source: Annotated[Path, typer.Argument(help="Downloaded zip or tar archive, or unpacked folder.")],
    data_root: DataRoot = None,
    link: Annotated[bool, typer.Option("--link", help="Link to a folder instead of copying it.")] = False,
    plugin: Plugins = None,
) -> None:
    """Bring a downloaded archive or folder into place below the data root.

    Example: uaabench data prepare msrs ~/Downloads/MSRS-main.zip
    """
    from uaabench.core import registry
    from uaabench.data import prepare as dataprep

    registry.load_plugins(plugin)
    typer.echo(f"{name} is in place: {dataprep.prepare(source, name, _root(data_root), link=link)}")


@app.command()
def fetch(
    names: Annotated[list[str], typer.Argument(help="`name` or `name:split`, for example `msrs roadscene tno`.")],
    data_root: DataRoot = None,
    yes: Yes = False,
    plugin: Plugins = None,
) -> None:
    """Fetch data sets from where their authors put them, and check them; a call that was cut short goes on.

    Example: uaabench data fetch msrs roadscene tno
    """
    from uaabench.core import registry
    from uaabench.data import fetch as fetching
    from uaabench.running.lock import locked
    from uaabench.running.progress import progress

    registry.load_plugins(plugin)
    root = _root(data_root)
    plans = [fetching.plan(entry, root) for entry in dict.fromkeys(names)]
    waiting = [plan for plan in plans if not plan.is_here]
    for plan in plans:
        if plan.is_here:
            typer.echo(f"{plan.name}:{plan.split} is in {plan.target} already and stays as it is.")
    if waiting:
        agree("\n".join(map(_terms, waiting)), yes=yes)
    for plan in waiting:
        workplace = fetching.make_workplace(plan)
        with locked(workplace), progress({plan.name: len(plan.wanted)}, "files") as advance:
            fetching.carry_out(plan, lambda name=plan.name: advance(name))  # type: ignore[misc]
        with suppress(OSError):
            workplace.rmdir()
    verify([f"{plan.name}:{plan.split}" for plan in plans], data_root, plugin=plugin)


@app.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="`name` or `name:split`. Default: all found in the data root.")
    ] = None,
    data_root: DataRoot = None,
    as_json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Check counts, pairing, sizes, readability, label values, boxes and hashes; exit code 4 if anything is wrong.

    Example: uaabench data verify msrs:test
    """
    from uaabench.core import registry
    from uaabench.core.errors import UsageError
    from uaabench.core.threads import threads_per_job
    from uaabench.data import check as datacheck

    registry.load_plugins(plugin)
    wanted = [entry.partition(":")[::2] for entry in names] if names else [(name, "") for name in _found(data_root)]
    if not wanted:
        raise UsageError(f"There is no data set in {_root(data_root)}; run first: {HOW}")
    reports = []
    for name, split in wanted:
        dataset = _open(name, data_root)
        found = datacheck.verify(dataset, [split] if split else [], threads=threads_per_job(1))
        expected = {split: dataset.card.splits.get(split) for split in found.pairs}
        reports.append({"name": name, **asdict(found), "expected": expected})
    typer.echo(json.dumps(reports, indent=2) if as_json else "\n".join(map(_report_text, reports)))
    if any(report["problems"] for report in reports):
        raise typer.Exit(4)


@app.command()
def info(data_root: DataRoot = None, as_json: Json = False, plugin: Plugins = None) -> None:
    """Say which data sets are in the data root, with their pairs and label maps.

    Example: uaabench data info --data-root ~/data
    """
    from uaabench.core import registry
    from uaabench.data import check as datacheck

    registry.load_plugins(plugin)
    rows: list[dict[str, Any]] = []
    for name in _found(data_root):
        dataset = _open(name, data_root)
        listed, refused, _ = datacheck.list_splits(dataset, dataset.card.splits)
        for split, pairs in listed.items():
            labels = sum(pair.label is not None for pair in pairs)
            expected = dataset.card.splits[split]
            row = {"name": name, "split": split, "pairs": len(pairs), "expected": expected, "labels": labels}
            boxes = sum(bool(pair.boxes) for pair in pairs)
            rows.append(row | {"boxes": boxes, "folder": str(dataset.root)})
        rows += [{"name": name, "split": split, "problem": str(error)} for split, error in refused.items()]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    elif rows:
        typer.echo("\n".join(map(_info_text, rows)))
    else:
        typer.echo(f"There is no data set in {_root(data_root)}; what brings one there: {HOW}")


def agree(terms: str, *, yes: bool) -> None:
    """Show terms of use, and go on only when the user agrees to them.

    Raises:
        UsageError: There is nobody to ask.
        Exit: The user does not agree.
    """
    from uaabench.core.errors import UsageError

    typer.echo(terms)
    if yes:
        return
    if not sys.stdin or not sys.stdin.isatty():
        raise UsageError("Nothing was fetched, as nobody agreed to these terms of use; give --yes in a script.")
    if not typer.confirm("Fetch it under these terms?"):
        typer.echo("Nothing was fetched.")
        raise typer.Exit(UsageError.exit_code)


def _terms(plan: Fetching) -> str:
    size = f", {plan.megabytes} MB" if plan.megabytes else ""
    lines = [f"{plan.name}:{plan.split}: {len(plan.wanted)} files{size}, to {plan.target}", plan.source.terms]
    return "\n".join(filter(None, [*lines, plan.source.note]))


def _root(data_root: Path | None) -> Path:
    from uaabench.core import paths

    return data_root or paths.data_folder()


def _found(data_root: Path | None) -> list[str]:
    from uaabench.running.entries import found_datasets

    return found_datasets(_root(data_root))


def _open(name: str, data_root: Path | None) -> FusionDataset:
    from uaabench.running.entries import open_dataset

    return open_dataset(name, _root(data_root))[0]


def _report_text(report: dict[str, Any]) -> str:
    lines = [f"{problem['where']}: {problem['sentence']}" for problem in report["problems"]]
    verdict = f"{len(lines)} problems" if lines else "no problems"
    absent = f" (not there: {', '.join(report['absent'])})" if report["absent"] else ""
    splits = ", ".join(
        f"{split} {_count(count, report['expected'][split])} pairs" for split, count in report["pairs"].items()
    )
    return "\n".join([*lines, f"{report['name']}: {splits or 'no pairs'}: {verdict}{absent}"])


def _info_text(row: dict[str, Any]) -> str:
    name = f"{row['name']}:{row['split']}"
    if "problem" in row:
        return f"{name:<16} {row['problem']}"
    pairs, boxes = _count(row["pairs"], row["expected"]), f", {row['boxes']} with boxes" if row["boxes"] else ""
    return f"{name:<16} {pairs} pairs, {row['labels']} label maps{boxes}  {row['folder']}"


def _count(count: int, expected: int | None) -> str:
    """A number of pairs, and of how many it is where some are missing."""
    return str(count) if expected in (None, count) else f"{count} of {expected}"
