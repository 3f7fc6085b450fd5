"""What a run consists of: methods and data sets as planned, units, and the shares of their pairs that workers get."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from uaabench.core import registry
from uaabench.core.arrays import ByteImage
from uaabench.core.boxes import Boxes
from uaabench.core.errors import UsageError, faults
from uaabench.core.files import Mark, digest
from uaabench.core.interface import DatasetCard, FusionDataset, Pair, Sources
from uaabench.degradations import Degradation
from uaabench.methods.named import MethodPlan


class Contents(NamedTuple):
    """Hashes of what the files of a pair show; empty for one that is not there."""

    ir: str
    vi: str
    label: str = ""


@dataclass(frozen=True)
class DatasetPlan:
    """One split of a data set with the pairs that are benchmarked, and the hash of everything those pairs contain.

    Attributes:
        label: Its name in tables; label and split together are unique in a run.
        title: Its name in prose.
        split: Name of the split, or the stem of the list that was named; of a degraded one with the degradation:
            `test+ir.noise-3`.
        root: Its folder, absolute.
        pairs: The pairs that are benchmarked.
        expected: How many the split has by the card of the data set; None where that varies.
        adapter: Name of its adapter in the registry.
        index: SHA-256 over ids and content of all source images, and what is done to them.
        contents: Hashes of what the files of each of these pairs show.
        labels: SHA-256 over the content of all label maps.
        boxes: SHA-256 over the content of all box files, by version.
        marks: What each file was when the run was planned.
        degradation: What is done to the sources before they are fused; None for the clean data set.
    """

    label: str
    title: str
    split: str
    root: Path
    pairs: tuple[Pair, ...]
    expected: int | None
    adapter: str
    index: str
    contents: Mapping[str, Contents] = field(default_factory=dict, repr=False)
    labels: str = ""
    boxes: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[Path, Mark] = field(default_factory=dict, repr=False)
    degradation: Degradation | None = None

    @property
    def place(self) -> Path:
        """Its folder below that of a stage in the run directory."""
        return Path(self.label) / self.split

    @property
    def name(self) -> str:
        """How it is named in messages: `msrs test`."""
        return f"{self.label} {self.split}"

    def open(self) -> PlannedPairs:
        """Open the data set, the one place where that is done for a planned run."""
        return PlannedPairs(registry.dataset_class(self.adapter)(self.root), self.marks, self.degradation)

    def degraded(self, degradation: Degradation) -> DatasetPlan:
        """The same pairs with degraded sources, as another split: nothing of the two is ever taken for the other's."""
        return replace(
            self,
            split=f"{self.split}+{degradation.name}",
            index=digest([self.index, degradation.key]),
            degradation=degradation,
        )

    def only(self, pairs: Iterable[Pair]) -> DatasetPlan:
        """The same data set with some of its pairs and the marks of their files; its hashes stay those of all pairs."""
        chosen = tuple(pairs)
        paths = {path for pair in chosen for path in (pair.ir, pair.vi, pair.label, *pair.boxes.values())}
        return replace(
            self,
            pairs=chosen,
            marks={path: self.marks[path] for path in paths if path is not None and path in self.marks},
        )

    def shard(self, number: int, of: int) -> DatasetPlan:
        """The pairs of one shard, counted from 1, of so many that share the data set out; a video stays whole.

        Raises:
            UsageError: No pair is left for this shard.
        """
        first = _first_frames(self.pairs)
        videos = {name: position for position, name in enumerate(dict.fromkeys(first.values()))}
        if len(videos) < of:
            raise UsageError(
                f"{self.name} cannot be shared out among {of} shards, as it has {len(videos)} pairs or videos; take "
                "fewer."
            )
        return self.only(pair for pair in self.pairs if videos[first[pair.id]] % of == number - 1)


def _first_frames(pairs: Sequence[Pair]) -> dict[str, str]:
    """By the id of each pair that of the first frame of its video, in whatever order they are; its own for an image."""
    before = {pair.id: pair.previous for pair in pairs}
    first: dict[str, str] = {}
    for pair in before:
        way = {pair: None}
        at = pair
        while at not in first and before[at] in before and before[at] not in way:
            at = before[at]
            way[at] = None
        first.update(dict.fromkeys(way, first.get(at, at)))
    return {pair: first[pair] for pair in before}


class PlannedPairs:
    """Reads the pairs of a planned data set, and refuses files that are no longer what they were.

    Args:
        dataset: The data set.
        marks: What its files were.
        degradation: What is done to the sources; None to leave them as they are.
    """

    def __init__(
        self, dataset: FusionDataset, marks: Mapping[Path, Mark], degradation: Degradation | None = None
    ) -> None:
        self._dataset = dataset
        self._marks = marks
        self._degradation = degradation

    @property
    def card(self) -> DatasetCard:
        """Card of the data set."""
        return self._dataset.card

    @property
    def box_classes(self) -> tuple[str, ...]:
        """Names of the classes of its boxes.

        Raises:
            DataError: A file that names them cannot be read.
        """
        return self._dataset.box_classes

    def ids_of_all_splits(self) -> set[str]:
        """The ids of all pairs of the data set; of a split that is not there, or is in doubt, none."""
        ids: set[str] = set()
        for split in self.card.splits:
            with suppress(*faults()):
                ids.update(pair.id for pair in self._dataset.pairs(split))
        return ids

    def read(self, pair: Pair) -> Sources:
        """Read both images of a pair, as they are fused: degraded where that was asked for.

        Raises:
            DataError: A file is missing, unreadable, or has changed since the run was planned; or the two differ in
                size.
        """
        clean = self.read_clean(pair)
        return self._degradation.apply(clean, self.card.name, pair.id) if self._degradation else clean

    def read_clean(self, pair: Pair) -> Sources:
        """Read both images of a pair as they lie in the data set.

        Raises:
            DataError: As of `read`.
        """
        sources = self._dataset.read(pair)
        self._refuse_changed(pair.ir, pair.vi)
        return sources

    def read_label(self, pair: Pair) -> ByteImage | None:
        """Read the label map of a pair; None for a pair without one.

        Raises:
            DataError: It is unreadable, of another size, or has changed since the run was planned.
        """
        label = self._dataset.read_label(pair)
        if pair.label is not None:
            self._refuse_changed(pair.label)
        return label

    def read_boxes(self, pair: Pair, version: str) -> Boxes | None:
        """Read one version of the boxes of a pair; None for a pair without.

        Raises:
            DataError: They are unreadable, of another image, or have changed since the run was planned.
        """
        boxes = self._dataset.read_boxes(pair, version)
        if version in pair.boxes:
            self._refuse_changed(pair.boxes[version])
        return boxes

    def _refuse_changed(self, *paths: Path) -> None:
        for path in paths:
            if path in self._marks:
                self._marks[path].refuse_changed(path)


@dataclass(frozen=True)
class Unit:
    """The smallest thing that is cached and retried: one stage of one method on one data set.

    Attributes:
        stage: Name of the stage.
        method: The method.
        dataset: The data set.
        key: SHA-256 of the canonical description of everything its result depends on.
        folder: Folder of its results, relative to the run directory.
        fused: The fuse unit whose artefacts it reads; None for a fuse unit.
        task: What the stage must know beside: a judge, a profile with its metrics. It can be pickled.
    """

    stage: str
    method: MethodPlan
    dataset: DatasetPlan
    key: str
    folder: Path
    fused: Unit | None = None
    task: Any = None

    @property
    def artefacts(self) -> Path:
        """Folder of the fused images, relative to the run directory."""
        return (self.fused or self).folder

    @property
    def name(self) -> str:
        """How it is named in messages: `score uaa on msrs test`."""
        return f"{self.stage} {self.method.label} on {self.dataset.name}"

    def on(self, dataset: DatasetPlan) -> Unit:
        """The same unit on some pairs of its data set, as `DatasetPlan.only` gives them."""
        return replace(self, dataset=dataset, fused=self.fused and self.fused.on(dataset))


# A pair, and the units that have no result for it yet.
Waiting = tuple[Pair, tuple[Unit, ...]]


@dataclass(frozen=True)
class Share:
    """A share of what waits in some units of one data set: what one worker does at a time.

    Attributes:
        units: Units that are worked on together.
        waiting: The pairs of this share, each with those of the units that lack a result for it.
        number: Number of the share, which names its results files: no two workers write one file.
    """

    units: tuple[Unit, ...]
    waiting: tuple[Waiting, ...]
    number: int

    def lean(self) -> Share:
        """The same share, whose units know of no other pairs but the frames before those of a video."""
        pairs = [pair for pair, _ in self.waiting]
        before = {pair.previous for pair in pairs} - {pair.id for pair in pairs} - {""}
        # Looked for in videos only: all shares together would look at N² pairs.
        pairs += [pair for pair in self.units[0].dataset.pairs if pair.id in before] if before else []
        dataset = self.units[0].dataset.only(pairs)
        units = {unit.folder: unit.on(dataset) for unit in self.units}
        waiting = ((pair, tuple(units[unit.folder] for unit in waits)) for pair, waits in self.waiting)
        return replace(self, units=tuple(units.values()), waiting=tuple(waiting))


@dataclass(frozen=True)
class Runtime:
    """How shares are carried out.

    Attributes:
        run: The run directory.
        device: As torch names it; a worker that is told `cuda` takes a GPU of its own.
        precision: `fp32` or `bf16`.
        seed: Seed set before every batch.
        threads: Threads of the numeric libraries.
        fail_fast: Stop a share at its first failure.
        plugins: Files that a worker loads before its first share.
        compiled: Whether torch compiles networks.
    """

    run: Path
    device: str
    precision: str = "fp32"
    seed: int = 0
    threads: int = 1
    fail_fast: bool = False
    plugins: tuple[Path, ...] = ()
    compiled: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a stage made of one pair for one unit: a JSON value, or why there is none, or a value that lacks a part."""

    unit: Unit
    pair: Pair
    value: Any = None
    reason: str = ""


@dataclass(frozen=True)
class Failure:
    """Why a stage has no result for a pair, in one sentence."""

    stage: str
    method: str
    dataset: str
    split: str
    pair: str
    reason: str
