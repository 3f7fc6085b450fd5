"""The segment stage: a segmenter on the artefacts of each method, to one confusion matrix per pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from uaabench.core import imaging
from uaabench.core.arrays import ByteImage
from uaabench.core.columns import Measure
from uaabench.core.errors import DataError, UsageError, faults, sentence
from uaabench.core.grid import Grid
from uaabench.core.interface import LabelClass, Pair
from uaabench.core.streams import ordered_map
from uaabench.judges.artefacts import in_colour
from uaabench.judges.segmentation import protocols, segmenters
from uaabench.judges.segmentation.confusion import MEAN_IOU, confusion
from uaabench.judges.segmentation.judge import Judge, judges_of, name_of
from uaabench.judges.segmentation.protocols import Protocol
from uaabench.judges.segmentation.report import class_grid, details
from uaabench.judges.segmentation.segmenters import Segmenter, SegmenterFile
from uaabench.judges.shown import judged
from uaabench.running import batches, store
from uaabench.running.batches import Batches, Done
from uaabench.running.config import RunConfig
from uaabench.running.stage import Planning, Row, Stage, View, by_method, unit_of
from uaabench.running.units import DatasetPlan, Outcome, PlannedPairs, Runtime, Share, Unit
from uaabench.statistics.resampling import Tallies


@dataclass(frozen=True)
class Loaded:
    """What a segmenter is given of a pair: the image it sees, the true label map, and the hash of the artefact."""

    image: ByteImage
    label: ByteImage
    artefact: str


class Segment(Stage):
    """Segments the artefacts; the value it keeps of each pair has its confusion matrix as tally.

    Predictions are kept as PNG label maps beside the results, for the overlays of the page.
    """

    name: ClassVar[str] = "segment"
    doing: ClassVar[str] = "Segmenting"
    measures: ClassVar[Sequence[Measure]] = (MEAN_IOU,)
    finds: ClassVar[str] = "found in"

    def units(self, planning: Planning) -> Sequence[Unit]:
        """One unit for each judge of each fuse unit on a data set with label maps."""
        config = planning.config
        _refuse_unknown(config)
        by_dataset = {dataset.place: protocol_of(dataset, config) for dataset in planning.datasets}
        units = []
        for fused in planning.fuse:
            dataset = fused.dataset
            for found in judges_of(fused.method.label, config.segmenter, dataset.adapter, by_dataset[dataset.place]):
                judge = replace(found, precision=config.judge_precision, batches=planning.batches[dataset.place])
                described = {"labels": dataset.labels, "judge": judge.key, "device": planning.device}
                described |= batches.described(judge.batches)
                suffix = "" if judge.seed is None else f"-seed-{judge.seed}"
                units.append(unit_of(self, fused, described, judge, suffix=suffix))
        _refuse_unlike(units)
        return units

    def holds(self, run: Path, unit: Unit) -> store.Holds:
        """A matrix stands as long as artefact and prediction are what they were."""
        known = store.artefact_hashes(run, unit)
        return lambda pair, value: (
            value["artefact"] == known.get(pair)
            and store.is_unchanged(run / unit.folder / f"{pair}.png", value["prediction"])
        )

    def work(self, share: Share, runtime: Runtime) -> Iterator[Outcome]:
        """Segment batch by batch, while other threads read ahead."""
        (unit,) = share.units
        judge: Judge = unit.task
        pairs = batches.one_size_after_the_other([pair for pair, _ in share.waiting], judge.batches)
        try:
            segmenter = _segmenter(judge.file, judge.protocol.classes, runtime.device, judge.precision)
            dataset = unit.dataset.open()
        except faults() as error:
            yield from (Outcome(unit, pair, reason=sentence(error)) for pair in pairs)
            return
        hashes = store.artefact_hashes(runtime.run, unit)

        def load(pair: Pair) -> tuple[Pair, Loaded | BaseException]:
            try:
                artefact = store.verified_artefact(runtime.run, unit, pair.id, hashes[pair.id])
                return pair, _load(dataset, pair, artefact, hashes[pair.id])
            except faults() as error:
                return pair, error

        def segment(loaded: Sequence[Loaded]) -> list[tuple[Loaded, ByteImage]]:
            return list(zip(loaded, segmenter.predict([one.image for one in loaded]), strict=True))

        threads, ahead = batches.threads_beside(runtime), max(judge.batches.values(), default=1)
        read = ordered_map(load, pairs, threads=threads, ahead=ahead)
        for done in Batches(segment, lambda one: batches.size_of(one.image), judge.batches).map(read):
            yield _judged(done, unit, runtime.run)

    def judge(self, units: Sequence[Unit]) -> tuple[str, Mapping[str, Any]]:
        """Protocol and segmenters, and which classes count."""
        judges: list[Judge] = [unit.task for unit in units]
        protocol, card = judges[0].protocol, judges[0].file.card
        setting = {
            "protocol": protocol.name,
            "classes": list(protocol.classes),
            "counts_zero": protocol.counts_zero,
            "seeds": [judge.seed for judge in judges],
            "weights": judges[0].file.sha256 if judges[0].way == "frozen" else "",
            "trained_on": card.trained_on if card else "",
            "recipe": card.recipe if card else "",
            "validation": card.validation if card else "",
        }
        return name_of(judges), setting

    def truth(self, units: Sequence[Unit]) -> Mapping[str, str]:
        """The label maps."""
        dataset = units[0].dataset
        return {pair.id: dataset.contents[pair.id].label for pair in dataset.pairs}

    def details(self, tallies: Tallies) -> Iterator[Row]:
        """MAcc and aAcc, the values of several seeds, and IoU and accuracy of each class."""
        setting = tallies.setting
        classes = tuple(setting["classes"])
        protocol = Protocol(name=setting["protocol"], classes=classes, counts_zero=setting["counts_zero"])
        yield from details(tallies, protocol)

    def grids(self, view: View) -> Sequence[Grid]:
        """IoU of each class."""
        grid = class_grid(view)
        return (grid,) if grid else ()

    def legend(self, view: View) -> str:
        """Protocol and segmenter."""
        judges = judged(view, MEAN_IOU)
        return f"mIoU on {view.title}: {judges}." if judges else ""

    def layer(self, folder: Path, pair: str, value: Any, classes: Sequence[LabelClass]) -> ByteImage | None:
        """The predicted label map in the colours of its classes."""
        file = folder / f"{pair}.png"
        if not store.is_unchanged(file, value["prediction"]):
            return None
        return imaging.coloured_label(imaging.read_label(file), [entry.colour for entry in classes])


def protocol_of(dataset: DatasetPlan, config: RunConfig) -> Protocol | None:
    """The protocol that a data set is judged by; None where its label maps have no known classes and none were named.

    Raises:
        UsageError: A segmenter or a protocol was asked for, and nothing says what the classes of this data set are; or
            the protocol has other classes.
    """
    chosen = protocols.for_dataset(dataset.open().card, config.protocol)
    if chosen is None and any(pair.label for pair in dataset.pairs):
        if config.protocol:
            return protocols.protocol(config.protocol)
        if config.segmenter not in ("auto", "none"):
            raise UsageError(
                f"The label maps of '{dataset.label}' have classes that no card names, so that no mIoU is possible; "
                "name their protocol, for example --protocol msrs-9, or leave --segmenter out."
            )
    return chosen


def _refuse_unknown(config: RunConfig) -> None:
    """Refuse a segmenter or protocol that does not exist, whether or not a data set could use it."""
    if config.protocol:
        protocols.protocol(config.protocol)
    named = config.segmenter
    if named in segmenters.shipped_names() or (named not in ("auto", "none") and not Path(named).expanduser().is_dir()):
        segmenters.resolve(named)


def _refuse_unlike(units: Sequence[Unit]) -> None:
    """MIoU of methods can be compared only where their judges differ in nothing but the images they were trained on."""
    by_dataset: dict[Path, tuple[str, str]] = {}
    for of_method in by_method(units):
        first = of_method[0]
        name = name_of([unit.task for unit in of_method])
        other, method = by_dataset.setdefault(first.dataset.place, (name, first.method.label))
        if name != other:
            raise UsageError(
                f"On {first.dataset.name} '{method}' would be judged by '{other}' but '{first.method.label}' by "
                f"'{name}'; train the same network with the same seeds for every method, or name them alone in "
                "--methods."
            )


def _load(dataset: PlannedPairs, pair: Pair, artefact: Path, sha256: str) -> Loaded:
    """The artefact in colour and the label map; a luminance artefact gets the chroma of the visible image."""
    label = dataset.read_label(pair)
    if label is None:
        raise DataError("there is no label map for this pair")
    return Loaded(in_colour(dataset, pair, artefact), label, sha256)


def _judged(done: Done[Pair, tuple[Loaded, ByteImage]], unit: Unit, run: Path) -> Outcome:
    """The outcome of one image: its prediction is kept, and compared with the label map."""
    if isinstance(done.result, BaseException):
        return Outcome(unit, done.key, reason=sentence(done.result))
    loaded, predicted = done.result
    try:
        file = run / unit.folder / f"{done.key.id}.png"
        imaging.write_png(file, predicted)
        matrix = confusion(predicted, loaded.label, unit.task.protocol)
        facts = {"artefact": loaded.artefact, "prediction": store.file_facts(file), **batches.noted(done)}
        return Outcome(unit, done.key, {**facts, "tally": np.asarray(matrix).tolist()})
    except faults() as error:
        return Outcome(unit, done.key, reason=sentence(error))


@lru_cache(maxsize=2)
def _segmenter(file: SegmenterFile, classes: tuple[str, ...], device: str, precision: str) -> Segmenter:
    """One segmenter judges all methods: it is loaded once in a process."""
    import torch

    from uaabench.core.weights import ResolvedWeights

    ResolvedWeights(file.weights, file.sha256).verify()
    return Segmenter(file, classes, torch.device(device), precision)
