"""The verbs that put runs beside each other: compare, check, merge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from uaabench.cli import options
from uaabench.core.errors import UsageError
from uaabench.core.files import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from uaabench.reporting.gate import Change
    from uaabench.running.evidence import Run

Gate = Literal["text", "json", "github"]
STYLES = {"worse": "bold red", "missing": "bold red", "better": "green", "same": ""}


def compare(
    before: Annotated[Path, typer.Argument(metavar="A", help="A run directory.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Another run on the same images.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    plugin: options.Plugins = None,
) -> None:
    """Show what changed from one run to another: paired differences with intervals, for methods both have.

    Example: uaabench compare runs/monday runs/tuesday
    """
    from rich.console import Console

    from uaabench.core import registry
    from uaabench.reporting import gate, gate_formats
    from uaabench.running.evidence import load

    registry.load_plugins(plugin)
    old, new = load(before), load(after)
    changes = gate.changes(new, old, gate.Tolerances(gate.Tolerance(0.0, False)))
    _refuse_nothing(changes, new, old)
    notes = list(gate.remarks(new, old))
    if as_json:
        typer.echo(gate_formats.as_json(changes, notes), nl=False)
        return
    console = Console(highlight=False)
    _print_changes(changes, console)
    _print_missing(changes)
    console.print(
        "Difference is B minus A over the same pairs with its 95 % bootstrap interval; p is that of the Wilcoxon "
        "signed-rank test after Holm's correction over all lines; better and worse where the interval excludes 0.",
        soft_wrap=True,
    )
    for note in notes:
        typer.echo(note)


def check(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run to be judged.")],
    reference: Annotated[Path, typer.Option("--reference", help="A run, or a folder written by --update.")],
    tolerance: Annotated[
        list[str] | None,
        typer.Option(help="`qabf=0.002`, `sd=1%`, or `0.5%` for all other metrics; may be repeated. Default: `0.2%`."),
    ] = None,
    shown: Annotated[Gate, typer.Option("--format", help="What is printed: `text`, `json` or `github`.")] = "text",
    junit: Annotated[Path | None, typer.Option(help="Also write JUnit XML to this file.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write JSON to this file.")] = None,
    update: Annotated[bool, typer.Option("--update", help="Make RUN the new reference instead.")] = False,
    reason: Annotated[str, typer.Option(help="Why the reference changes; kept in it. Needed for --update.")] = "",
    plugin: options.Plugins = None,
) -> None:
    """Fail when a run is worse than its reference: the gate for continuous integration.

    A metric counts as worse when its mean is worse by more than the tolerance and the paired 95 % interval of the
    difference excludes 0. A method, data set or pair that the reference has and the run lacks is a failure. Exits with
    0 when the gate passes, 1 when it fails, 2 when the two cannot be compared. Examples:

        uaabench check runs/now --reference reports/demo

        uaabench check runs/now --reference reports/demo --tolerance qabf=0.002 --junit gate.xml --format github

        uaabench check runs/now --reference reports/demo --update --reason "uaa: retrained weights"
    """
    from uaabench.core import registry
    from uaabench.reporting import gate, gate_formats
    from uaabench.running.evidence import load

    registry.load_plugins(plugin)
    judged = load(run)
    if update:
        _update(judged, reference, reason)
        return
    against = load(reference)
    changes = gate.changes(judged, against, gate.Tolerances.parse(tolerance or [], against.columns))
    _refuse_nothing(changes, judged, against)
    notes = list(gate.remarks(judged, against))
    if shown == "json":
        typer.echo(gate_formats.as_json(changes, notes), nl=False)
    else:
        for line in gate_formats.as_annotations(changes) if shown == "github" else ():
            typer.echo(line)
        _print_gate(changes, notes, reference)
    if junit is not None:
        write_text(junit, gate_formats.as_junit(changes))
    if json_file is not None:
        write_text(json_file, gate_formats.as_json(changes, notes))
    if any(change.fails for change in changes):
        raise typer.Exit(1)


def merge(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Two or more run directories.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The new run directory.")],
    plugin: options.Plugins = None,
) -> None:
    """Join runs of one profile on the same images into one table, or the shards of one run into that run.

    Examples:
        uaabench merge runs/uaa runs/tardal --out runs/both

        uaabench merge runs/msrs-*-shard-*-of-8 --out runs/msrs
    """
    from uaabench.cli.running import print_report
    from uaabench.core import registry
    from uaabench.running.merging import merge as join

    registry.load_plugins(plugin)
    print_report(join(runs, out))


def _refuse_nothing(changes: Sequence[Change], run: Run, reference: Run) -> None:
    """Refuse a comparison of no value at all, which nothing could fail."""
    for one in (run, reference):
        if one.records.empty:
            raise UsageError(f"{one.folder} holds no value; score it first: uaabench score {one.folder}")
    if not changes:
        raise UsageError(f"{reference.folder} has no value that {run.folder} could be compared with; make it anew.")


def _update(run: Run, reference: Path, reason: str) -> None:
    from uaabench.reporting.reference import write_reference

    if not reason.strip():
        raise UsageError('A new reference needs its reason: --update --reason "uaa: retrained weights"')
    write_reference(run, reference, reason.strip())
    typer.echo(f"{reference} is the new reference.")


def _print_gate(changes: Sequence[Change], notes: Sequence[str], reference: Path) -> None:
    """What changed, in sentences, and the verdict on the last line."""
    from uaabench.reporting.names import visible

    for change in sorted(changes, key=lambda change: change.verdict == "better"):
        if change.verdict != "same":
            typer.echo(visible(change.sentence))
    for note in notes:
        typer.echo(note)
    count = {verdict: sum(change.verdict == verdict for change in changes) for verdict in STYLES}
    passed = "failed" if count["worse"] or count["missing"] else "passed"
    typer.echo(
        f"The gate {passed} against {reference}: of {len(changes)} values {count['worse']} are worse, "
        f"{count['missing']} missing, {count['better']} better, {count['same']} the same."
    )


def _print_changes(changes: Sequence[Change], console: Console) -> None:
    """A table for each data set, of the values that both runs have."""
    from rich.text import Text

    from uaabench.reporting.fitting import Column, print_columns
    from uaabench.reporting.names import visible

    for dataset, split in dict.fromkeys((change.dataset, change.split) for change in changes):
        of_section = [change for change in changes if (change.dataset, change.split) == (dataset, split)]
        here = [change for change in of_section if change.difference is not None]
        keys = [
            Column("Method", [Text(visible(change.method)) for change in here], "left"),
            Column("Metric", [Text(change.metric) for change in here], "left"),
        ]
        columns = [Column(head, [Text(show(change)) for change in here]) for head, show in CELLS.items()]
        verdicts = [Text(change.verdict, style=STYLES[change.verdict]) for change in here]
        print_columns(visible(f"{dataset} {split}"), keys, [*columns, Column("verdict", verdicts, "left")], console)


def _p_value(value: float | None) -> str:
    if value is None:
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _interval(change: Change) -> str:
    return "-" if change.low is None else f"[{change.low:+.4f}, {change.high:+.4f}]"


# Head of each column of `compare`, and how a change that both runs have a value of is shown in it.
CELLS: dict[str, Callable[[Change], str]] = {
    "A": lambda change: f"{change.before:.4f}",
    "B": lambda change: f"{change.after:.4f}",
    "B - A": lambda change: f"{change.difference:+.4f}",
    "95 % interval": _interval,
    "p": lambda change: _p_value(change.p_value),
    "won": lambda change: "-" if change.win_rate is None else f"{change.win_rate:.0%}",
    "n": lambda change: str(change.n),
}


def _print_missing(changes: Sequence[Change]) -> None:
    from uaabench.reporting.names import visible

    for change in changes:
        if change.verdict == "missing":
            typer.echo(visible(change.sentence))
