"""The detect stage: a detector on the artefacts of each method, to which of its detections are right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from uaabench.core import files
from uaabench.core.arrays import ByteImage
from uaabench.core.boxes import Boxes, Detections
from uaabench.core.columns import Measure
from uaabench.core.errors import DataError, UsageError, faults, sentence
from uaabench.core.grid import Grid
from uaabench.core.interface import LabelClass, Pair
from uaabench.core.streams import ordered_map
from uaabench.judges.artefacts import in_colour
from uaabench.judges.detection import coco, detectors, drawing, protocols
from uaabench.judges.detection.detector import Detector
from uaabench.judges.detection.judge import Judge, judges_of, name_of
from uaabench.judges.detection.matching import tally
from uaabench.judges.detection.precision import AP, AP50
from uaabench.judges.detection.protocols import Protocol
from uaabench.judges.detection.report import class_grid, details, judged
from uaabench.running import batches, store
from uaabench.running.batches import Batches, Done, Size
from uaabench.running.config import RunConfig
from uaabench.running.stage import Planning, Row, Stage, View, by_method, unit_of
from uaabench.running.units import DatasetPlan, Outcome, PlannedPairs, Runtime, Share, Unit
from uaabench.statistics.resampling import Tallies


@dataclass(frozen=True)
class Loaded:
    """What a detector is given of a pair: the image it sees, its true boxes, and the hash of the artefact."""

    image: ByteImage
    boxes: Boxes
    artefact: str


class Detect(Stage):
    """Detects objects in the artefacts; keeps of each pair its detections, its true boxes and which were right."""

    name: ClassVar[str] = "detect"
    doing: ClassVar[str] = "Detecting"
    measures: ClassVar[Sequence[Measure]] = (AP50, AP)
    finds: ClassVar[str] = "detected in"

    def units(self, planning: Planning) -> Sequence[Unit]:
        """One unit for each judge of each fuse unit on a data set with boxes."""
        config = planning.config
        if config.detection_protocol:
            protocols.protocol(config.detection_protocol)
        by_dataset = {dataset.place: protocol_of(dataset, config) for dataset in planning.datasets}
        if config.detector not in ("auto", "none") and not any(by_dataset.values()):
            raise UsageError(
                f"--detector {config.detector} has nothing to judge, as no data set of this run has boxes; "
                "docs/detection.md says where those lie, or leave --detector out."
            )
        units, find = [], cache(detectors.resolve)
        for fused in planning.fuse:
            dataset = fused.dataset
            protocol = by_dataset[dataset.place]
            for found in judges_of(fused.method.label, config.detector, dataset.adapter, protocol, find):
                judge = _as_asked(found, config.judge_precision, planning.batches[dataset.place], find)
                boxes = dataset.boxes[_version(judge, dataset)]
                described = {"boxes": boxes, "judge": judge.key, "device": planning.device}
                described |= batches.described(judge.batches)
                suffix = "" if judge.seed is None else f"-seed-{judge.seed}"
                units.append(unit_of(self, fused, described, judge, suffix=suffix))
        _refuse_unlike(units)
        return units

    def holds(self, run: Path, unit: Unit) -> store.Holds:
        """What was found stands as long as the artefact is what it was."""
        known = store.artefact_hashes(run, unit)
        return lambda pair, value: bool(value["artefact"] == known.get(pair))

    def work(self, share: Share, runtime: Runtime) -> Iterator[Outcome]:
        """Detect batch by batch, while other threads read ahead."""
        (unit,) = share.units
        judge: Judge = unit.task
        pairs = batches.one_size_after_the_other([pair for pair, _ in share.waiting], judge.batches)
        try:
            detector = _detector(judge, runtime.device)
            dataset = unit.dataset.open()
        except faults() as error:
            yield from (Outcome(unit, pair, reason=sentence(error)) for pair in pairs)
            return
        hashes = store.artefact_hashes(runtime.run, unit)

        def load(pair: Pair) -> tuple[Pair, Loaded | BaseException]:
            try:
                artefact = store.verified_artefact(runtime.run, unit, pair.id, hashes[pair.id])
                return pair, _load(dataset, pair, artefact, unit, hashes[pair.id])
            except faults() as error:
                return pair, error

        def detect(loaded: Sequence[Loaded]) -> list[tuple[Loaded, Detections]]:
            return list(zip(loaded, detector.detect_all([one.image for one in loaded]), strict=True))

        threads, ahead = batches.threads_beside(runtime), max(judge.batches.values(), default=1)
        read = ordered_map(load, pairs, threads=threads, ahead=ahead)
        yield from (
            _judged(done, unit)
            for done in Batches(detect, lambda one: batches.size_of(one.image), judge.batches).map(read)
        )

    def finish(self, run: Path, units: Sequence[Unit]) -> None:
        """Write the detections of each unit as COCO JSON, with the true boxes."""
        for unit in units:
            kept = {pair: result.value for pair, result in store.results(run, unit).items() if not result.reason}
            if kept:
                coco.write(run / unit.folder, kept, unit.task.classes)

    def judge(self, units: Sequence[Unit]) -> tuple[str, Mapping[str, Any]]:
        """Protocol and detectors, and which boxes and classes count."""
        judges: list[Judge] = [unit.task for unit in units]
        first, dataset = judges[0], units[0].dataset
        version = _version(first, dataset)
        setting = {
            "protocol": first.protocol.name,
            "classes": list(first.classes),
            "left_out": list(first.left_out),
            "areas": [asdict(area) for area in first.protocol.areas],
            "boxes": version if len(dataset.boxes) > 1 else "",
            "boxes_sha256": dataset.boxes[version],
            "seeds": [judge.seed for judge in judges],
            "weights": files.digest(dict(first.key_of_detector)) if first.way == "frozen" else "",
        }
        return name_of(judges), setting

    def truth(self, units: Sequence[Unit]) -> Mapping[str, str]:
        """The files of boxes."""
        dataset, version = units[0].dataset, _version(units[0].task, units[0].dataset)
        files_of = {pair.id: pair.boxes[version] for pair in dataset.pairs if version in pair.boxes}
        return {pair: dataset.marks[path].sha256 for pair, path in files_of.items()}

    def details(self, tallies: Tallies) -> Iterator[Row]:
        """AP75 and AR, the values of several seeds, AP of each range of sizes, and AP50 and AP of each class."""
        yield from details(tallies)

    def grids(self, view: View) -> Sequence[Grid]:
        """AP50 of each class."""
        grid = class_grid(view)
        return (grid,) if grid else ()

    def legend(self, view: View) -> str:
        """Protocol, detector and boxes."""
        said = judged(view)
        return f"AP50 and AP on {view.title}: {said}." if said else ""

    def layer(self, folder: Path, pair: str, value: Any, classes: Sequence[LabelClass]) -> ByteImage | None:  # noqa: ARG002
        """The detections in the colours of their classes, and the true boxes dashed."""
        height, width = value["size"]
        return drawing.draw((height, width), value["boxes"], value["detections"])

    def colours(self, setting: Mapping[str, Any], classes: Sequence[LabelClass]) -> Sequence[LabelClass]:  # noqa: ARG002
        """The classes that count, and how true boxes are drawn."""
        return drawing.key(setting["classes"])


def protocol_of(dataset: DatasetPlan, config: RunConfig) -> Protocol | None:
    """The protocol that a data set is judged by; None where it has no boxes or nothing shall be detected.

    Raises:
        UsageError: The protocol that was asked for does not fit the boxes of this data set.
        DataError: What names the classes of the boxes cannot be read.
    """
    if config.detector == "none" or not dataset.boxes:
        return None
    classes = dataset.open().box_classes
    return protocols.for_dataset(dataset.adapter, classes, tuple(dataset.boxes), config.detection_protocol)


def _as_asked(judge: Judge, precision: str, sizes: Mapping[Size, int], find: Callable[[str], Detector]) -> Judge:
    """A judge in the arithmetic that was asked for, with the batches that it takes.

    Raises:
        UsageError: It cannot be run so.
    """
    detector = find(judge.named)
    if precision not in detector.precisions:
        raise UsageError(
            f"The detector {detector.name} cannot be run in {precision}: what runs its file takes the arithmetic that "
            "it holds; leave --judge-precision out, or name a detector that runs in torch."
        )
    return replace(judge, precision=precision, batches=sizes if detector.takes_batches else {})


def _version(judge: Judge, dataset: DatasetPlan) -> str:
    """The version of the boxes that a judge compares with."""
    return judge.protocol.boxes or next(iter(dataset.boxes))


def _refuse_unlike(units: Sequence[Unit]) -> None:
    """AP of methods can be compared only where their judges differ in nothing but the images they were trained on."""
    by_dataset: dict[Path, tuple[str, tuple[str, ...], str]] = {}
    for of_method in by_method(units):
        first = of_method[0]
        name, classes = name_of([unit.task for unit in of_method]), first.task.classes
        other, others, method = by_dataset.setdefault(first.dataset.place, (name, classes, first.method.label))
        if (name, classes) != (other, others):
            raise UsageError(
                f"On {first.dataset.name} '{method}' would be judged by '{other}' ({', '.join(others)}) but "
                f"'{first.method.label}' by '{name}' ({', '.join(classes)}); train the same network with the same "
                "seeds for every method, or name them alone in --methods."
            )


def _load(dataset: PlannedPairs, pair: Pair, artefact: Path, unit: Unit, sha256: str) -> Loaded:
    true = dataset.read_boxes(pair, _version(unit.task, unit.dataset))
    if true is None:
        raise DataError("there is no file of boxes for this pair")
    return Loaded(in_colour(dataset, pair, artefact), true, sha256)


def _judged(done: Done[Pair, tuple[Loaded, Detections]], unit: Unit) -> Outcome:
    """What is kept of one image: detections and true boxes of the classes that count, and which were right.

    Coordinates and confidences are rounded as they are kept, so that what is kept gives the numbers again.
    """
    if isinstance(done.result, BaseException):
        return Outcome(unit, done.key, reason=sentence(done.result))
    judge: Judge = unit.task
    loaded, detections = done.result
    try:
        boxes, found = _counted_boxes(loaded.boxes, judge), _counted_detections(detections, judge)
        kept = {
            "artefact": loaded.artefact,
            "size": list(loaded.image.shape[:2]),
            "boxes": _rows(boxes.labels, boxes.corners, boxes.ignored.astype(int)),
            "detections": _rows(found.labels, found.corners, found.scores),
            "tally": tally(boxes, found, len(judge.classes), judge.protocol.areas),
            **batches.noted(done),
        }
    except faults() as error:
        return Outcome(unit, done.key, reason=sentence(error))
    return Outcome(unit, done.key, kept)


def _counted_boxes(true: Boxes, judge: Judge) -> Boxes:
    """The true boxes of the classes that count and that the detector can know."""
    number_of = {name: number for number, name in enumerate(judge.classes)}
    labels = np.array([number_of.get(judge.protocol.classes[label], -1) for label in true.labels], np.int64)
    kept = labels >= 0
    return Boxes(np.round(true.corners[kept], 3), labels[kept], true.ignored[kept])


def _counted_detections(found: Detections, judge: Judge) -> Detections:
    """The detections of these classes.

    Raises:
        DataError: A corner or confidence is not finite.
    """
    if not (np.isfinite(found.corners).all() and np.isfinite(found.scores).all()):
        raise DataError("the detector found boxes or confidences that are NaN or infinite")
    labels = np.array([judge.labels.get(int(label), -1) for label in found.labels], np.int64)
    kept = labels >= 0
    return Detections(np.round(found.corners[kept], 3), labels[kept], np.round(found.scores[kept], 6))


def _rows(labels: Any, corners: Any, last: Any) -> list[list[float]]:
    return [
        [label, *box, end] for label, box, end in zip(labels.tolist(), corners.tolist(), last.tolist(), strict=True)
    ]


def _detector(judge: Judge, device: str) -> Detector:
    return _loaded(judge.named, files.digest(dict(judge.key_of_detector)), device, judge.precision)


@lru_cache(maxsize=2)
def _loaded(named: str, key: str, device: str, precision: str) -> Detector:
    """One detector judges all methods: it is loaded once in a process."""
    import torch

    detector = detectors.resolve(named)
    if files.digest(dict(detector.key)) != key:
        raise UsageError(f"The detector {named} has changed since the run was planned; give the command again.")
    detector.load(torch.device(device), precision)
    return detector
