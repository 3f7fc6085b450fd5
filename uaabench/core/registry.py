"""Names to methods, data sets and metrics; nothing is imported before it is used.

A name is looked up in the package itself, in the entry points of installed packages (groups `uaabench.methods`,
`uaabench.datasets`, `uaabench.metrics`), and in the plugin files given with `--plugin`. A name means one thing in a
table: two things of a kind whose names are the same but for the case of letters are refused.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from uaabench.core import plugins
from uaabench.core.columns import Metric
from uaabench.core.errors import UsageError, sentence, unknown_name
from uaabench.core.files import digest
from uaabench.core.interface import FusionDataset, FusionMethod, MethodCard
from uaabench.core.kinds import KINDS, Thing, builtin_cards, import_object


@dataclass(frozen=True)
class Plugin:
    """A plugin file that was loaded: the hashes of its code, and what it defines, by kind."""

    sources: dict[str, str]
    things: list[tuple[str, Thing]]


_plugins: dict[Path, Plugin] = {}


def names(kind: str) -> list[str]:
    """Names of all things of a kind, built-in ones first.

    Raises:
        UsageError: An installed package is broken, or takes a name that is in use.
    """
    return [thing.name for thing in _things(kind).values()]


def get(kind: str, name: str) -> Any:
    """The class or object of this name, imported if need be.

    Args:
        kind: A key of `KINDS`.
        name: Its name.

    Raises:
        UsageError: There is none.
    """
    value = _thing(kind, name).value
    return import_object(value) if isinstance(value, str) else value


def source_of(kind: str, name: str) -> str:
    """One digest of the code behind a name, which is part of what its results are kept under.

    Of a plugin this is its file and what it imports from beside it; of an installed package what the module imports
    from the same package. Empty for what is built in: its version tells of every change.

    Raises:
        UsageError: There is no such thing.
    """
    sources = _thing(kind, name).sources()
    return digest(sources) if sources else ""


def plugin_sources(path: Path, also: Iterable[str] = ()) -> dict[str, str]:
    """SHA-256 by file of everything that the results of a plugin depend on.

    Args:
        path: The plugin file. If it was loaded, these are the hashes of what was loaded.
        also: Names of files that are known to have been imported with it, as this function gave them.

    Returns:
        Hashes by path relative to the folder of the plugin: of the file itself, and of what it imports from that folder
        or below, directly or through other files.

    Raises:
        UsageError: There is no such file.
    """
    place = _place(path)
    if place in _plugins:
        return dict(_plugins[place].sources)
    return plugins.sources_of_plugin(place, [file for name in also if (file := place.parent / name).is_file()])


def method_cards() -> dict[str, MethodCard]:
    """Cards of all methods that can be named, without importing the built-in ones."""
    builtin = builtin_cards()
    return {name: builtin.get(name) or get("method", name).card for name in names("method")}


def method_card(name: str) -> MethodCard:
    """Card of one method.

    Raises:
        UsageError: There is no such method.
    """
    _thing("method", name)
    return builtin_cards().get(name) or method_class(name).card


def method_class(name: str) -> type[FusionMethod]:
    """Import the class of a method.

    Raises:
        UsageError: There is no such method.
    """
    found: type[FusionMethod] = get("method", name)
    return found


def dataset_names() -> list[str]:
    """Names of all data sets, built-in ones first."""
    return names("dataset")


def dataset_class(name: str) -> type[FusionDataset]:
    """Import the adapter of a data set.

    Raises:
        UsageError: There is no such data set.
    """
    found: type[FusionDataset] = get("dataset", name)
    return found


def extra_metrics() -> dict[str, Metric]:
    """Metrics from plugins and entry points, by name; a profile may be extended by them."""
    builtin = {thing.name for thing in KINDS["metric"].builtin()}
    return {name: get("metric", name) for name in names("metric") if name not in builtin}


def has_code_of_others() -> bool:
    """Whether a plugin was loaded, or an installed package names things here: code that could end the process."""
    return bool(_plugins) or any(entry_points(group=kind.group) for kind in KINDS.values())


def load_plugins(paths: Iterable[Path] | None) -> None:
    """Register what each of these plugin files defines; see `load_plugin`."""
    for path in paths or ():
        load_plugin(path)


def load_plugin(path: Path) -> list[str]:
    """Import a Python file and register what it defines; a file that was loaded before is not imported again.

    Args:
        path: The file; its concrete classes that derive from a contract, and its `Metric` objects, are registered by
            their names. It may import files beside it.

    Returns:
        The names that were registered.

    Raises:
        UsageError: The file is missing, cannot be imported, defines nothing, takes a name that is in use, or was
            changed since it was loaded.
    """
    place = _place(path)
    if place not in _plugins:
        _plugins[place] = _read_plugin(place)
    elif plugins.sources_of_plugin(place, _loaded_files(place)) != _plugins[place].sources:
        raise UsageError(f"The plugin {path} was changed after it had been loaded; start a new process to use it.")
    return [thing.name for _, thing in _plugins[place].things]


def _place(path: Path) -> Path:
    """The one path of a plugin file, whatever it is called by."""
    place = path.expanduser().resolve()
    if not place.is_file():
        raise UsageError(f"There is no plugin file {path}; give the path of a Python file.")
    return place


def _loaded_files(path: Path) -> list[Path]:
    """The files of a loaded plugin that are still there."""
    return [file for name in _plugins[path].sources if (file := path.parent / name).is_file()]


def _read_plugin(path: Path) -> Plugin:
    module, imported = plugins.import_plugin(path)
    sources = plugins.sources_of_plugin(path, imported)
    things: list[tuple[str, Thing]] = []
    for kind in KINDS:
        known = dict(_things(kind)) if _defined(module, kind) else {}
        for attribute, value in _defined(module, kind).items():
            origin = f"{attribute} of the plugin {path}"
            thing = Thing(_name(kind, value, origin), value, origin, lambda: sources)
            _add(kind, thing, known)
            things.append((kind, thing))
    if not things:
        contracts = ", ".join(kind.base.__name__ for kind in KINDS.values())
        raise UsageError(f"The plugin {path} defines none of {contracts}; see docs/add-a-method.md.")
    return Plugin(sources, things)


def _defined(module: ModuleType, kind: str) -> dict[str, Any]:
    """What a module defines of a kind, by the name it has there; not what it only imports, nor a base of its own."""
    contract = KINDS[kind].base
    found: dict[int, tuple[str, Any]] = {}
    for attribute, value in vars(module).items():
        if not KINDS[kind].of_classes:
            own = isinstance(value, contract) and not _is_known(kind, value)
        else:
            own = inspect.isclass(value) and issubclass(value, contract) and value.__module__ == module.__name__
        if own and not (inspect.isabstract(value) and not hasattr(value, "card")):
            found.setdefault(id(value), (attribute, value))
    return dict(found.values())


def _is_known(kind: str, value: Any) -> bool:
    """Whether an object is one that is registered already, or built in under any profile."""
    others = [*KINDS[kind].builtin(), *_things(kind).values()]
    return any(value is thing.value for thing in others)


def _name(kind: str, value: Any, origin: str) -> str:
    """The name that a class gives itself in its card, or an object by itself.

    Raises:
        UsageError: It is not what a thing of this kind must be.
    """
    word, contract, card = KINDS[kind].word, KINDS[kind].base, KINDS[kind].card
    named: Any = value if card is None else getattr(value, "card", None)
    if not isinstance(named, card or (type if KINDS[kind].of_classes else contract)):
        what = f"has no card of type {card.__name__}" if card is not None else f"is no {contract.__name__}"
        raise UsageError(f"The {word} {origin} {what}; see docs/add-a-method.md for what it needs.")
    if inspect.isabstract(value):
        raise UsageError(f"The {word} {origin} lacks {' and '.join(sorted(value.__abstractmethods__))}; define it.")
    name = getattr(named, "name", None)
    if not isinstance(name, str) or not name:
        raise UsageError(f"The {word} {origin} has no name; give it one.")
    return name


def _thing(kind: str, name: str) -> Thing:
    found = _things(kind).get(_plain(name))
    if found is None or found.name != name:
        raise unknown_name(KINDS[kind].word, name, names(kind))
    return found


def _things(kind: str) -> dict[str, Thing]:
    """All things of a kind by their plain names."""
    found = dict(_installed(kind))
    found.update((_plain(thing.name), thing) for plugin in _plugins.values() for k, thing in plugin.things if k == kind)
    return found


@cache
def _installed(kind: str) -> dict[str, Thing]:
    """What comes with the package, and what the entry points of installed packages name."""
    found: dict[str, Thing] = {}
    for thing in KINDS[kind].builtin():
        found.setdefault(_plain(thing.name), thing)
    for point in entry_points(group=KINDS[kind].group):
        _add(kind, _of_entry_point(kind, point), found)
    return found


def _of_entry_point(kind: str, point: EntryPoint) -> Thing:
    package = f" of the package {point.dist.name}" if point.dist is not None else ""
    origin = f"the entry point {point.name} = {point.value}{package}"
    plugins.forbid_to_end()
    try:
        value = point.load()
    except BaseException as error:  # a package that calls sys.exit must not end the program as if all were done
        raise UsageError(f"{origin} cannot be imported: {sentence(error)}; mend or remove that package.") from error
    name = _name(kind, value, origin)
    if name != point.name:
        raise UsageError(f"{origin} leads to a {KINDS[kind].word} named '{name}'; the entry point must have that name.")
    return Thing(name, value, origin, lambda: plugins.sources_of_package(point.module))


def _add(kind: str, thing: Thing, known: dict[str, Thing]) -> None:
    """Add a thing to those known by their plain names.

    Raises:
        UsageError: The name is in use.
    """
    other = known.setdefault(_plain(thing.name), thing)
    if other is not thing:
        raise UsageError(
            f"Two {KINDS[kind].word}s have one name: '{other.name}' ({other.origin}) and '{thing.name}' "
            f"({thing.origin}); rename one of them."
        )


def _plain(name: str) -> str:
    """A name as it is compared: case counts for nothing, nor does `_` for `-`, as metrics are looked up."""
    return name.casefold().replace("_", "-")
