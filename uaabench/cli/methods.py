"""The verbs about a single method: fuse two files (or run the fuse stage alone), and check its conformance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uaabench.cli import options
from uaabench.core.errors import UsageError


def fuse(
    images: Annotated[list[Path] | None, typer.Argument(metavar="[IR VI]", help="Two registered images.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The PNG to write, or the run directory.")] = None,
    method: Annotated[str | None, typer.Option("--method", help="Method for two images.")] = None,
    colour: Annotated[
        bool, typer.Option("--colour/--grey", help="Give the result the chroma of the visible image.")
    ] = False,
    methods: options.Methods = None,
    datasets: options.Datasets = None,
    device: options.Device = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", help="Worker processes of the stage.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first N pairs of each data set.")] = None,
    data_root: options.DataRoot = None,
    plugin: options.Plugins = None,
) -> None:
    """Fuse two images, or run the fuse stage alone over data sets.

    The PNG of two images is the one that metrics are computed on. Examples:

        uaabench fuse ir.png vi.png -o out.png --method uaa --colour

        uaabench fuse --methods uaa --datasets msrs --out runs/paper
    """
    if images:
        from uaabench.core import registry

        if method is None:
            raise UsageError("Name the method that fuses the two images: --method NAME; see 'uaabench list methods'.")
        registry.load_plugins(plugin)
        _fuse_files(images, out, method, device or "auto", colour)
        return
    from uaabench.cli.running import execute
    from uaabench.running.config import build

    given = {
        "methods": options.split_commas(methods),
        "datasets": options.split_commas(datasets),
        "device": device,
        "jobs": jobs,
        "limit": limit,
        "data_root": data_root,
        "plugins": plugin,
        "floor": False,
    }
    execute(build(given), out, stages=("fuse",))


def check_method(
    name: Annotated[str, typer.Argument(help="A method, also `name@checkpoint` or `name@file`.")],
    device: options.Device = "auto",
    plugin: options.Plugins = None,
) -> None:
    """Check that a method keeps the contract: shapes, range, determinism, batches, odd sizes, constant images.

    Exits with 3 when it does not. Example: uaabench check-method mine --plugin mine.py
    """
    import torch
    from rich.console import Console

    from uaabench.core import registry
    from uaabench.methods import conformance
    from uaabench.methods.fusing import load_method
    from uaabench.methods.named import plan_method
    from uaabench.running import pipeline

    registry.load_plugins(plugin)
    planned = plan_method(name)
    chosen = torch.device(pipeline.pick_device(device or "auto"))
    method = load_method(planned, chosen)
    on_cpu = load_method(planned, torch.device("cpu")) if chosen.type != "cpu" else None
    findings = conformance.check(method, chosen, on_cpu)
    console = Console()
    for finding in findings:
        sign = "[green]ok  [/]" if finding.passed else "[red]FAIL[/]"
        console.print(f"{sign} {finding.name}: {finding.detail}", highlight=False)
    if not all(finding.passed for finding in findings):
        raise typer.Exit(3)


def _fuse_files(images: list[Path], out: Path | None, method: str, device: str, colour: bool) -> None:
    from uaabench.core import imaging
    from uaabench.core.interface import Pair
    from uaabench.core.registry import dataset_class
    from uaabench.methods.fusing import make_fuser
    from uaabench.methods.named import plan_method
    from uaabench.running import pipeline

    if len(images) != 2 or out is None:
        raise UsageError("To fuse two images write: uaabench fuse IR VI -o OUT.png --method NAME")
    if out.suffix.lower() != ".png":
        raise UsageError(
            f"A fused image is written as PNG, without loss; name a file that ends in .png, not {out.name}."
        )
    pair = Pair(images[0].stem, images[0], images[1])
    sources = dataset_class("folder")(images[0].parent).read(pair)
    fused = make_fuser(plan_method(method), device=pipeline.pick_device(device))(pair, sources)
    if colour and fused.ndim == 2:
        fused = imaging.colourise(fused, sources.vi)
    imaging.write_png(out, fused)
    typer.echo(f"{out}: {imaging.size_text(fused)}, {'colour' if fused.ndim == 3 else 'grey'}, fused by {method}")
