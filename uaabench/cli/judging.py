"""The verb `train judges`: segmenters or detectors trained on the fused images of each method (`retrain`)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from uaabench.cli import options


def judges(
    methods: options.Methods = None,
    dataset: Annotated[
        str, typer.Option("--dataset", "-d", help="`name` or `name:split`; its training split.")
    ] = "demo",
    task: Annotated[
        Literal["segmentation", "detection"],
        typer.Option("--task", help="Train segmenters on label maps, or detectors on boxes."),
    ] = "segmentation",
    segmenter: options.SegmenterNetwork = "resnet18-segformer",
    seeds: Annotated[str, typer.Option(help="Comma list; each method gets one judge for each.")] = "0",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the judges.")] = Path("judges"),
    protocol: options.TrainingProtocol = "",
    names: options.PairNames = None,
    validate: options.HeldOut = None,
    steps: options.Steps = 1500,
    batch: options.Batch = 8,
    crop: options.Crop = 224,
    no_floor: Annotated[bool, typer.Option("--no-floor", help="Leave out the trivial methods.")] = False,
    device: options.Device = None,
    data_root: options.DataRoot = None,
    plugin: options.Plugins = None,
) -> None:
    """Fuse a training split by each method, and train judges on the images of each, floor included.

    The same command goes on where it was stopped; finished judges are kept. Exits with 3 when a pair could not be
    fused; the methods without failures are trained all the same. Examples:

        uaabench train judges --methods uaa,tardal --dataset msrs:train --seeds 0,1 --out judges

        uaabench run --methods uaa,tardal --datasets msrs --segmenter judges

        uaabench train judges --task detection --methods uaa,tardal --dataset msrs --out detectors

        uaabench run --methods uaa,tardal --datasets msrs --detector detectors
    """
    from uaabench.cli.running import print_failures
    from uaabench.core.paths import data_folder
    from uaabench.running import pipeline
    from uaabench.running.config import build
    from uaabench.running.progress import progress
    from uaabench.running.store import open_run
    from uaabench.training import judges as training
    from uaabench.training.boxed import BoxedImages
    from uaabench.training.boxed import choose as choose_boxed
    from uaabench.training.detection import DetectorRecipe
    from uaabench.training.images import TrainingImages, choose
    from uaabench.training.runner import SegmenterRecipe

    given = {"methods": options.split_commas(methods), "floor": not no_floor, "device": device, "plugins": plugin}
    config = build(given)
    root, detects = data_root or data_folder(), task == "detection"
    images: TrainingImages | BoxedImages
    recipes: list[SegmenterRecipe] | list[DetectorRecipe]
    if detects:
        _refuse_for_detection({"--segmenter": segmenter != "resnet18-segformer", "--protocol": bool(protocol)})
        recipes = [DetectorRecipe(steps=steps, batch=batch, crop=crop, seed=seed) for seed in _seeds(seeds)]
        images = choose_boxed(dataset, root, names=names, held_out=validate)
    else:
        recipe = SegmenterRecipe(network=segmenter, steps=steps, batch=batch, crop=(crop, crop))
        recipes = [replace(recipe, seed=seed) for seed in _seeds(seeds)]
        images = choose(dataset, root, protocol=protocol, names=names, held_out=validate)
    chosen = pipeline.pick_device(config.device)
    units = training.plan_fusions(config, images, chosen.partition(":")[0])
    fused = open_run(out / "fused")
    try:
        with progress({"fuse": sum(len(unit.dataset.pairs) for unit in units)}) as on_pair:
            failures = training.fuse_all(units, fused, config, chosen, on_pair)
        failed = {failure.method for failure in failures}
        whole = [unit for unit in units if unit.method.label not in failed]
        training.train_judges(whole, images, recipes, fused, out, typer.echo)
    except KeyboardInterrupt:
        typer.echo(f"uaabench: interrupted; the same command goes on from what is in {out}.", err=True)
        raise typer.Exit(130) from None
    if failures:
        print_failures(failures)
        raise typer.Exit(3)
    floor = " --no-floor" if no_floor else ""
    name = images.dataset.card.name
    word = "detector" if detects else "segmenter"
    typer.echo(f"Use them: uaabench run --methods {','.join(config.methods)} --datasets {name} --{word} {out}{floor}")


def _refuse_for_detection(given: dict[str, bool]) -> None:
    from uaabench.core.errors import UsageError

    for option, is_given in given.items():
        if is_given:
            raise UsageError(f"{option} is of segmenters; leave it out, or train them: --task segmentation.")


def _seeds(text: str) -> list[int]:
    from uaabench.core.errors import UsageError

    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise UsageError(f"'{text}' are no seeds; write whole numbers with commas between them, such as 0,1,2.")
    return list(dict.fromkeys(map(int, parts)))
