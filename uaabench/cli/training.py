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
    from uaabench.errors import DataError, UsageError
    from uaabench.paths import data_folder
    from uaabench.plan import open_dataset
    from uaabench.segmentation.protocols import for_dataset
    from uaabench.training.segmentation import SegmenterRecipe, TrainingImages, labelled, train

    name, _, split = dataset.partition(":")
    found, label, _ = open_dataset(name, data_root or data_folder())
    split = split or "train"
    convention = for_dataset(found.card, protocol)
    pairs = found.pairs(split)
    if names is not None:
        wanted = set(names.read_text(encoding="utf-8").split()) if names.is_file() else set()
        if missing := sorted(wanted - {pair.id for pair in pairs}) or not wanted:
            raise UsageError(f"{names} must name pairs of {label} {split}, one a line; unknown: {missing}.")
        pairs = [pair for pair in pairs if pair.id in wanted]
    pairs = labelled(found, pairs)
    if convention is None or not pairs:
        raise DataError(f"The split '{split}' of {label} has no label maps; a segmenter cannot be trained on it.")
    typer.echo(f"{segmenter} on {on} of {len(pairs)} pairs of {label} {split}; log and checkpoints: {out}/mmengine")
    file = train(
        TrainingImages(found, pairs, on, convention, f"{found.card.title} {split}, {len(pairs)} pairs, {on}"),
        SegmenterRecipe(network=segmenter, steps=steps, batch=batch, crop=(crop, crop), seed=seed),
        out,
        report=lambda step, loss: typer.echo(f"step {step} of {steps}, loss {loss:.4f}"),
    )
    typer.echo(f"Written: {file} and its card. Use it: uaabench run --segmenter {file} --datasets {label}")
