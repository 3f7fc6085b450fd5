"""What decides the outcome of a training, as a YAML file: built-in ones by name, others by path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from uaabench.core.errors import UsageError, unknown_name
from uaabench.core.mappings import read_mapping
from uaabench.running.config import invalid_entry

S = TypeVar("S", bound="Settings")


class Section(BaseModel):
    """A part of settings; an entry that does not exist is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Settings(Section):
    """The settings of a training.

    Attributes:
        name: Name on the card.
        summary: What they are for, in one sentence.
    """

    name: str
    summary: str = ""


def names(folder: Path) -> list[str]:
    """Names of the settings that lie in a folder of the package."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read_settings(kind: type[S], folder: Path, named: str, changes: dict[str, Any] | None, word: str) -> S:
    """Read what lies in a YAML file, and check it.

    Args:
        kind: What to read; its `name` is that of the file where the file says nothing else.
        folder: Where those lie that come with the package.
        named: The name of one of these, or the path of a YAML file.
        changes: Entries that take precedence, by dotted names such as `data` or `optimiser.steps`.
        word: What it is called in messages.

    Raises:
        UsageError: There is none of this name, it cannot be read, or an entry is unknown or cannot have its value.
    """
    path = folder / f"{named}.yaml" if named in names(folder) else Path(named).expanduser()
    if path.suffix not in {".yaml", ".yml"}:
        raise unknown_name(word, named, names(folder))
    content = read_mapping(path, word, "'steps: 500'")
    content.setdefault("name", path.stem)
    for dotted, value in (changes or {}).items():
        _change(content, dotted.split("."), value, word)
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise invalid_entry(error, f" of the {word} {path}") from error


def parse_changes(given: Sequence[str]) -> dict[str, Any]:
    """Read `steps=500` as it would stand in YAML.

    Raises:
        UsageError: There is no equals sign, or the value is not valid YAML.
    """
    changes = {}
    for entry in given:
        name, equals, value = entry.partition("=")
        if not equals:
            raise UsageError(f"'{entry}' changes nothing; write NAME=VALUE, for example steps=500.")
        try:
            changes[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise UsageError(f"The value of '{entry}' is not valid YAML; put it in quotes.") from error
    return changes


def _change(content: dict[str, Any], keys: list[str], value: Any, word: str) -> None:
    """Set an entry of nested mappings, which are made where they are missing."""
    *parents, last = keys
    for key in parents:
        content = content.setdefault(key, {})
        if not isinstance(content, dict):
            raise UsageError(f"'{'.'.join(keys)}' is no entry of a {word}: '{key}' has no parts.")
    content[last] = value
