"""How often attribution points at the source that shows an object.

    python benchmarks/attribution_truth.py --data DATA --boxes MSRS_detection_label [--split train] [--weights FILE ...]

Two kinds of objects of which it is known which source shows them:

- of the demo, those whose contour stands out in one source and not in the other (`roads/evident.py`): at least 10 and
  at most 5 grey levels of difference; their masks are exact;
- on pairs of MSRS, boxes that people drew on one source and not on the other: no box of the same class in the other
  version overlaps it by more than a tenth; the mask is the ellipse amid the box.

For each way of asking, the share of objects for which it prefers the right source: of all, and of those of infrared and
of visible; `balanced` is the mean of these two. Each object is a region by itself, in `class` mode all objects of its
class are, as in the paper. `relu` cuts negative contributions off, as the paper does; where none is left it is
undecided, which counts as wrong.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from uaabench.baselines.uaa.checkpoint import read_model
from uaabench.baselines.uaa.preference import Question, Target, contributions
from uaabench.baselines.uaa.roads.drawings import corners, map_of_boxes, objects, read_boxes
from uaabench.baselines.uaa.roads.evident import difference
from uaabench.baselines.uaa.roads.shipped import read_segmenter
from uaabench.core import imaging, weights
from uaabench.training.pairs import find

SHOWN, HIDDEN = 10.0, 5.0
OVERLAP = 0.1
REGIONS = ("object", "class")
TARGETS: tuple[Target, ...] = ("score", "logit", "log-probability")
QUESTIONS = [
    *(Question("difference", target) for target in TARGETS),
    *(Question("blurred", target, 3) for target in TARGETS),
    *(Question("black", target, 3) for target in TARGETS),
    *(Question("between", target, 3) for target in TARGETS),
    *(Question(path, "score", 8) for path in ("black", "blurred")),
]


@dataclass(frozen=True)
class Known:
    """An object that one source shows.

    Attributes:
        mask: Where it is, (H,W).
        label: Its class.
        by_infrared: Whether infrared shows it.
        alike: Where objects of its class are, (H,W).
    """

    mask: np.ndarray
    label: int
    by_infrared: bool
    alike: np.ndarray


@dataclass(frozen=True)
class Scene:
    """A pair (1,1,H,W) and the objects of it that one source shows."""

    name: str
    ir: Tensor
    vi: Tensor
    known: list[Known]


def demo(split: str) -> Iterator[Scene]:
    for dataset, pair in find([f"demo:{split}"], [], 0, None).items:
        sources, label = dataset.read(pair), dataset.read_label(pair)
        vi = imaging.grey(sources.vi).astype(np.uint8)
        classes = np.where(label < 4, label, 0).astype(np.uint8)
        known = []
        for mask in objects(classes):
            ir_shows, vi_shows = difference(sources.ir, mask), difference(vi, mask)
            if max(ir_shows, vi_shows) >= SHOWN and min(ir_shows, vi_shows) <= HIDDEN:
                number = int(classes[mask][0])
                known.append(Known(mask, number, ir_shows > vi_shows, classes == number))
        yield Scene(pair.id, imaging.to_tensor(sources.ir), imaging.to_tensor(vi), known)


def msrs(split: str, data: Path, boxes: Path) -> Iterator[Scene]:
    for dataset, pair in find([f"msrs:{split}"], [], 0, data).items:
        sources = dataset.read(pair)
        vi = imaging.grey(sources.vi).astype(np.uint8)
        drawn = [read_boxes(boxes / version / split / f"{pair.id}.txt") for version in ("infrared", "visible")]
        known = [
            known_box(box, own, vi.shape, by_infrared=by_infrared)
            for own, other, by_infrared in ((drawn[0], drawn[1], True), (drawn[1], drawn[0], False))
            for box in own
            if all(overlap(box, rival, vi.shape) <= OVERLAP for rival in other if rival[0] == box[0])
        ]
        yield Scene(pair.id, imaging.to_tensor(sources.ir), imaging.to_tensor(vi), known)


def known_box(box: np.ndarray, own: np.ndarray, shape: tuple[int, ...], *, by_infrared: bool) -> Known:
    label = {0: 2, 1: 3, 2: 1}[int(box[0])]
    alike = np.any([map_of_boxes(one[None], shape) == label for one in own if one[0] == box[0]], axis=0)
    mask = map_of_boxes(box[None], shape) == label
    return Known(mask, label, by_infrared, alike)


def overlap(box: np.ndarray, other: np.ndarray, shape: tuple[int, ...]) -> float:
    """Intersection over union of two boxes."""
    (a, b, c, d), (e, f, g, h) = corners(box, shape), corners(other, shape)
    shared = max(0, min(c, g) - max(a, e)) * max(0, min(d, h) - max(b, f))
    return shared / ((c - a) * (d - b) + (g - e) * (h - f) - shared)


def right(segmenter: nn.Module, scenes: list[Scene], question: Question, regions: str) -> tuple[np.ndarray, np.ndarray]:
    """For each known object whether infrared shows it, and what it was attributed: (N,) bool and (N,2)."""
    truths, found = [], []
    for scene in scenes:
        if not scene.known:
            continue
        masks = np.stack([one.alike if regions == "class" else one.mask for one in scene.known])
        labels = [one.label for one in scene.known]
        found.append(contributions(segmenter, torch.from_numpy(masks), labels, scene.ir, scene.vi, question).numpy())
        truths += [one.by_infrared for one in scene.known]
    return np.array(truths), np.concatenate(found)


def shares(truth: np.ndarray, of: np.ndarray) -> str:
    """Share right of all, by infrared, by visible, and their mean."""
    hit = np.where(truth, of[:, 0] > of[:, 1], of[:, 1] > of[:, 0])
    by_ir, by_vi = hit[truth].mean(), hit[~truth].mean()
    return f"{hit.mean():.3f} | {by_ir:.3f} | {by_vi:.3f} | {(by_ir + by_vi) / 2:.3f}"


def segmenters(given: list[Path]) -> Iterator[tuple[str, nn.Module]]:
    shipped = weights.shipped("uaa")
    assert shipped is not None
    yield "small", read_model(shipped).model_s
    for path in given:
        yield path.stem, read_segmenter(path)


def report(
    name: str, scenes: list[Scene], segmenter: nn.Module, questions: list[Question], regions: Sequence[str]
) -> None:
    for question in questions:
        for mode in regions:
            truth, found = right(segmenter, scenes, question, mode)
            steps = "–" if question.path == "difference" else question.steps
            row = f"| {name} | {question.path} | {question.target} | {steps} | {mode} |"
            print(f"{row} signed | {shares(truth, found)} |", flush=True)
            if question.path in {"black", "blurred"}:
                print(f"{row} relu | {shares(truth, np.maximum(found, 0))} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="data root with MSRS")
    parser.add_argument("--boxes", type=Path, required=True, help="people's boxes of MSRS")
    parser.add_argument("--split", choices=("train", "test"), default="train")
    parser.add_argument("--weights", type=Path, nargs="*", default=[], help="segmenters besides the one of uaa")
    parser.add_argument("--paths", nargs="*", help="ask along these paths only")
    parser.add_argument("--targets", nargs="*", help="ask for these targets only")
    parser.add_argument("--regions", nargs="*", choices=REGIONS, default=REGIONS, help="regions to ask about")
    parser.add_argument("--sets", nargs="*", choices=("demo", "msrs"), default=("demo", "msrs"))
    parser.add_argument("--scenes", type=int, help="so many scenes of each kind, evenly spread")
    given = parser.parse_args()
    torch.set_num_threads(1)
    questions = [
        question
        for question in QUESTIONS
        if question.path in (given.paths or question.path) and question.target in (given.targets or question.target)
    ]
    sets: dict[str, Callable[[], Iterator[Scene]]] = {
        "demo": lambda: demo(given.split),
        "msrs": lambda: msrs(given.split, given.data, given.boxes),
    }
    for name in given.sets:
        scenes = [scene for scene in sets[name]() if scene.known]
        scenes = scenes[:: max(1, len(scenes) // (given.scenes or len(scenes)))]
        known = [one for scene in scenes for one in scene.known]
        by_ir = sum(one.by_infrared for one in known)
        print(f"\n{name} {given.split}: {len(scenes)} scenes, {len(known)} objects, {by_ir} of them by infrared")
        print("| segmenter | path | target | K | region | normalised | right | infrared | visible | balanced |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        for title, segmenter in segmenters(given.weights):
            report(title, scenes, segmenter, questions, given.regions)


if __name__ == "__main__":
    main()
