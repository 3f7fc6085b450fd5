"""YAML files that hold a mapping, read strictly: an entry given twice is an error, where YAML takes the last one."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from uaabench.core.errors import UsageError


def read_mapping(file: Path, what: str, example: str) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Dates stay the texts that they are in the file; references (`*name`) are refused, as a few lines of them can stand
    for more than fits any memory.

    Args:
        file: The file, in UTF-8.
        what: What it is, for the message: `configuration`.
        example: How such a mapping begins.

    Raises:
        UsageError: It cannot be read, or is no YAML, or no mapping, or has an entry twice.
    """
    try:
        content = yaml.load(file.read_text(encoding="utf-8-sig"), Loader=_StrictLoader)
    except OSError as error:
        raise UsageError(f"Cannot read the {what} {file}: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"The {what} {file} is not text in UTF-8; save it in that encoding.") from error
    except RecursionError as error:
        raise UsageError(f"The {what} {file} is nested too deeply to be read; write it flatter.") from error
    except yaml.MarkedYAMLError as error:
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UsageError(f"The {what} {file} is not valid YAML: {error.problem}{where}.") from error
    # Scalars with a tag, as in `!!int x`, fail with whatever their conversion raises.
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"The {what} {file} is not valid YAML: {reason}.") from error
    if not isinstance(content, dict):
        raise UsageError(f"The {what} {file} must be a mapping such as {example}.")
    return content


class _StrictLoader(yaml.SafeLoader):
    """The safe loader without references and dates, which refuses a key that a mapping has twice."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as its base class declares it
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, "references to another entry ('*name') are not taken, write it out", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        found: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in found:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the entry '{key}' is there twice, the second time", key_node.start_mark
                )
            found.add(key if isinstance(key, Hashable) else None)
        return super().construct_mapping(node, deep)
