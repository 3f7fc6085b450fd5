"""The verb `doctor`: versions, devices, data, weights, and what mends what is missing."""

from __future__ import annotations

from typing import Annotated

import typer

from uaabench.cli import options


def doctor(
    data_root: options.DataRoot = None,
    as_json: Annotated[bool, typer.Option("--json", help="The findings as JSON.")] = False,
) -> None:
    """Say what works here, what is missing, and the command that mends it.

    Exits with 4 when weights are damaged. Example: uaabench doctor
    """
    import json

    from uaabench.cli.diagnosis import examine

    findings = examine(data_root)
    if as_json:
        typer.echo(json.dumps([finding._asdict() for finding in findings], indent=2))
    else:
        for finding in findings:
            typer.echo(f"{finding.state:<8} {finding.what}: {finding.detail}")
            if finding.mend:
                typer.echo(f"         {finding.mend}")
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(4)
