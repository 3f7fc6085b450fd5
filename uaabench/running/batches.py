"""Working on several pairs of one size at once, which keeps a GPU busy.

An image that a network makes in a batch may differ by rounding from the one that it makes alone. So the sizes of
batches are planned, from the data set alone, and belong to the keys of results; and every batch is filled up to its
planned size, so that neither the number of workers nor where a run was stopped decides anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from uaabench.core import decoding
from uaabench.core.arrays import ByteImage
from uaabench.core.errors import DataError, faults
from uaabench.core.interface import Pair
from uaabench.running.units import Runtime

# Height and width of images.
Size = tuple[int, int]
Key = TypeVar("Key")
Item = TypeVar("Item")
Result = TypeVar("Result")

# What a GPU is given at once under `auto`, where that many fit: pairs, and pixels of one source.
MOST_PAIRS, MOST_PIXELS = 32, 2**25
# Threads that read, and that write, beside a GPU.
MOST_THREADS = 4
# How torch begins to say that a processor has no memory left, for which it has no type.
_NO_MEMORY = "[enforce fail at alloc_cpu"


def planned(pairs: Iterable[Pair], asked: int | Literal["auto"], device: str) -> dict[Size, int]:
    """How many pairs of each size are worked on at once; of sizes that are left out, one.

    Args:
        pairs: All pairs of a data set; those that cannot be read do not count.
        asked: How many; `auto` for what a GPU is given, and one on a processor, which gains nothing by more.
        device: Kind of device.
    """
    if asked == 1 or (asked == "auto" and device == "cpu"):
        return {}
    counts: Counter[Size] = Counter()
    for pair in pairs:
        with suppress(DataError):
            counts[decoding.size(pair.ir)] += 1
    batches = {size: min(count, _most(size) if asked == "auto" else asked) for size, count in sorted(counts.items())}
    return {size: number for size, number in batches.items() if number > 1}


def _most(size: Size) -> int:
    return min(MOST_PAIRS, MOST_PIXELS // (size[0] * size[1]))


def described(batches: Mapping[Size, int]) -> dict[str, list[list[int]]]:
    """What batches add to the description of a unit: nothing where each pair is worked on alone."""
    return {"batches": [[*size, number] for size, number in batches.items()]} if batches else {}


def one_size_after_the_other(pairs: Sequence[Pair], batches: Mapping[Size, int]) -> list[Pair]:
    """The pairs of each size in a row where several sizes have batches, so that one batch at a time is waited for."""
    return sorted(pairs, key=_size_or_none) if len(batches) > 1 else list(pairs)


def _size_or_none(pair: Pair) -> Size:
    with suppress(DataError):
        return decoding.size(pair.ir)
    return (0, 0)


def size_of(image: ByteImage) -> Size:
    """Size of an (H,W) or (H,W,C) image."""
    height, width = image.shape[:2]
    return height, width


def threads_beside(runtime: Runtime) -> int:
    """How many threads read, and how many write: one where the processor has the images to work on as well.

    Two are no faster there (docs/efficiency.md), and hold one image more.
    """
    return 1 if runtime.device == "cpu" else min(runtime.threads, MOST_THREADS)


class Done(NamedTuple, Generic[Key, Result]):
    """What came of one item: its result or its exception, and how many were worked on at once."""

    key: Key
    result: Result | BaseException
    batch: int


def noted(done: Done[Any, Any]) -> dict[str, int]:
    """What a result says of its batch: nothing where its pair was alone."""
    return {"batch": done.batch} if done.batch > 1 else {}


class Batches(Generic[Item, Result]):
    """Applies a function to batches, in which no item can fail another.

    A batch that does not fit the memory is halved, and so are those that follow. Of one that fails for another reason
    the items are tried alone, and those that do not fail then are done without the others. Where none fails, the
    function cannot take batches, and is given no more of them.

    Args:
        function: Takes items of one size, and gives a result for each.
        size_of: Size of an item.
        batches: How many of each size are taken at once; of others one.
    """

    def __init__(
        self,
        function: Callable[[Sequence[Item]], Sequence[Result]],
        size_of: Callable[[Item], Size],
        batches: Mapping[Size, int],
    ) -> None:
        self._function = function
        self._size_of = size_of
        self._batches = dict(batches)

    def map(self, items: Iterable[tuple[Key, Item | BaseException]]) -> Iterator[Done[Key, Result]]:
        """What comes of items; an exception in the place of one is handed on. Those of one size keep their order."""
        waiting: dict[Size, list[tuple[Key, Item]]] = {}
        for key, item in items:
            if isinstance(item, BaseException):
                yield Done(key, item, 1)
                continue
            size = self._size_of(item)
            waiting.setdefault(size, []).append((key, item))
            if len(waiting[size]) >= self._batches.get(size, 1):
                yield from self._work(size, waiting.pop(size))
        for size, left in waiting.items():
            yield from self._work(size, left)

    def _work(self, size: Size, left: list[tuple[Key, Item]]) -> Iterator[Done[Key, Result]]:
        while left:
            number = self._batches.get(size, 1)
            part = left[:number]
            results = self._attempt([item for _, item in part], number)
            if number > 1 and _lacks_memory(results):
                self._batches[size] = number // 2
                _free_memory()
                continue
            left = left[number:]
            if isinstance(results, BaseException) and number > 1:
                yield from self._tried_alone(size, part)
            else:
                yield from _together(part, results, number)

    def _tried_alone(self, size: Size, part: Sequence[tuple[Key, Item]]) -> Iterator[Done[Key, Result]]:
        alone = [done for key, item in part for done in _together([(key, item)], self._attempt([item], 1), 1)]
        failed = [done for done in alone if isinstance(done.result, BaseException)]
        good = [entry for entry, done in zip(part, alone, strict=True) if not isinstance(done.result, BaseException)]
        number = self._batches[size]
        if not failed:
            self._batches[size] = 1
        again = self._attempt([item for _, item in good], number) if failed and good else None
        if again is None or isinstance(again, BaseException):
            yield from alone
        else:
            yield from [*failed, *_together(good, again, number)]

    def _attempt(self, items: list[Item], number: int) -> Sequence[Result] | BaseException:
        """Results of a batch that is filled up by its last item, or why there are none."""
        filled = items + items[-1:] * (number - len(items))
        try:
            return self._function(filled)[: len(items)]
        except faults() as error:
            # Its frames would keep what lies in the memory of the device.
            return error.with_traceback(None)


def _together(
    part: Sequence[tuple[Key, Item]], results: Sequence[Result] | BaseException, number: int
) -> Iterator[Done[Key, Result]]:
    """The results of a batch one by one; of one that failed, its exception for each."""
    each: Sequence[Result | BaseException] = [results] * len(part) if isinstance(results, BaseException) else results
    return (Done(key, result, number) for (key, _), result in zip(part, each, strict=True))


def _lacks_memory(results: object) -> bool:
    import torch

    is_processor = isinstance(results, RuntimeError) and str(results).startswith(_NO_MEMORY)
    return is_processor or isinstance(results, (MemoryError, torch.OutOfMemoryError))


def _free_memory() -> None:
    """Give back what torch keeps of a batch that did not fit: what comes next is of another size."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
