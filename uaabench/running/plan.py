"""From the description of a run to its units: what is fused and scored, and the content keys under which it is kept."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from uaabench.core import paths, registry, weights
from uaabench.core.errors import DataError, UsageError
from uaabench.core.imaging import IMAGE_SUFFIXES
from uaabench.core.interface import FusionDataset, MethodCard, Metric, Pair
from uaabench.core.weights import ResolvedWeights
from uaabench.judges.segmentation import protocols
from uaabench.judges.segmentation.judge import Judge, judges_of, name_of
from uaabench.judges.segmentation.protocols import Protocol
from uaabench.metrics.profiles import Profile, profile
from uaabench.running.config import RunConfig
from uaabench.running.options import check_options

FLOOR = ("visible", "infrared", "average", "maximum")


@dataclass(frozen=True)
class MethodPlan:
    """One row of the table: a method with its weights, or a folder of images fused elsewhere."""

    label: str
    card: MethodCard
    weights: ResolvedWeights = field(default_factory=ResolvedWeights)
    options: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def title(self) -> str:
        """Name in tables: the card's, with the checkpoint where it is not the shipped one."""
        named = self.weights.name not in ("", "shipped")
        return f"{self.card.title} ({self.weights.name})" if named else self.card.title


@dataclass(frozen=True)
class DatasetPlan:
    """One data set with the pairs that are benchmarked, and the hash of everything those pairs contain."""

    label: str
    title: str
    split: str
    root: Path
    pairs: tuple[Pair, ...]
    expected: int | None
    adapter: str
    index: str
    protocol: Protocol | None = None


@dataclass(frozen=True)
class Unit:
    """The smallest thing that is cached, retried and distributed: one stage of one method on one data set.

    Attributes:
        stage: `fuse`, `score` or `segment`.
        method: The method.
        dataset: The data set.
        key: SHA-256 of the canonical description of everything its result depends on.
        artefacts: Folder of the fused images, relative to the run directory.
        folder: Folder of its results, relative to the run directory.
        judge: Segmenter and protocol of a segment unit.
    """

    stage: str
    method: MethodPlan
    dataset: DatasetPlan
    key: str
    artefacts: Path
    folder: Path
    judge: Judge | None = None


@dataclass(frozen=True)
class Plan:
    """A run, resolved: every name found, every file listed and hashed."""

    config: RunConfig
    methods: tuple[MethodPlan, ...]
    datasets: tuple[DatasetPlan, ...]
    profile: Profile
    metrics: tuple[Metric, ...]
    device: str
    fuse: tuple[Unit, ...]
    score: tuple[Unit, ...]
    segment: tuple[Unit, ...] = ()

    @property
    def key(self) -> str:
        """Hash of the whole plan."""
        return digest([unit.key for unit in (*self.score, *self.segment)])


def digest(description: Any) -> str:
    """SHA-256 of a value in canonical JSON."""
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()


def make(config: RunConfig, device: str) -> Plan:
    """Resolve a run.

    Args:
        config: The description.
        device: The kind of device it will run on, `cpu` or `cuda`; results depend on it.

    Raises:
        UsageError: A name is unknown.
        DataError: A data set is not there.
    """
    registry.load_plugins(config.plugins)
    convention = profile(config.profile)
    chosen = convention.select(config.metrics or None)
    methods = tuple(plan_methods(config))
    check_options(config.options, _takers(methods))
    datasets = tuple(plan_datasets(config))
    fuse = [plan_fusion(method, dataset, config, device) for dataset in datasets for method in methods]
    score = [_score_unit(unit, convention, chosen) for unit in fuse]
    segment = [_segment_unit(unit, judge, device) for unit in fuse for judge in _judges_of(unit, config)]
    _refuse_unlike_judges(segment)
    return Plan(config, methods, datasets, convention, chosen, device, tuple(fuse), tuple(score), tuple(segment))


def plan_methods(config: RunConfig) -> Iterable[MethodPlan]:
    """Resolve the methods of a run in table order: the floor first, each label once.

    Raises:
        UsageError: A method or checkpoint is unknown, or two rows would have the same label.
    """
    named = [name for entry in config.methods for name in _expand(entry)]
    floor = [name for name in FLOOR if config.floor or name in named]
    rest = [name for name in dict.fromkeys(named) if name not in floor]
    labels: set[str] = set()
    for entry in [*floor, *rest]:
        method = plan_method(entry, config.options)
        if method.label in labels:
            raise UsageError(f"Two methods would be called '{method.label}'; name one of them LABEL=FOLDER.")
        labels.add(method.label)
        yield method


def _takers(methods: Iterable[MethodPlan]) -> dict[str, Callable[[], Callable[..., Any]]]:
    """What imports the class of each method that can have options."""
    return {each.card.name: partial(registry.method_class, each.card.name) for each in methods if each.folder is None}


def _expand(entry: str) -> list[str]:
    """A glob to the names of the methods that run without further files; anything else to itself."""
    if "=" in entry or not any(sign in entry for sign in "*?["):
        return [entry]
    ready = [name for name, card in registry.method_cards().items() if weights.comes_with_weights(card)]
    found = fnmatch.filter(ready, entry)
    if not found:
        raise UsageError(f"No method matches '{entry}'; see: uaabench list methods")
    return found


def plan_method(entry: str, options: Mapping[str, Mapping[str, Any]] | None = None) -> MethodPlan:
    """Resolve one method, given as `name`, `name@checkpoint`, `name@file` or `label=folder/`.

    Args:
        entry: How it is named.
        options: Keyword arguments of its constructor, by the name of the method.

    Raises:
        UsageError: There is no such method, checkpoint or folder.
        WeightsError: The checkpoint is known but was not added yet.
    """
    label, is_folder, folder = entry.partition("=")
    if is_folder:
        return _plan_precomputed(label, Path(folder).expanduser())
    name, _, requested = entry.partition("@")
    card = registry.method_card(name)
    resolved = weights.resolve(card, requested)
    label = f"{name}@{resolved.name}" if requested else name
    return MethodPlan(label, card, resolved, {**resolved.options, **(options or {}).get(name, {})})


def _plan_precomputed(label: str, folder: Path) -> MethodPlan:
    if not label or label in registry.method_cards():
        raise UsageError(f"'{label}={folder}' needs a label of its own, not the name of a method: mine={folder}")
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder} for the fused images of '{label}'; check the path.")
    card = MethodCard(
        name=label,
        title=label,
        kind="precomputed",
        version=1,
        summary=f"images fused elsewhere, from {folder.name}/",
    )
    return MethodPlan(label, card, folder=folder)


def plan_datasets(config: RunConfig) -> Iterable[DatasetPlan]:
    """Resolve the data sets of a run: the named ones, or all found in the data root, or the demo set.

    Raises:
        UsageError: A data set or split is unknown.
        DataError: A named data set is not there.
    """
    data_root = config.data_root or paths.data_folder()
    for entry in config.datasets or found_datasets(data_root) or ["demo"]:
        dataset, label, split = open_dataset(entry, data_root)
        pairs = dataset.pairs(split)[: config.limit]
        if not pairs:
            raise DataError(f"The data set '{label}' in {dataset.root} has no pairs in its split '{split}'.")
        yield plan_dataset(dataset, label, split, pairs, config.protocol)


def plan_dataset(dataset: FusionDataset, label: str, split: str, pairs: Sequence[Pair], protocol: str) -> DatasetPlan:
    """Describe some pairs of a split, and hash their images; an empty protocol is the usual one of the data set."""
    return DatasetPlan(
        label=label,
        title=dataset.card.title if label == dataset.card.name else label,
        split=split if split in dataset.card.splits else Path(split).stem,
        root=dataset.root,
        pairs=tuple(pairs),
        expected=dataset.card.splits.get(split),
        adapter=dataset.card.name,
        index=_index(dataset, pairs),
        protocol=protocols.for_dataset(dataset.card, protocol),
    )


def _judges_of(unit: Unit, config: RunConfig) -> list[Judge]:
    return judges_of(unit.method.label, config.segmenter, unit.dataset.adapter, unit.dataset.protocol)


def _refuse_unlike_judges(units: Sequence[Unit]) -> None:
    """MIoU of methods can be compared only where their judges differ in nothing but the images they were trained on."""
    for dataset, on_dataset in groupby(units, key=lambda unit: unit.dataset.label):
        by_name: dict[str, str] = {}
        for of_method in judged_together(list(on_dataset)):
            by_name.setdefault(name_of(judges(of_method)), of_method[0].method.label)
        if len(by_name) > 1:
            (one, first), (other, second), *_ = by_name.items()
            raise UsageError(
                f"On {dataset} '{first}' would be judged by '{one}' but '{second}' by '{other}'; train the same "
                "network with the same seeds for every method, or name them alone in --methods."
            )


def judged_together(units: Iterable[Unit]) -> list[list[Unit]]:
    """Segment units by method and data set: one for each seed of its judges."""
    return [list(group) for _, group in groupby(units, key=lambda unit: unit.artefacts)]


def judges(units: Sequence[Unit]) -> list[Judge]:
    """The judges of segment units."""
    return [unit.judge for unit in units if unit.judge]


def found_datasets(data_root: Path) -> list[str]:
    """Names of the data sets that lie below a data root; the demo set is never among them."""
    names = [name for name in registry.dataset_names() if name not in ("demo", "folder")]
    return [name for name in names if registry.dataset_class(name).locate(data_root) is not None]


def open_dataset(entry: str, data_root: Path) -> tuple[FusionDataset, str, str]:
    """Open `name`, `name:split` or `label=folder/[:split]`: the data set, its label and the split.

    Raises:
        UsageError: The name is unknown, or there is no such folder.
        DataError: The data set is not below the data root.
    """
    label, is_folder, rest = entry.partition("=")
    if is_folder:
        root = Path(rest).expanduser()
        if not root.is_dir():
            raise UsageError(f"There is no folder {root} for the data set '{label}'; check the path.")
        adapter = registry.dataset_class("folder")
        return adapter(root), label, adapter.card.default_split
    name, _, split = entry.partition(":")
    adapter = registry.dataset_class(name)
    if name == "folder":
        raise UsageError("The generic data set needs its folder: write LABEL=FOLDER, for example mydata=images/")
    found = adapter.locate(data_root)
    if found is None:
        raise DataError(
            f"The data set '{name}' is not in {data_root}; name its parent folder with --data-root, "
            f"or bring it there: uaabench data prepare {name} ARCHIVE_OR_FOLDER"
        )
    return adapter(found), name, split or adapter.card.default_split


def _index(dataset: FusionDataset, pairs: Sequence[Pair]) -> str:
    """Hash of the ids and of the content of all source images; a missing file counts as empty."""
    with ThreadPoolExecutor() as pool:
        hashes = list(pool.map(file_hash, (path for pair in pairs for path in (pair.ir, pair.vi))))
    entries = [[pair.id, hashes[2 * n], hashes[2 * n + 1]] for n, pair in enumerate(pairs)]
    return digest([dataset.card.name, dataset.card.version, entries])


def file_hash(path: Path) -> str:
    """SHA-256 of a file, or an empty text where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def find_image(folder: Path, stem: str) -> Path | None:
    """The image of that file stem in a folder, whatever its suffix."""
    return next((path for suffix in IMAGE_SUFFIXES if (path := folder / f"{stem}{suffix}").is_file()), None)


def plan_fusion(method: MethodPlan, dataset: DatasetPlan, config: RunConfig, device: str) -> Unit:
    """The fuse unit of a method on a data set."""
    description: dict[str, Any] = {
        "stage": "fuse",
        "method": method.card.name,
        "version": method.card.version,
        "dataset": dataset.index,
    }
    if method.folder:
        files = [find_image(method.folder, pair.id) for pair in dataset.pairs]
        description["files"] = [file_hash(path) if path else "" for path in files]
    else:
        description |= {
            "weights": method.weights.sha256,
            "options": dict(method.options),
            "precision": config.precision,
            "device": device,
            "seed": config.seed,
        }
    key = digest(description)
    folder = Path("fuse") / dataset.label / _folder_name(method, key)
    return Unit("fuse", method, dataset, key, folder, folder)


def _score_unit(fuse: Unit, convention: Profile, chosen: Sequence[Metric]) -> Unit:
    key = digest({"stage": "score", "artefacts": fuse.key, "profile": convention.key(chosen)})
    folder = Path("score") / fuse.dataset.label / _folder_name(fuse.method, key)
    return Unit("score", fuse.method, fuse.dataset, key, fuse.artefacts, folder)


def _segment_unit(fuse: Unit, judge: Judge, device: str) -> Unit:
    labels = [file_hash(pair.label) if pair.label else "" for pair in fuse.dataset.pairs]
    key = digest({"stage": "segment", "artefacts": fuse.key, "labels": labels, "judge": judge.key, "device": device})
    seed = "" if judge.seed is None else f"-seed-{judge.seed}"
    folder = Path("segment") / fuse.dataset.label / _folder_name(fuse.method, key, seed)
    return Unit("segment", fuse.method, fuse.dataset, key, fuse.artefacts, folder, judge)


def _folder_name(method: MethodPlan, key: str, seed: str = "") -> str:
    plain = "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in method.label)
    return f"{plain}{seed}-{key[:8]}"
