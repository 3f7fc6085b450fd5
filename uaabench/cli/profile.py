"""The verb that measures what methods cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uaabench.cli import options
from uaabench.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uaabench.methods.efficiency import Efficiency


def profile(
    run: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="A run: its methods are measured, its report shows it.")
    ] = None,
    methods: options.Methods = None,
    sizes: Annotated[str, typer.Option(help="Comma list of HEIGHTxWIDTH.")] = "256x256,480x640,768x1024",
    device: options.Device = None,
    precision: Annotated[
        str | None, typer.Option(help="`fp32` or `bf16`. Default: that of the run, else `fp32`.")
    ] = None,
    plugin: options.Plugins = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Also write JSON to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Measure parameters, operations, latency and memory of methods, one image at a time.

    Exits with 3 when a method could not be measured; the others are kept. Examples:

        uaabench profile --methods uaa,tardal

        uaabench profile runs/paper && uaabench report runs/paper

        uaabench profile --methods 'mine,average' --plugin mine.py --sizes 480x640 --device cuda
    """
    import json
    from dataclasses import asdict

    from uaabench.core import registry
    from uaabench.methods import efficiency
    from uaabench.running import entries, manifest, pipeline
    from uaabench.running.config import build

    if run is None and not methods:
        raise UsageError("Name a run directory, or methods with --methods.")
    given = {
        "methods": options.split_commas(methods),
        "device": device,
        "precision": precision,
        "plugins": plugin,
        "floor": False if methods else None,
    }
    earlier = manifest.read_config(run).model_dump() if run else {}
    config = build(earlier | {name: value for name, value in given.items() if value is not None})
    registry.load_plugins(config.plugins)
    rows = efficiency.measure(
        list(entries.plan_methods(config)),
        sizes=read_sizes(sizes),
        device=pipeline.pick_device(config.device),
        precision=config.precision,
        plugins=config.plugins,
        on_row=_say,
    )
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        _print(rows)
    # Last, so that what was measured is told even where a file cannot be written.
    for file in (run / "efficiency.json" if run else None, out):
        if file is not None:
            efficiency.write(file, rows)
    if any(row.reason and row.kind != "precomputed" for row in rows):
        raise typer.Exit(3)


def read_sizes(text: str) -> list[tuple[int, int]]:
    """Read `256x256,480x640` as (height, width).

    Raises:
        UsageError: It is no such list.

    Example:
        >>> read_sizes("480x640")
        [(480, 640)]
    """
    sizes = []
    for part in text.split(","):
        height, _, width = part.strip().partition("x")
        if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
            raise UsageError(f"'{part}' is no image size; write HEIGHTxWIDTH, such as 480x640.")
        sizes.append((int(height), int(width)))
    return sizes


def _say(row: Efficiency) -> None:
    result = row.reason or f"{row.latency_ms:.1f} ms"
    typer.echo(f"{row.method} at {row.height}x{row.width}: {result}", err=True)


def _print(rows: Sequence[Efficiency]) -> None:
    from rich.console import Console

    from uaabench.reporting.grids import efficiency_grid
    from uaabench.reporting.terminal import print_grid

    print_grid(efficiency_grid(rows, {row.method: row.title for row in rows}), Console(highlight=False))
