"""The verb `train`: networks trained here, on named images, with checkpoints and cards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uaabench.cli import options

app = typer.Typer(help="Train networks; a killed training goes on when the same command is given again.")


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


@app.command()
def uaa(
    recipe: Annotated[
        str, typer.Option("--recipe", "-r", help="Built-in recipe (see docs/uaa.md), or a YAML file.")
    ] = "sharp",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of checkpoints, logs and weights.")] = Path(
        "runs/uaa"
    ),
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="Change an entry of the recipe: `joint.steps=500`.")
    ] = None,
    device: options.Device = None,
    data_root: options.DataRoot = None,
) -> None:
    """Train UAAFusion by a recipe and export weights and card.

    Examples:
        uaabench train uaa --out runs/uaa --data-root DATA

        uaabench train uaa --recipe paper --set segmenter.backbone=mobilenet_v2.pth --device cuda --out runs/paper
    """
    import torch

    from uaabench.pipeline import pick_device
    from uaabench.training import recipe as recipes
    from uaabench.training.export import export
    from uaabench.training.pairs import find
    from uaabench.training.uaa import train

    chosen = recipes.read(recipe, recipes.parse_changes(changes or []))
    pairs = find(chosen.data, chosen.labelled, chosen.validation.pairs, data_root)
    typer.echo(f"Recipe {chosen.name} on {'; '.join(pairs.described)}. Logs and checkpoints: {out}")

    def report(phase: str, step: int, values: dict[str, float]) -> None:
        steps = chosen.segmenter.steps if phase == "segmenter" else chosen.joint.steps
        if phase == "validation" or step % 50 == 0 or step == steps:
            text = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
            typer.echo(f"{phase} {step} of {steps}: {text}")

    train(pairs, chosen, torch.device(pick_device(device or "auto")), out, report)
    file = export(out, out / "uaa.safetensors")
    typer.echo(f"Written: {file} and its card. Use it: uaabench run --methods uaa@{file}")


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder of a training of UAAFusion, finished or not.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write; its card goes beside it.")] = Path(
        "uaa.safetensors"
    ),
) -> None:
    """Export the weights of the last checkpoint of `train uaa`, and their card.

    Examples:
        uaabench train export runs/uaa -o uaa.safetensors
    """
    from uaabench.training.export import export as write

    typer.echo(f"Written: {write(folder, out)} and its card.")
