"""The `uaabench` command: its verbs, and the one place where whatever they raise ends."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import uaabench
from uaabench.cli import (
    comparing,
    data,
    detect,
    doctor,
    errors,
    explaining,
    figure,
    judging,
    listing,
    methods,
    output,
    profile,
    published,
    reference,
    running,
    segment,
    training,
    weights,
)
from uaabench.cli.evaluate import evaluate

EPILOG = (
    "Exit codes: 0 all done; 1 the regression gate found one; 2 usage; 3 finished, but something failed; "
    "4 data or weights invalid; 5 a file cannot be written; 70 a defect of the program; 130 interrupted."
)
# What Typer raises for a command line that it cannot read, and tells of by itself; it exports this child of it only.
NO_COMMAND_LINE: Any = typer.BadParameter.__base__


class Verbs(TyperGroup):
    """The verbs; what any of them raises ends in one sentence and its exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Carry out the verb of a command line."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, NO_COMMAND_LINE):
            raise
        # Everything else, `sys.exit` of a plugin included, which would look like success.
        except BaseException as error:
            raise typer.Exit(errors.tell(error)) from None


app = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    epilog=EPILOG,
    pretty_exceptions_enable=False,
)
app.command(epilog=EPILOG)(running.run)
app.command()(methods.fuse)
app.command()(running.score)
app.command()(segment.segment)
app.command()(detect.detect)
app.command()(running.report)
app.command()(profile.profile)
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
app.add_typer(reference.app, name="reference")
app.command()(published.published)
app.add_typer(weights.app, name="weights")
app.command("check-method")(methods.check_method)
app.command()(doctor.doctor)


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
    """Run the command line."""
    output.prepare()
    code: Any = 0
    try:
        try:
            app()
        except SystemExit as end:
            code = end.code
        if sys.stdout is not None:
            sys.stdout.flush()
    except BaseException as error:
        code = errors.tell(error)
    sys.exit(code)
