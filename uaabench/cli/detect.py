"""The verb `detect`: the AP of a run."""

from __future__ import annotations

from typing import Annotated

import typer

from uaabench.cli import options
from uaabench.cli.running import RunFolder, execute


def detect(
    run: RunFolder,
    detector: options.DetectorName = None,
    protocol: Annotated[
        str | None, typer.Option("--protocol", help="Which boxes and classes count. Default: as the run was.")
    ] = None,
    judge_precision: options.JudgePrecision = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Detect everything anew.")] = False,
    plugin: options.Plugins = None,
) -> None:
    """Detect objects in the fused images of a run, and add their AP to its table.

    Examples:
        uaabench detect runs/paper --detector ssd.toml

        uaabench detect runs/paper --detector ssd.toml --protocol msrs-det-3-infrared
    """
    from uaabench.running import manifest
    from uaabench.running.config import build

    given = {
        "detector": detector,
        "detection_protocol": protocol,
        "judge_precision": judge_precision,
        "plugins": plugin,
    }
    config = manifest.read_config(run).model_dump() | {key: value for key, value in given.items() if value is not None}
    execute(build(config), run, stages=("detect",), fresh=fresh)
