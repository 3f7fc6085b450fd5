"""The verb `train`: networks trained here, on named images, with checkpoints and cards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uaabench.cli import options

app = typer.Typer(help="Train a segmenter; a killed training goes on when the same command is given again.")


@app.callback()
def about() -> None:
    """Train networks on named images; a killed training goes on with the same command."""


@app.command()
def segmenter(
    segmenter: Annotated[
        str, typer.Option("--segmenter", help="Network, see `uaabench list segmenters`, or a configuration file.")
    ] = "resnet18-segformer",
    dataset: Annotated[str, typer.Option("--dataset", help="`name` or `name:split`; its training split.")] = "demo",
    on: Annotated[
        str, typer.Option("--on", help="`visible`, `infrared`, `both`, `mix`, or a folder of fused training images.")
    ] = "visible",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of checkpoints, log and weights.")] = Path(
        "runs/segmenter"
    ),
    protocol: Annotated[str, typer.Option(help="Which classes count. Default: the data set's.")] = "",
    names: Annotated[Path | None, typer.Option(help="File with the ids to train on, one a line.")] = None,
    validate: Annotated[
        int | None, typer.Option(min=0, help="Pairs held out for validation. Default: a tenth of 20 or more.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps.")] = 1500,
    batch: Annotated[int, typer.Option(min=2, help="Crops in a step.")] = 8,
    crop: Annotated[int, typer.Option(min=64, help="Height and width of the crops.")] = 224,
    seed: Annotated[int, typer.Option(help="Seed of weights, crops and order.")] = 0,
    data_root: options.DataRoot = None,
) -> None:
    """Train a segmenter with mmengine and export its weights and card.

    Examples:
        uaabench train segmenter --segmenter fast-scnn --dataset msrs --on visible --out runs/fast-scnn

        uaabench train segmenter --dataset msrs --on fused/uaa/train --out runs/retrained-uaa
    """
    from uaabench.paths import data_folder
    from uaabench.segmentation.segmenters import read_card
    from uaabench.training.images import choose
    from uaabench.training.runner import SegmenterRecipe
    from uaabench.training.segmentation import train

    root = data_root or data_folder()
    images = choose(dataset, root, on=on, protocol=protocol, names=names, held_out=validate)
    typer.echo(f"{segmenter} on {images.described}; log and checkpoints: {out}/mmengine")
    file = train(
        images,
        SegmenterRecipe(network=segmenter, steps=steps, batch=batch, crop=(crop, crop), seed=seed),
        out,
        report=lambda step, loss: typer.echo(f"step {step} of {steps}, loss {loss:.4f}"),
    )
    if validation := read_card(file).validation:
        typer.echo(f"Validated: {validation}")
    typer.echo(f"Written: {file} and its card. Use it: uaabench run --segmenter {file} --datasets {dataset}")
