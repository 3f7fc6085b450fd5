"""Progress of a stage: what is worked on, how many pairs are done of all, and how long the rest will take.

A bar for each stage on a terminal; elsewhere plain lines, of which a log of hours holds a few hundred at most.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from uaabench.running.plan import Plan

SECONDS_TO_FIRST_LINE = 5
SECONDS_BETWEEN_LINES = 30
# What was finished by an earlier call is reported in no time, and says nothing about the rest.
SECONDS_OF_SKIPPING = 1


class Advance(Protocol):
    """Is called after every pair."""

    def __call__(self, stage: str, what: str = "", /) -> None:
        """Count a pair of a stage.

        Args:
            stage: One of those that were announced.
            what: What the pair was of, for example `uaa on msrs`.
        """


@contextmanager
def run_progress(plan: Plan, stages: Sequence[str] | None) -> Iterator[Advance]:
    """Show how many pairs of each stage of a run are finished; yields the function to call after every pair."""
    chosen = [stage.name for stage in plan.stages if stages is None or stage.name in stages]
    totals = {name: sum(len(unit.dataset.pairs) for unit in plan.units[name]) for name in chosen}
    with progress(totals) as advance:
        yield advance


@contextmanager
def progress(totals: dict[str, int], counted: str = "pairs") -> Iterator[Advance]:
    """Show how much of each stage is finished, of so many pairs or files; yields the function to call after each."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(totals, console, counted)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), TextColumn("left"), console=console) as bars:
        tasks = {
            stage: bars.add_task(stage, total=total, start=False, visible=False) for stage, total in totals.items()
        }

        def advance(stage: str, what: str = "", /) -> None:
            bars.start_task(tasks[stage])
            bars.update(tasks[stage], advance=1, visible=True, description=Text(f"{stage} {what}".strip()).markup)

        yield advance


def note(sentence: str) -> None:
    """Show a sentence on standard error; above the bars, where there are any."""
    print(f"uaabench: {sentence}", file=sys.stderr)


class _Lines:
    """Prints a line when a stage ends, and in between once in a while."""

    def __init__(self, totals: dict[str, int], console: Console, counted: str = "pairs") -> None:
        self._totals, self._console, self._counted = totals, console, counted
        self._done = dict.fromkeys(totals, 0)
        self._begun: dict[str, float] = {}
        self._skipped = dict.fromkeys(totals, 0)
        self._next = time.monotonic() + SECONDS_TO_FIRST_LINE

    def __call__(self, stage: str, what: str = "", /) -> None:
        now = time.monotonic()
        self._done[stage] += 1
        if now - self._begun.setdefault(stage, now) < SECONDS_OF_SKIPPING:
            self._skipped[stage] = self._done[stage]
        if self._done[stage] == self._totals[stage] or now >= self._next:
            self._next = now + SECONDS_BETWEEN_LINES
            parts = [
                f"{stage}: {self._done[stage]} of {self._totals[stage]} {self._counted}",
                what,
                self._left(stage, now),
            ]
            self._console.print(Text(", ".join(filter(None, parts))), soft_wrap=True)

    def _left(self, stage: str, now: float) -> str:
        """How long the rest of a stage will take at the pace so far; empty at its end, and where nothing is known."""
        worked = self._done[stage] - self._skipped[stage]
        waiting = self._totals[stage] - self._done[stage]
        if not worked or not waiting:
            return ""
        return f"about {duration((now - self._begun[stage]) / worked * waiting)} left"


def duration(seconds: float) -> str:
    """A time that is yet to pass, in its largest unit.

    Example:
        >>> duration(40), duration(700), duration(9000)
        ('40 s', '12 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
