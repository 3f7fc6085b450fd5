"""Split files: lists of pairs, in the forms in which people publish them.

One pair a line: its stem, the name or path of one of its images, or of both in two columns. Empty lines and lines that
begin with # do not count, nor does a byte order mark.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from uaabench.core.errors import UsageError
from uaabench.core.files import IMAGE_SUFFIXES

# File systems take 255 bytes for a name, some of which a suffix and the name of a partial file need.
_LONGEST = 200
_COLUMNS = re.compile(r"[\s,;]+")


def read_stems(path: Path, known: Collection[str]) -> list[str]:
    """Read the stems that a split file names, in its order; one that is not known is among them.

    Args:
        path: The file.
        known: Stems of the pairs that are there; a line that is one of them is never read in another way.

    Raises:
        UsageError: The file is no text, or names nothing that is known, or has a line that names no single pair or one
            that an earlier line names.
    """
    lines: dict[str, int] = {}
    for number, line in enumerate(_lines(path), start=1):
        if not line or (line.startswith("#") and line not in known):
            continue
        stem = _stem_of_line(line, known)
        if stem is None:
            raise UsageError(f"Line {number} of {path} names no single pair: '{line}'; write one stem a line.")
        first = lines.setdefault(stem, number)
        if first != number:
            raise UsageError(f"Line {number} of {path} names '{stem}' as line {first} does; take one of them away.")
    if not lines:
        raise UsageError(f"The split file {path} is empty; write one stem a line.")
    if lines.keys().isdisjoint(known):
        raise UsageError(
            f"None of the {len(lines)} names in {path}, such as '{next(iter(lines))}', is that of a pair that is here, "
            f"such as '{min(known, default='')}'; check whether the list is of this data set."
        )
    return list(lines)


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").split("\n")]
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise UsageError(
            f"Cannot read the split file {path}: {reason}; it must be UTF-8 text with one stem a line."
        ) from error


def _stem_of_line(line: str, known: Collection[str]) -> str | None:
    """The pair that a line names; None where it names none or several, or a path that leads upwards."""
    whole = _stem(line)
    if line in known or whole in known:
        return line if line in known else whole
    stems = {_stem(column) for column in _COLUMNS.split(line) if column}
    return stems.pop() if len(stems) == 1 else None


def _stem(name: str) -> str | None:
    """File stem of a name or path, with slashes or backslashes; None for one that leads upwards or cannot be a file."""
    *folders, last = re.split(r"[/\\]", name)
    if ".." in (*folders, last) or "\0" in name or not 0 < len(last.encode()) <= _LONGEST:
        return None
    path = Path(last)
    return path.stem if path.suffix.lower() in IMAGE_SUFFIXES else last
