"""Working on a sequence with threads, in order, holding only a few items at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], *, threads: int, ahead: int = 1
) -> Iterator[Result]:
    """Apply a function in threads and yield the results in the order of the items.

    At most `threads` + `ahead` results exist at a time, so memory does not grow with the number of items; `ahead` are
    ready when the caller, who may take a batch at once, comes back for more. An exception of the function is raised
    where its result would have been yielded.

    Example:
        >>> list(ordered_map(abs, [-1, 2, -3], threads=2))
        [1, 2, 3]
    """
    with ThreadPoolExecutor(threads) as pool:
        pending: deque[Future[Result]] = deque()
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) >= threads + ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
