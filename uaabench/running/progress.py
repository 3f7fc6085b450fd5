"""Progress of a run: a bar for each stage on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from uaabench.running.plan import Plan

SECONDS_BETWEEN_LINES = 30


@contextmanager
def run_progress(plan: Plan, stages: Sequence[str] | None) -> Iterator[Callable[[str], None]]:
    """Show how many pairs of each stage of a run are finished; yields the function to call after every pair."""
    chosen = [stage.name for stage in plan.stages if stages is None or stage.name in stages]
    totals = {name: sum(len(unit.dataset.pairs) for unit in plan.units[name]) for name in chosen}
    with progress(totals) as advance:
        yield advance


@contextmanager
def progress(totals: dict[str, int]) -> Iterator[Callable[[str], None]]:
    """Show how many pairs of each stage are finished, of so many; yields the function to call after every pair."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _line_printer(totals, console)
        return
    columns = (TextColumn("{task.description:>6}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as bars:
        tasks = {stage: bars.add_task(stage, total=total) for stage, total in totals.items()}
        yield lambda stage: bars.advance(tasks[stage])


def _line_printer(totals: dict[str, int], console: Console) -> Callable[[str], None]:
    finished: Counter[str] = Counter()
    last = time.monotonic()

    def advance(stage: str) -> None:
        nonlocal last
        finished[stage] += 1
        if finished[stage] == totals[stage] or time.monotonic() - last > SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            console.print(f"{stage}: {finished[stage]} of {totals[stage]} pairs", highlight=False)

    return advance
