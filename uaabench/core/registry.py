"""Names to methods, data sets and metrics; nothing is imported before it is used.

A name is looked up in the package itself, in the plugin files given with `--plugin`, and in the entry points of
installed packages (groups `uaabench.methods`, `uaabench.datasets`, `uaabench.metrics`). Later ones may not shadow
earlier ones: a name means one thing in a table.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from uaabench.core.errors import UsageError, unknown_name
from uaabench.core.interface import FusionDataset, FusionMethod, MethodCard, Metric

BUILTIN_DATASETS = {
    "msrs": "uaabench.datasets.msrs:MSRS",
    "fmb": "uaabench.datasets.fmb:FMB",
    "m3fd": "uaabench.datasets.m3fd:M3FD",
    "roadscene": "uaabench.datasets.roadscene:RoadScene",
    "tno": "uaabench.datasets.tno:TNO",
    "demo": "uaabench.datasets.demo:Demo",
    "folder": "uaabench.datasets.folder:Folder",
}

_plugin_methods: dict[str, type[FusionMethod]] = {}
_plugin_datasets: dict[str, type[FusionDataset]] = {}
_plugin_metrics: dict[str, Metric] = {}


def method_cards() -> dict[str, MethodCard]:
    """Cards of all methods that can be named, without importing the built-in ones."""
    return _builtin_cards() | {name: method.card for name, method in (_entry_methods() | _plugin_methods).items()}


def method_card(name: str) -> MethodCard:
    """Card of one method.

    Raises:
        UsageError: There is no such method.
    """
    cards = method_cards()
    if name not in cards:
        raise unknown_name("method", name, cards)
    return cards[name]


def method_class(name: str) -> type[FusionMethod]:
    """Import the class of a method.

    Raises:
        UsageError: There is no such method.
    """
    card = method_card(name)
    if name in _builtin_cards():
        imported: type[FusionMethod] = _import(card.implementation)
        return imported
    return (_entry_methods() | _plugin_methods)[name]


def dataset_names() -> list[str]:
    """Names of all data sets, built-in ones first."""
    return [*BUILTIN_DATASETS, *_entry_datasets(), *_plugin_datasets]


def dataset_class(name: str) -> type[FusionDataset]:
    """Import the adapter of a data set.

    Raises:
        UsageError: There is no such data set.
    """
    if name in BUILTIN_DATASETS:
        imported: type[FusionDataset] = _import(BUILTIN_DATASETS[name])
        return imported
    others = _entry_datasets() | _plugin_datasets
    if name not in others:
        raise unknown_name("data set", name, dataset_names())
    return others[name]


def extra_metrics() -> dict[str, Metric]:
    """Metrics from plugins and entry points, by name; a profile may be extended by them."""
    installed = {point.name: point.load() for point in entry_points(group="uaabench.metrics")}
    return installed | _plugin_metrics


def load_plugins(paths: Iterable[Path] | None) -> None:
    """Register what each of these plugin files defines; see `load_plugin`."""
    for path in paths or ():
        load_plugin(path)


def load_plugin(path: Path) -> list[str]:
    """Import a Python file and register the methods, data sets and metrics it defines.

    Args:
        path: The file; its classes with a `card`, and its `Metric` objects, are registered by their names.

    Returns:
        The names that were registered.

    Raises:
        UsageError: The file is missing, cannot be imported, defines nothing, or takes a name that is in use.
    """
    module = _import_file(path)
    names = [*_register_classes(module, path), *_register_metrics(module, path)]
    if not names:
        raise UsageError(f"The plugin {path} defines no FusionMethod, FusionDataset or Metric with a card.")
    return names


def _register_classes(module: ModuleType, path: Path) -> Iterator[str]:
    for value in list(vars(module).values()):
        if not inspect.isclass(value) or value.__module__ != module.__name__ or inspect.isabstract(value):
            continue
        if issubclass(value, FusionMethod):
            _claim("method", value.card.name, _builtin_cards(), path)
            _plugin_methods[value.card.name] = value
            yield value.card.name
        elif issubclass(value, FusionDataset):
            _claim("data set", value.card.name, BUILTIN_DATASETS, path)
            _plugin_datasets[value.card.name] = value
            yield value.card.name


def _register_metrics(module: ModuleType, path: Path) -> Iterator[str]:
    from uaabench.metrics.profiles import metrics

    builtin = metrics()
    for value in vars(module).values():
        if isinstance(value, Metric) and value not in builtin.values():
            _claim("metric", value.name, builtin, path)
            _plugin_metrics[value.name] = value
            yield value.name


def _claim(
    kind: str, name: str, builtin: dict[str, MethodCard] | dict[str, str] | dict[str, Metric], path: Path
) -> None:
    if name in builtin:
        raise UsageError(f"The plugin {path} names its {kind} '{name}', which is built in; choose another name.")


def _import_file(path: Path) -> ModuleType:
    name = f"uaabench_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise UsageError(f"There is no plugin file {path}; give the path of a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"The plugin {path} cannot be imported: {type(error).__name__}: {error}.") from error
    return module


def _import(target: str) -> type:
    """Import `module:Class`."""
    module, _, name = target.partition(":")
    found: type = getattr(importlib.import_module(module), name)
    return found


@cache
def _builtin_cards() -> dict[str, MethodCard]:
    import uaabench.baselines

    folder = Path(uaabench.baselines.__path__[0])
    cards = [MethodCard.read(path) for path in sorted(folder.glob("*.toml"))]
    order = {"trivial": 0, "classical": 1, "learned": 2, "precomputed": 3}
    return {card.name: card for card in sorted(cards, key=lambda card: order[card.kind])}


@cache
def _entry_methods() -> dict[str, type[FusionMethod]]:
    return {point.name: point.load() for point in entry_points(group="uaabench.methods")}


@cache
def _entry_datasets() -> dict[str, type[FusionDataset]]:
    return {point.name: point.load() for point in entry_points(group="uaabench.datasets")}
