"""Plugin files: importing one, and finding the files beside it that its results depend on.

A plugin may import what lies beside it. Its folder is searched last, so that nothing beside it can take the place of an
installed package; a name that would mean something else than the file beside the plugin is refused.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from uaabench.core import files
from uaabench.core.errors import UsageError, sentence

# The harness has versions of its own, wherever it is installed.
HARNESS = "uaabench"
# What really ends this process at once, for the harness itself.
end_now = os._exit


def forbid_to_end() -> None:
    """Let `os._exit` raise SystemExit, as `sys.exit` does, where code of others calls it in this process.

    Else it would end a command in silence, with the exit code that it likes. Processes forked from this one may end.
    """
    here = os.getpid()

    def end(status: int) -> NoReturn:
        if os.getpid() != here:
            end_now(status)
        raise SystemExit(status)

    vars(os)["_exit"] = end


def import_plugin(path: Path) -> tuple[ModuleType, list[Path]]:
    """Import a Python file as a module that no other file shares, whatever their names.

    No bytecode is written: a file that was edited within one second would be taken for the one before.

    Args:
        path: The file, resolved.

    Returns:
        The module, and the files of its folder or below that were imported with it.

    Raises:
        UsageError: The file is no Python file, cannot be imported, or imports a file beside it whose name is taken.
    """
    forbid_to_end()
    name = f"uaabench_plugin_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None:
        raise UsageError(f"The plugin {path} is no Python file; give one whose name ends in .py.")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    _refuse_hidden(path)
    module = importlib.util.module_from_spec(spec)
    before = {*sys.modules, name}
    sys.modules[name] = module
    try:
        with _without_bytecode():
            exec(compile(path.read_bytes(), path, "exec"), vars(module))
    except BaseException as error:  # a plugin that calls sys.exit must not end the program as if all were done
        del sys.modules[name]
        raise UsageError(f"The plugin {path} cannot be imported: {sentence(error)}") from error
    return module, list(_of_folder(path.parent, sys.modules.keys() - before))


def sources_of_plugin(path: Path, also: Iterable[Path] = ()) -> dict[str, str]:
    """SHA-256 of a plugin file and of all that it imports from its folder or below, imports in functions included.

    Args:
        path: The file, resolved.
        also: Files of the folder that are known to have been imported by other means than an import statement.

    Returns:
        Hashes by path, relative to the folder of the plugin.
    """
    found = _imported({path: ""}, path.parent, lambda name: name != HARNESS)
    return _hashes({*found, *also}, path.parent)


def sources_of_package(module: str) -> dict[str, str]:
    """SHA-256 of an installed module and of all that it imports from its own top-level package.

    Args:
        module: Dotted name of a module that is imported.

    Returns:
        Hashes by path, relative to the folder that the top-level package lies in.
    """
    top = module.partition(".")[0]
    spec = importlib.util.find_spec(top)
    origin = Path(spec.origin) if spec is not None and spec.origin else None
    if origin is None:
        return {}
    folder = origin.parent.parent if spec and spec.submodule_search_locations else origin.parent
    found = _imported(dict(_locate(module, folder)), folder, lambda name: name == top)
    return _hashes(found, folder)


@contextmanager
def _without_bytecode() -> Iterator[None]:
    writes_none, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes_none


def _hashes(paths: Iterable[Path], folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): files.sha256(path) for path in sorted(paths)}


def _of_folder(folder: Path, modules: Iterable[str]) -> Iterator[Path]:
    """The files of modules that lie in a folder or below, but for the harness and packages that are installed there."""
    installed = [entry for entry in map(Path, sys.path) if entry != folder and entry.is_relative_to(folder)]
    for name in modules:
        file = getattr(sys.modules[name], "__file__", None)
        path = Path(file).resolve() if file else folder
        below = path.is_file() and path.is_relative_to(folder) and name.partition(".")[0] != HARNESS
        if below and not any(path.is_relative_to(entry) for entry in installed):
            yield path


def _refuse_hidden(path: Path) -> None:
    """Refuse a file that the plugin would import from beside it, but whose name means another module already."""
    importlib.invalidate_caches()
    for top in {name.partition(".")[0] for name in _names(path, "")} - {HARNESS}:
        beside, meant = PathFinder.find_spec(top, [str(path.parent)]), _meant(top)
        other = str(meant.origin) if meant is not None else "a module without a file"
        if beside is not None and beside.origin and Path(beside.origin).resolve() != Path(other).resolve():
            raise UsageError(
                f"The plugin {path} imports '{top}', and {beside.origin} lies beside it, but that name already means "
                f"{other}; give the file beside the plugin another name."
            )


def _meant(top: str) -> ModuleSpec | None:
    """What a top-level name means now."""
    try:
        return importlib.util.find_spec(top)
    except ValueError:  # a module that was made by hand, without a specification
        return None


def _imported(seeds: dict[Path, str], folder: Path, own: Callable[[str], bool]) -> set[Path]:
    """Files that these ones import, directly or through others, from a folder; and these ones.

    Args:
        seeds: Files with the dotted name of the package that relative imports in them start from.
        folder: Where top-level names are looked up.
        own: Whether a top-level name counts.
    """
    importlib.invalidate_caches()
    found = dict(seeds)
    pending = list(seeds)
    while pending:
        path = pending.pop()
        for name in _names(path, found[path]):
            located = _locate(name, folder) if own(name.partition(".")[0]) else ()
            for file, package in located:
                if file not in found:
                    found[file] = package
                    pending.append(file)
    return set(found)


def _locate(name: str, folder: Path) -> Iterator[tuple[Path, str]]:
    """The files that importing a dotted name runs, each with the package it belongs to; none where it is elsewhere."""
    places, parts = [str(folder)], name.split(".")
    for depth in range(1, len(parts) + 1):
        dotted = ".".join(parts[:depth])
        spec = PathFinder.find_spec(dotted, places)
        if spec is None or (depth == 1 and spec.origin is None and _is_regular(dotted)):
            return
        inside = spec.submodule_search_locations
        if spec.origin is not None:
            yield Path(spec.origin).resolve(), dotted if inside else dotted.rpartition(".")[0]
        if inside is None:
            return
        places = list(inside)


def _is_regular(top: str) -> bool:
    """Whether a name means a module with a file; a mere folder of that name beside a plugin then means nothing."""
    meant = _meant(top)
    return meant is not None and meant.origin is not None


def _names(path: Path, package: str) -> Iterator[str]:
    """Dotted names that a Python file may import, wherever its import statements stand."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):  # an extension module, or a mistake that importing it will tell
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: -(node.level - 1) or None] if node.level and package else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            if not node.level or base:
                yield from (f"{start}.{alias.name}" for alias in node.names)
