"""The verb `doctor`: versions, devices, data, weights, and what mends what is missing."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import typer

import uaabench
from uaabench.cli import options
from uaabench.core import paths


class Finding(NamedTuple):
    """One thing that was looked at: its state, what it is, and the command that mends it, if it needs one."""

    state: Literal["ok", "missing", "broken"]
    what: str
    detail: str
    mend: str = ""


def doctor(
    data_root: options.DataRoot = None,
    as_json: Annotated[bool, typer.Option("--json", help="The findings as JSON.")] = False,
) -> None:
    """Say what works here, what is missing, and the command that mends it.

    Exits with 4 when shipped weights are damaged. Example: uaabench doctor
    """
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


def examine(data_root: Path | None = None) -> list[Finding]:
    """Look at everything a run needs.

    Args:
        data_root: Folder of the data sets; None for the one a run would use.
    """
    return [*_versions(), *_devices(), *_data(data_root or paths.data_folder()), *_weights()]


def _versions() -> Iterator[Finding]:
    from uaabench.running.manifest import PACKAGES

    yield Finding("ok", "uaabench", f"{uaabench.__version__} with Python {platform.python_version()}")
    for package in PACKAGES:
        try:
            yield Finding("ok", package, version(package))
        except PackageNotFoundError:
            yield Finding("missing", package, "not installed", f"python -m pip install {package}")


def _devices() -> Iterator[Finding]:
    import torch

    yield Finding("ok", "cpu", f"{os.cpu_count()} cores, torch uses {torch.get_num_threads()} threads")
    for number in range(torch.cuda.device_count()):
        yield Finding("ok", f"cuda:{number}", torch.cuda.get_device_name(number))
    if not torch.cuda.is_available():
        yield Finding("missing", "cuda", "no GPU that torch can use; everything runs on the CPU")


def _data(data_root: Path) -> Iterator[Finding]:
    from uaabench.core import registry
    from uaabench.data.sources import how_to_get

    for name in registry.dataset_names():
        if name in ("demo", "folder"):
            continue
        dataset = registry.dataset_class(name)
        folder = dataset.locate(data_root)
        if folder:
            yield Finding("ok", name, str(folder))
        else:
            yield Finding("missing", name, f"not in {data_root}", how_to_get(dataset))
    yield Finding("ok", "demo", "made on first use")


def _weights() -> Iterator[Finding]:
    from uaabench.cli.weights import weights_here
    from uaabench.core import registry, weights

    for name, origin, fault in weights_here():
        if not fault:
            yield Finding("ok", f"{name} weights", f"{origin}, hash right")
        elif origin == "shipped":
            yield Finding("broken", f"{name} weights", fault, "python -m pip install --force-reinstall .")
        else:
            yield Finding("broken", f"{name} weights", fault, f"uaabench weights add {name.partition('@')[0]} FILE")
    for card in registry.method_cards().values():
        for name, checkpoint in card.checkpoints.items():
            if not weights.stored(checkpoint):
                mend = weights.how_to_get(card, name)
                yield Finding("missing", f"{card.name}@{name}", "official checkpoint", mend)
