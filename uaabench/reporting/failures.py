"""What failed, in few lines: for the terminal, and for a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from uaabench.running.triples import list_names
from uaabench.running.units import Failure

# So many names of pairs stand in a line.
MOST_PAIRS = 3


def failure_lines(failures: Iterable[Failure], most: int = 20) -> list[str]:
    """One line for each distinct reason of a method on a data set, and how many there are beyond `most`."""
    grouped: dict[tuple[str, str, str, str], list[str]] = {}
    for failure in failures:
        key = (failure.stage, failure.method, f"{failure.dataset} {failure.split}".strip(), failure.reason)
        grouped.setdefault(key, []).append(failure.pair)
    lines = [_line(group, pairs) for group, pairs in list(grouped.items())[:most]]
    return [*lines, f"and {len(grouped) - most} more, all in the records"] if len(grouped) > most else lines


def _line(group: tuple[str, str, str, str], pairs: Sequence[str]) -> str:
    stage, method, dataset, reason = group
    where = f"{stage} {method} on {dataset}"
    if len(pairs) == 1:
        return f"{where}, {pairs[0]}: {reason}"
    return f"{where}, {len(pairs)} pairs: {reason} (pairs {list_names(pairs, MOST_PAIRS)})"
