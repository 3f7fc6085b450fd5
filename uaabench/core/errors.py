"""The errors a user can meet, each with the exit code the command line documents for it.

A message says what is wrong, where, and how to mend it, in one sentence. Anything that is not an `UaabenchError` is a
defect of the program or of a method, and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

Result = TypeVar("Result")

# So many names are listed in a message where none is near, for example of the pairs of a data set.
MOST_NAMES = 40


class UaabenchError(Exception):
    """Base of all errors that are explained to the user in one sentence."""

    exit_code: ClassVar[int] = 2


class UsageError(UaabenchError):
    """The request cannot be carried out as it was written (exit code 2)."""


class ClusterError(UaabenchError):
    """Workers of a cluster cannot be reached, or do not find what they need (exit code 2)."""


class DataError(UaabenchError):
    """An image, a label map or a data set is missing or not as its card says (exit code 4)."""

    exit_code: ClassVar[int] = 4


class AbsentError(DataError):
    """A split or data set is not there at all, which need not be a mistake (exit code 4 where it was asked for)."""


class WeightsError(UaabenchError):
    """A checkpoint is missing, has another hash than its card, or does not fit the network (exit code 4)."""

    exit_code: ClassVar[int] = 4


class DownloadError(UaabenchError):
    """A file cannot be fetched, or what comes is not what it should be (exit code 4)."""

    exit_code: ClassVar[int] = 4


class MethodError(UaabenchError):
    """A fusion method broke its contract, for example by returning another image size (exit code 3)."""

    exit_code: ClassVar[int] = 3


class StorageError(UaabenchError):
    """A file cannot be written: the disk is full, or the place is missing or read-only (exit code 5)."""

    exit_code: ClassVar[int] = 5

    @classmethod
    def of(cls, path: Path, error: OSError) -> StorageError:
        """Say which file could not be written, and why."""
        return cls(
            f"Cannot write {path}: {error.strerror or error}; make room there or name another place, what was written "
            "before is kept."
        )


def sentence(error: BaseException) -> str:
    """One sentence about an error: the message of ours, type and message of any other.

    Example:
        >>> sentence(DataError("There is no image."))
        'There is no image.'
        >>> sentence(KeyError("ir"))
        "KeyError: 'ir'"
    """
    if isinstance(error, UaabenchError):
        return str(error)
    if isinstance(error, SystemExit):
        return f"its code asked the process to end (exit code {error.code})"
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """Say that `name` is no known `kind`, with the nearest known name or, failing that, the known ones.

    Example:
        >>> print(unknown_name("method", "tradal", ["uaa", "tardal"]))
        There is no method 'tradal'; did you mean 'tardal'?
    """
    names = {known_name.lower(): known_name for known_name in sorted(known)}
    nearest = difflib.get_close_matches(name.lower(), names, n=1)
    listed = ", ".join(list(names.values())[:MOST_NAMES])
    rest = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    hint = f"did you mean '{names[nearest[0]]}'?" if nearest else f"known are: {listed}{rest}."
    return UsageError(f"There is no {kind} '{name}'; {hint}")


_is_worker = False


def enter_worker() -> None:
    """Say that this process is a worker, which ignores Ctrl-C: its parent ends it."""
    global _is_worker  # noqa: PLW0603 - a process is a worker or is none
    _is_worker = True


def faults() -> tuple[type[BaseException], ...]:
    """What code of a method, metric or data set may raise that fails a pair and nothing else.

    That code may call `sys.exit`; in a worker, where Ctrl-C arrives at the parent alone, it may also be what raised a
    KeyboardInterrupt, or an exception of its own that is no `Exception`.
    """
    return (BaseException,) if _is_worker else (Exception, SystemExit)


def attempt(function: Callable[..., Result], *arguments: Any) -> Result | BaseException:
    """Call a function and return the fault that it raises instead of raising it: one pair must not stop the others."""
    try:
        return function(*arguments)
    except faults() as error:
        return error
