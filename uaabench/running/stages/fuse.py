"""The fuse stage: one method over one data set, to one 8-bit PNG per pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from uaabench.core import files, hashes, imaging, registry, strips
from uaabench.core.arrays import ByteImage
from uaabench.core.errors import DataError, UsageError, attempt, faults, sentence
from uaabench.core.interface import Pair, Sources
from uaabench.core.streams import ordered_map
from uaabench.methods.compiling import is_compiled
from uaabench.methods.fusing import Precomputed, make_batch_fuser
from uaabench.methods.named import MethodPlan
from uaabench.running import batches, store
from uaabench.running.batches import Batches, Done, Size, described
from uaabench.running.config import RunConfig
from uaabench.running.stage import Planning, Stage, folder_name, key_of
from uaabench.running.triples import refuse_strangers
from uaabench.running.units import DatasetPlan, Outcome, Runtime, Share, Unit


class Fuse(Stage):
    """Fuses the pairs; the value it keeps of each says what its artefact was when it was written."""

    name: ClassVar[str] = "fuse"
    doing: ClassVar[str] = "Fusing"

    def units(self, planning: Planning) -> Sequence[Unit]:
        """One unit for each method on each data set.

        Raises:
            UsageError: Images fused elsewhere are asked for on degraded input.
            DataError: A folder of fused images holds two of one stem, or any that is of no pair.
        """
        for method in planning.methods:
            if method.folder is not None:
                _refuse_degraded(method, planning.datasets)
                _refuse_strangers(method.folder, planning.datasets)
        conditions = Conditions.of(planning.config, planning.device)
        return [
            fuse_unit(method, dataset, conditions, planning.batches[dataset.place])
            for dataset in planning.datasets
            for method in planning.methods
        ]

    def holds(self, run: Path, unit: Unit) -> store.Holds:
        """A result stands as long as its artefact is what was written."""
        return lambda pair, facts: store.is_unchanged(store.artefact(run, unit, pair), facts)

    def work(self, share: Share, runtime: Runtime) -> Iterator[Outcome]:
        """Fuse batch by batch in this thread, while others read ahead and write behind."""
        (unit,) = share.units
        task: Task = unit.task
        pairs = batches.one_size_after_the_other([pair for pair, _ in share.waiting], task.batches)
        try:
            fuse = make_batch_fuser(
                unit.method,
                device=runtime.device,
                precision=runtime.precision,
                seed=runtime.seed,
                compile_network=runtime.compiled,
                precomputed=task.precomputed,
            )
            dataset = unit.dataset.open()
        except faults() as error:
            yield from (Outcome(unit, pair, reason=sentence(error)) for pair in pairs)
            return

        def read(pair: Pair) -> tuple[Pair, tuple[Pair, Sources] | BaseException]:
            sources = attempt(dataset.read, pair)
            return pair, sources if isinstance(sources, BaseException) else (pair, sources)

        threads, ahead = batches.threads_beside(runtime), max(task.batches.values(), default=1)
        sources = ordered_map(read, pairs, threads=threads, ahead=ahead)
        fused = Batches(fuse, lambda given: batches.size_of(given[1].ir), task.batches).map(sources)
        folder = runtime.run / unit.folder
        yield from ordered_map(lambda done: _write(unit, folder, done), fused, threads=threads, ahead=ahead)


@dataclass(frozen=True)
class Task:
    """What a worker must know of a fuse unit.

    Attributes:
        batches: How many pairs of each size are fused at once.
        precomputed: The images of a method that were fused elsewhere; None for those that are fused here.
    """

    batches: Mapping[Size, int] = field(default_factory=dict)
    precomputed: Precomputed | None = None


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What decides an image beside the method and the pair.

    Attributes:
        precision: Arithmetic of the network.
        seed: Seed set before every batch.
        device: Kind of device.
        compiled: Whether torch compiles networks.
    """

    precision: str
    seed: int
    device: str
    compiled: bool = False

    @classmethod
    def of(cls, config: RunConfig, device: str) -> Conditions:
        """Those of a run on a kind of device."""
        return cls(precision=config.precision, seed=config.seed, device=device, compiled=config.compiled)


def fuse_unit(
    method: MethodPlan, dataset: DatasetPlan, conditions: Conditions, batches: Mapping[Size, int] | None = None
) -> Unit:
    """The fuse unit of a method on a data set.

    Args:
        method: The method.
        dataset: The data set.
        conditions: What decides the images beside.
        batches: How many pairs of each size are fused at once, where the method takes several.

    Raises:
        DataError: A folder of fused images holds two of one stem, or none of any pair.
    """
    description: dict[str, Any] = {
        "method": method.card.name,
        "version": method.card.version,
        "dataset": dataset.index,
        "source": "" if method.folder else registry.source_of("method", method.card.name),
    }
    if method.folder:
        images = _precomputed(method, dataset)
        description["files"] = [images[pair.id][1].sha256 if pair.id in images else "" for pair in dataset.pairs]
        task = Task(precomputed=images)
    else:
        task = Task(batches if batches and method.card.batches else {})
        description |= {
            "weights": method.weights.sha256,
            "options": dict(method.options),
            "precision": conditions.precision,
            "device": conditions.device,
            "seed": conditions.seed,
            **({"compiled": True} if is_compiled(method.card, asked=conditions.compiled) else {}),
            **described(task.batches),
        }
        if method.card.reach is not None:
            description["strips"] = [method.card.reach, strips.WHOLE_PIXELS]
    key = key_of(Fuse(), description)
    folder = Path(Fuse.name) / dataset.place / folder_name(method, key)
    return Unit(Fuse.name, method, dataset, key, folder, task=task)


def _precomputed(method: MethodPlan, dataset: DatasetPlan) -> Precomputed:
    """The images of a folder that are of pairs of the data set."""
    known = files.images(method.folder or Path())
    named = {pair.id: known[pair.id] for pair in dataset.pairs if pair.id in known}
    if not named:
        raise DataError(
            f"None of the {len(known)} images in {method.folder} is named like a pair of {dataset.name}, such as "
            f"{dataset.pairs[0].id}.png; name fused images like their sources."
        )
    marks = hashes.marks(method.folder or Path(), named.values())
    return {pair: (path, marks[path]) for pair, path in named.items()}


def _refuse_degraded(method: MethodPlan, datasets: Sequence[DatasetPlan]) -> None:
    """Images that were fused elsewhere are of the sources as they lie there, and stand for no others."""
    if any(dataset.degradation for dataset in datasets):
        raise UsageError(
            f"'{method.label}' is a folder of images that were fused from clean sources, which say nothing of degraded "
            "ones; leave it or --degrade out, or give the method itself as --plugin."
        )


def _refuse_strangers(folder: Path, datasets: Sequence[DatasetPlan]) -> None:
    """Refuse images of a folder that are named like no pair of the run's data sets, of whatever split."""
    known = {pair.id for dataset in datasets for pair in dataset.pairs}
    fused = files.images(folder)
    if not known.issuperset(fused):
        # Listing all splits takes time, and is needed only where the pairs of the run do not account for all images.
        known = known.union(*(dataset.open().ids_of_all_splits() for dataset in datasets))
    strangers = [stem for stem in fused if stem not in known]
    refuse_strangers(strangers, len(fused), str(folder), " or ".join(dataset.label for dataset in datasets))


def _write(unit: Unit, folder: Path, done: Done[Pair, ByteImage]) -> Outcome:
    path = folder / f"{done.key.id}.png"
    written = done.result if isinstance(done.result, BaseException) else attempt(imaging.write_png, path, done.result)
    if isinstance(written, BaseException):
        return Outcome(unit, done.key, reason=sentence(written))
    return Outcome(unit, done.key, {**store.file_facts(path), **batches.noted(done)})
