"""The `uaabench` command: its verbs, and how errors become one sentence and an exit code."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import uaabench
from uaabench.cli import (
    comparing,
    data,
    explaining,
    figure,
    judging,
    listing,
    maintenance,
    methods,
    profiling,
    running,
    segmenting,
    training,
    weights,
)
from uaabench.cli.evaluate import evaluate
from uaabench.core.errors import UaabenchError

EPILOG = (
    "Exit codes: 0 all done; 1 the regression gate found one; 2 usage; 3 finished, but something failed; "
    "4 data or weights invalid; 130 interrupted."
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    epilog=EPILOG,
    pretty_exceptions_enable=False,
)
app.command(epilog=EPILOG)(running.run)
app.command()(methods.fuse)
app.command()(running.score)
app.command()(segmenting.segment)
app.command()(running.report)
app.command()(profiling.profile)
app.command()(comparing.compare)
app.command()(comparing.check)
app.command()(comparing.merge)
training.app.command()(judging.judges)
app.add_typer(training.app, name="train")
app.add_typer(figure.app, name="figure")
app.command()(explaining.explain)
app.command()(evaluate)
app.command("list")(listing.list_names)
app.command()(listing.show)
app.add_typer(data.app, name="data")
app.add_typer(weights.app, name="weights")
app.command("check-method")(methods.check_method)
app.command()(maintenance.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"uaabench {uaabench.__version__}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Benchmark infrared-visible image fusion: one command from methods and data to a table you can defend."""


def main() -> None:
    """Run the command line; an error of the user's is one sentence on standard error and its exit code."""
    try:
        app()
    except UaabenchError as error:
        typer.echo(f"uaabench: {error}", err=True)
        sys.exit(error.exit_code)
