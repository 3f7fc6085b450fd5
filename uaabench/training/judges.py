"""The protocol `retrain`: the images of a split fused by each method, and judges trained on each method's images.

    OUT/fused/fuse/<data set>/<method>-<key>/    the fused training images, as in a run
    OUT/<method>/seed-<n>/                       segmenter.safetensors or detector.safetensors, card, log, checkpoints

`uaabench run --segmenter OUT`, or `--detector OUT`, judges each method by its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from uaabench.core import registry
from uaabench.judges.retrained import seed_folder
from uaabench.running import batches, pipeline, store
from uaabench.running.config import RunConfig
from uaabench.running.entries import plan_dataset, plan_methods
from uaabench.running.lock import locked
from uaabench.running.stages.fuse import Conditions, Fuse, fuse_unit
from uaabench.running.units import Failure, Unit
from uaabench.training import detection, segmentation
from uaabench.training.boxed import BoxedImages
from uaabench.training.detection import DetectorRecipe
from uaabench.training.images import TrainingImages
from uaabench.training.runner import SegmenterRecipe

# What a judge is trained on: pairs with label maps or with boxes, seen as the images of its method.
Images = TypeVar("Images", bound=TrainingImages | BoxedImages)


def plan_fusions(config: RunConfig, images: TrainingImages | BoxedImages, device: str) -> list[Unit]:
    """The fuse units of all methods of a run on the training and held-out pairs.

    Args:
        config: Names the methods, and whether the floor is among them.
        images: The pairs.
        device: The kind of device, `cpu` or `cuda`.

    Raises:
        UsageError: A method is unknown.
    """
    registry.load_plugins(config.plugins)
    name = images.dataset.card.name
    pairs = [*images.pairs, *images.held_out]
    dataset = plan_dataset(images.dataset, name, images.split, pairs)
    at_once = batches.planned(dataset.pairs, config.batch, device)
    conditions = Conditions.of(config, device)
    return [fuse_unit(method, dataset, conditions, at_once) for method in plan_methods(config)]


def fuse_all(
    units: Sequence[Unit], run: Path, config: RunConfig, device: str, on_pair: pipeline.OnPair
) -> list[Failure]:
    """Fuse what is not fused yet; the pairs that failed.

    Args:
        units: What to fuse.
        run: The run directory of the fused images.
        config: How.
        device: As torch names it.
        on_pair: Called after every pair.

    Raises:
        UsageError: Another process works in the directory.
    """
    with locked(run):
        pipeline.work_on(Fuse(), units, run, config, device=device, on_pair=on_pair)
    return store.failures(run, units)


def train_judges(
    units: Sequence[Unit],
    images: TrainingImages | BoxedImages,
    recipes: Sequence[SegmenterRecipe] | Sequence[DetectorRecipe],
    fused: Path,
    folder: Path,
    say: Callable[[str], None],
) -> None:
    """Train the judges of all methods by each recipe; finished ones are kept, and one that was killed goes on.

    Args:
        units: One for each method, with all pairs fused.
        images: The pairs; what a judge sees of them are the images of its method. Label maps train segmenters, boxes
            train detectors.
        recipes: The same recipe with each seed, of a segmenter or a detector.
        fused: The run directory of the fused images.
        folder: Where the judges go.
        say: Called with lines about what is done.
    """
    # The functions of the two trainings are of one shape.
    task: Any = detection if isinstance(images, BoxedImages) else segmentation
    for recipe in recipes:
        for unit in units:
            judge = f"{unit.method.label}, seed {recipe.seed}"
            place = seed_folder(folder / unit.method.label, recipe.seed)
            say(f"{judge}: {'trained earlier' if task.is_finished(place) else place}")
            through = seen_through(unit, images, fused)
            task.train(through, recipe, place, report=_reporter(judge, recipe.steps, say))


def seen_through(unit: Unit, images: Images, fused: Path) -> Images:
    """The training images as a method fused them."""
    sha256 = unit.method.weights.sha256
    weights = f" with weights {sha256[:12]}" if sha256 else ""
    return replace(images, on=str(fused / unit.folder), origin=f"fused by {unit.method.label}{weights}")


def _reporter(judge: str, steps: int, say: Callable[[str], None]) -> Callable[[int, float], None]:
    return lambda step, loss: say(f"{judge}: step {step} of {steps}, loss {loss:.4f}")
