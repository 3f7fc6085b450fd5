"""Options that a configuration gives by name: checked against what takes them before anything runs."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from uaabench.core.errors import UaabenchError, UsageError, unknown_name

Options = Mapping[str, Mapping[str, Any]]


def check_options(options: Options, takers: Mapping[str, Callable[[], Callable[..., Any]]]) -> None:
    """Refuse options that nothing in this run takes.

    Args:
        options: Keyword arguments by the name of what takes them, as `RunConfig.options` has them.
        takers: By name, a function that imports the class of a method of this run; it is called only for those that
            have options. Its constructor decides which options there are, and of which type.

    Raises:
        UsageError: There is nothing of that name in this run, it has no such option, or not of such a value.
    """
    for name, given in options.items():
        if name not in takers:
            raise UsageError(
                f"The configuration has options for '{name}', which is not in this run; known there are: "
                f"{', '.join(sorted(takers)) or 'none'}. Mend the name, or take the options out."
            )
        if given:
            _check(name, given, takers[name]())


def _check(name: str, given: Mapping[str, Any], constructor: Callable[..., Any]) -> None:
    parameters = inspect.signature(constructor).parameters
    if not any(entry.kind is inspect.Parameter.VAR_KEYWORD for entry in parameters.values()):
        keywords = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        known = [entry.name for entry in parameters.values() if entry.kind in keywords]
        if not known:
            raise UsageError(f"'{name}' takes no options, but the configuration gives it {', '.join(given)}.")
        for option in given:
            if option not in known:
                raise unknown_name(f"option of '{name}'", option, known)
    hints = _hints(constructor)
    for option, value in given.items():
        if option in hints:
            _check_type(name, option, value, hints[option])
    try:
        constructor(**given)
    except UaabenchError as error:
        raise UsageError(f"The options of '{name}' in the configuration are not accepted: {error}") from error
    except Exception as error:
        raise UsageError(
            f"The options of '{name}' in the configuration are not accepted: {type(error).__name__}: {error}."
        ) from error


def _hints(constructor: Callable[..., Any]) -> dict[str, Any]:
    """Types of the parameters by name; none where the annotations cannot be resolved."""
    function = constructor.__init__ if inspect.isclass(constructor) else constructor
    try:
        return get_type_hints(function)
    except (NameError, TypeError, AttributeError):
        return {}


def _check_type(name: str, option: str, value: Any, hint: Any) -> None:
    """Refuse a value of another type: the text 'false' where a truth value belongs would count as true."""
    try:
        # By way of JSON a list is taken for a tuple and a text for a path.
        TypeAdapter(hint).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise UsageError(
            f"The option '{option}' of '{name}' cannot be {value!r}: {error.errors()[0]['msg']}."
        ) from error
    except PydanticUserError:
        return  # a type that pydantic does not know
