"""Which images are frames of one video, by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from uaabench.core.interface import Pair

# A name and a number of at least two digits behind an underscore: a plain number tells nothing of a video.
FRAME = re.compile(r"(.+)_(\d{2,})", re.DOTALL)


def chained(pairs: Iterable[Pair]) -> list[Pair]:
    """Pairs in their order, each of which knows the frame before it: that of the same name and the number before.

    Example:
        >>> from pathlib import Path
        >>> names = ("car_0001", "car_0002", "car_0004", "tree")
        >>> [pair.previous for pair in chained(Pair(name, Path("a"), Path("b")) for name in names)]
        ['', 'car_0001', '', '']
    """
    known = {pair.id: pair for pair in pairs}
    return [
        replace(pair, previous=before) if (before := _before(pair.id)) in known else pair for pair in known.values()
    ]


def _before(name: str) -> str:
    """What the frame before one of this name is called; empty for a name without a number, and before 0."""
    found = FRAME.fullmatch(name)
    if found is None or int(found[2]) == 0:
        return ""
    return f"{found[1]}_{int(found[2]) - 1:0{len(found[2])}}"
