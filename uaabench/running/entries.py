"""From the words of a command line to methods and data sets: `name@weights`, `label=folder/`, `name:split`."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from uaabench.core import files, hashes, paths, registry, weights
from uaabench.core.errors import DataError, UsageError
from uaabench.core.interface import FusionDataset, Pair
from uaabench.data.listing import pairs_of
from uaabench.data.sources import how_to_get
from uaabench.degradations import parse_all
from uaabench.methods.named import MethodPlan, plan_method, refuse_label
from uaabench.running.config import RunConfig
from uaabench.running.units import Contents, DatasetPlan

FLOOR = ("visible", "infrared", "average", "maximum", "maximum_plus_minimum")


def plan_methods(config: RunConfig, drawn: Collection[str] = ()) -> Iterable[MethodPlan]:
    """Resolve the methods of a run in table order: the floor first, each label once.

    Args:
        config: The description of the run.
        drawn: Rows of the floor that need not be computed, as they are drawn from a reference.

    Raises:
        UsageError: A method or checkpoint is unknown, or two rows would have the same label.
    """
    named = [name for entry in config.methods for name in _expand(entry)]
    floor = [name for name in FLOOR if (config.floor and name not in drawn) or name in named]
    rest = [name for name in dict.fromkeys(named) if name not in floor]
    labels: set[str] = set()
    for entry in [*floor, *rest]:
        method = plan_method(entry, config.options)
        if method.label in labels:
            raise UsageError(f"Two methods would be called '{method.label}'; name one of them LABEL=FOLDER.")
        labels.add(method.label)
        yield method


def _expand(entry: str) -> list[str]:
    """A glob to the names of the methods that run without further files; anything else to itself."""
    if "=" in entry or not any(sign in entry for sign in "*?["):
        return [entry]
    ready = [name for name, card in registry.method_cards().items() if weights.comes_with_weights(card)]
    matching = fnmatch.filter(ready, entry)
    if not matching:
        raise UsageError(f"No method matches '{entry}'; see: uaabench list methods")
    return matching


def plan_datasets(config: RunConfig) -> tuple[DatasetPlan, ...]:
    """Resolve the data sets of a run: the named ones, or all found in the data root, or the demo set.

    Each is followed by its degraded versions.

    Raises:
        UsageError: A data set, split or degradation is unknown, or two entries would be one section of the table.
        DataError: A named data set is not there.
    """
    degradations = parse_all(config.degrade, config.seed)
    data_root = config.data_root or paths.data_folder()
    opened = []
    entry_of: dict[tuple[str, str], str] = {}
    for entry in config.datasets or found_datasets(data_root) or ["demo"]:
        dataset, label, split = open_dataset(entry, data_root)
        where = (label, split_name(dataset, split))
        if where in entry_of:
            raise UsageError(
                f"'{entry_of[where]}' and '{entry}' would both be the section '{' '.join(where)}' of the table; name "
                "each data set once, and give lists of pairs or folders names of their own."
            )
        entry_of[where] = entry
        opened.append((dataset, label, split))
    clean = [_plan_named(*entry, config) for entry in opened]
    planned = tuple(version for dataset in clean for version in (dataset, *map(dataset.degraded, degradations)))
    _refuse_shared_places(planned)
    return planned


def _refuse_shared_places(datasets: Sequence[DatasetPlan]) -> None:
    """A list of pairs may be called like a degraded split, such as `test+noise-3.txt`."""
    places = [dataset.place for dataset in datasets]
    for dataset in datasets:
        if places.count(dataset.place) > 1:
            raise UsageError(
                f"Two sections of the table would be called '{dataset.name}'; give the list of pairs another name."
            )


def _plan_named(dataset: FusionDataset, label: str, split: str, config: RunConfig) -> DatasetPlan:
    pairs = pairs_of(dataset, split)[: config.limit]
    if not pairs:
        raise DataError(f"The data set '{label}' in {dataset.root} has no pairs in its split '{split}'.")
    return plan_dataset(dataset, label, split, pairs)


def split_name(dataset: FusionDataset, split: str) -> str:
    """How a split is called: by its name, or by the stem of the list of pairs that was named instead.

    Raises:
        UsageError: That stem could not name a folder of the run.
    """
    if split in dataset.card.splits:
        return split
    stem = Path(split).stem
    refuse_label(stem)
    return stem


def plan_dataset(dataset: FusionDataset, label: str, split: str, pairs: Sequence[Pair]) -> DatasetPlan:
    """Describe some pairs of a split, and hash their files, each once; see `core.hashes`."""
    named = (
        path for pair in pairs for path in (pair.ir, pair.vi, pair.label, *pair.boxes.values()) if path is not None
    )
    marks = hashes.marks(dataset.root, named)

    def content(path: Path | None) -> str:
        return "" if path is None else dataset.content_hash(path, marks[path].sha256)

    contents = {pair.id: Contents(content(pair.ir), content(pair.vi), content(pair.label)) for pair in pairs}
    entries = [[pair, found.ir, found.vi] for pair, found in contents.items()]
    card = dataset.card
    return DatasetPlan(
        label=label,
        title=card.title if label == card.name else label,
        split=split_name(dataset, split),
        root=dataset.root.absolute(),
        pairs=tuple(pairs),
        expected=card.splits.get(split),
        adapter=card.name,
        index=files.digest([card.name, card.version, registry.source_of("dataset", card.name), entries]),
        contents=contents,
        labels=files.digest([found.label for found in contents.values()]),
        boxes={
            version: files.digest(
                [marks[pair.boxes[version]].sha256 if version in pair.boxes else "" for pair in pairs]
            )
            for version in dict.fromkeys(version for pair in pairs for version in pair.boxes)
        },
        marks=marks,
    )


def found_datasets(data_root: Path) -> list[str]:
    """Names of the data sets that lie below a data root; the demo set is never among them."""
    names = [name for name in registry.dataset_names() if name not in ("demo", "folder")]
    return [name for name in names if registry.dataset_class(name).locate(data_root) is not None]


def open_dataset(entry: str, data_root: Path) -> tuple[FusionDataset, str, str]:
    """Open `name`, `name:split` or `label=folder/`: the data set, its label and the split.

    Raises:
        UsageError: The name is unknown, or there is no such folder.
        DataError: The data set is not below the data root.
    """
    label, is_folder, rest = entry.partition("=")
    if is_folder:
        if label.casefold() in map(str.casefold, registry.dataset_names()):
            raise UsageError(f"'{entry}' needs a label of its own, not the name of a data set: mine={rest}")
        refuse_label(label)
        root = Path(rest).expanduser().absolute()
        if not root.is_dir():
            raise UsageError(f"There is no folder {root} for the data set '{label}'; check the path.")
        adapter = registry.dataset_class("folder")
        return adapter(root), label, adapter.card.default_split
    name, _, split = entry.partition(":")
    adapter = registry.dataset_class(name)
    if name == "folder":
        raise UsageError("The generic data set needs its folder: write LABEL=FOLDER, for example mydata=images/")
    located = adapter.locate(data_root)
    if located is None:
        raise DataError(
            f"The data set '{name}' is not in {data_root}; name its parent folder with --data-root, "
            f"or bring it there: {how_to_get(adapter, split)}"
        )
    return adapter(located.absolute()), name, split or adapter.card.default_split
