"""The verb `train`: networks trained here, on named images, with checkpoints and cards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from uaabench.cli import options

Changes = Annotated[
    list[str] | None, typer.Option("--set", help="Change an entry of the file: `steps=500`, `joint.steps=500`.")
]


class Verbs(TyperGroup):
    """The verbs below, and the name of any other method as short for `method NAME`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Read `seafusion --out F` as `method seafusion --out F`."""
        known = not args or args[0].startswith("-") or args[0] in self.commands
        return super().resolve_command(ctx, args if known else ["method", *args])


app = typer.Typer(cls=Verbs, help="Train networks; a killed training goes on when the same command is given again.")


@app.callback()
def about() -> None:
    """Train networks on named images; a killed training goes on with the same command."""


@app.command()
def segmenter(
    segmenter: options.SegmenterNetwork = "resnet18-segformer",
    dataset: Annotated[str, typer.Option("--dataset", help="`name` or `name:split`; its training split.")] = "demo",
    on: Annotated[
        str, typer.Option("--on", help="`visible`, `infrared`, `both`, `mix`, or a folder of fused training images.")
    ] = "visible",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of checkpoints, log and weights.")] = Path(
        "runs/segmenter"
    ),
    protocol: options.TrainingProtocol = "",
    names: options.PairNames = None,
    validate: options.HeldOut = None,
    steps: options.Steps = 1500,
    batch: options.Batch = 8,
    crop: options.Crop = 224,
    seed: Annotated[int, typer.Option(help="Seed of weights, crops and order.")] = 0,
    data_root: options.DataRoot = None,
) -> None:
    """Train a segmenter with mmengine and export its weights and card.

    Examples:
        uaabench train segmenter --segmenter fast-scnn --dataset msrs --on visible --out runs/fast-scnn

        uaabench train segmenter --dataset msrs --on fused/uaa/train --out runs/retrained-uaa
    """
    from uaabench.core.paths import data_folder
    from uaabench.judges.segmentation.segmenters import read_card
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
    named = f"{segmenter}@{file}" if segmenter.endswith(".py") else file
    typer.echo(f"Written: {file} and its card. Use it: uaabench run --segmenter {named} --datasets {dataset}")


@app.command()
def detector(
    dataset: Annotated[str, typer.Option("--dataset", help="`name` or `name:split`; its training split.")] = "demo",
    on: Annotated[
        str,
        typer.Option(
            "--on",
            help="`visible`, `infrared`, `average`, `maximum`, `mix` of these, or a folder of fused training images.",
        ),
    ] = "mix",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of checkpoint, log and weights.")] = Path(
        "runs/detector"
    ),
    names: options.PairNames = None,
    validate: options.HeldOut = None,
    steps: options.Steps = 1500,
    batch: options.Batch = 8,
    crop: options.Crop = 192,
    seed: Annotated[int, typer.Option(help="Seed of weights, crops and order.")] = 0,
    device: options.Device = None,
    data_root: options.DataRoot = None,
) -> None:
    """Train a small detector on a data set with boxes and export its weights and card.

    Examples:
        uaabench train detector --dataset msrs --on mix --out runs/detector

        uaabench train detector --dataset msrs --on fused/uaa/train --out runs/retrained-uaa
    """
    import torch

    from uaabench.core.paths import data_folder
    from uaabench.judges.detection.trained import read_card
    from uaabench.running.pipeline import pick_device
    from uaabench.training.boxed import choose
    from uaabench.training.detection import DetectorRecipe, train

    images = choose(dataset, data_root or data_folder(), on=on, names=names, held_out=validate)
    typer.echo(f"Detector on {images.described}; log and checkpoint: {out}")
    file = train(
        images,
        DetectorRecipe(steps=steps, batch=batch, crop=crop, seed=seed),
        out,
        report=lambda step, loss: typer.echo(f"step {step} of {steps}, loss {loss:.4f}"),
        device=torch.device(pick_device(device or "auto")),
    )
    if validation := read_card(file).validation:
        typer.echo(f"Validated: {validation}")
    typer.echo(f"Written: {file} and its card. Use it: uaabench run --detector {file} --datasets {dataset}")


@app.command()
def method(
    name: Annotated[str, typer.Argument(help="Name of the method; `train NAME` is the same as `train method NAME`.")],
    budget: Annotated[
        str,
        typer.Option(
            "--budget", "-b", help="What all methods share: a built-in budget (see docs/baselines.md), or a YAML file."
        ),
    ] = "",
    recipe: Annotated[
        str,
        typer.Option("--recipe", "-r", help="Of a method with a loop of its own: a built-in recipe, or a YAML file."),
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of checkpoints, logs and weights. Default: runs/NAME.")
    ] = None,
    changes: Changes = None,
    plugins: options.Plugins = None,
    device: options.Device = None,
    data_root: options.DataRoot = None,
) -> None:
    """Train a method by its own loss within a budget that all share, or by a recipe; export weights and card.

    Examples:
        uaabench train seafusion --data-root DATA

        uaabench train seafusion --set steps=100 --set data=[demo] --out runs/try

        uaabench train uaa --recipe paper --set segmenter.backbone=mobilenet_v2.pth --device cuda --out runs/paper
    """
    import torch

    from uaabench.core.registry import load_plugins
    from uaabench.core.weights import card_of
    from uaabench.running.pipeline import pick_device
    from uaabench.training.settings import parse_changes
    from uaabench.training.trainers import trainer_of

    load_plugins(plugins)
    trainer = trainer_of(name)
    named = _settings(name, trainer.word, {"budget": budget, "recipe": recipe})
    settings = trainer.read(named or trainer.default, parse_changes(changes or []))
    folder = out or Path("runs") / name
    pairs = trainer.pairs(settings, data_root)
    described = "; ".join(pairs.described)
    typer.echo(f"{name} by the {trainer.word} {settings.name} on {described}. Logs and checkpoints: {folder}")
    file = trainer.train(settings, pairs, torch.device(pick_device(device or "auto")), folder, typer.echo)
    if note := card_of(file).note:
        typer.echo(note)
    typer.echo(f"Written: {file} and its card. Use it: uaabench run --methods {name}@{file}")


def _settings(name: str, word: str, given: dict[str, str]) -> str:
    """What was named of the one kind of settings that a method takes; empty for nothing."""
    from uaabench.core.errors import UsageError

    for other, value in given.items():
        if value and other != word:
            raise UsageError(f"The method '{name}' is trained by a {word}; write --{word} instead of --{other}.")
    return given[word]


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder of a training by a recipe, finished or not.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write; its card goes beside it. Default: NAME.safetensors."),
    ] = None,
    plugins: options.Plugins = None,
) -> None:
    """Export the weights of the last checkpoint of a training by a recipe, and their card.

    Examples:
        uaabench train export runs/uaa -o uaa.safetensors
    """
    from uaabench.core.registry import load_plugins
    from uaabench.training.trainers import trained_in, trainer_of

    load_plugins(plugins)
    name = trained_in(folder)
    file = trainer_of(name).export(folder, out or Path(f"{name}.safetensors"))
    typer.echo(f"Written: {file} and its card.")
