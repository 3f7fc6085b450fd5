"""What degraded input leaves of each number: a table for each data set and column, its degradations side by side.

A retention is degraded over clean where that means something: where higher is better and nothing lies below 0, so that
0.8 says that a fifth is gone. Of the other columns it is degraded minus clean. Of a degradation in several severities
the mean counts; retention and interval are over the pairs that all of them have a value for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from uaabench.core.columns import Column
from uaabench.core.errors import UsageError
from uaabench.core.grid import MISSING, Grid, GridCell, GridRow, number
from uaabench.reporting.numbers import Numbers
from uaabench.reporting.table import Retention, RetentionRow, RetentionTable, Row, Section, Table
from uaabench.running.evidence import DatasetHead, Judged
from uaabench.statistics import Interval, average_ranks, retention, retention_of_measure
from uaabench.statistics.resampling import Tallies


def build_retention(
    sections: Sequence[Section], metrics: Sequence[Column], numbers: Numbers, *, floor: bool
) -> list[RetentionTable]:
    """The retention of every method by every column.

    Args:
        sections: The sections of a table, clean and degraded.
        metrics: Its columns.
        numbers: The values they were made of.
        floor: Whether trivial methods are ranked too.

    Returns:
        A table for each clean data set with degraded versions and each column with a value there.
    """
    return [
        made
        for clean in sections
        if (by_kind := _by_kind(clean, sections))
        for metric in metrics
        if (made := _table(clean, by_kind, metric, numbers, floor=floor)) is not None
    ]


def _table(
    clean: Section, by_kind: dict[str, list[Section]], metric: Column, numbers: Numbers, *, floor: bool
) -> RetentionTable | None:
    rows = _rows(clean, by_kind, metric, numbers, floor=floor)
    if all(row.clean is None for row in rows):
        return None
    heads = {kind: [head for one in several if (head := one.dataset.degraded)] for kind, several in by_kind.items()}
    against = sorted({head.scored_against for several in heads.values() for head in several})
    return RetentionTable(
        dataset=clean.dataset,
        metric=metric,
        as_ratio=is_ratio(metric),
        degradations={kind: tuple(head.text for head in several) for kind, several in heads.items()},
        scored_against="" if metric.name in numbers.judged else " and ".join(against),
        rows=rows,
    )


def is_ratio(metric: Column) -> bool:
    """Whether a share of the clean value means something."""
    return metric.higher_is_better and metric.range[0] >= 0


def _by_kind(clean: Section, sections: Sequence[Section]) -> dict[str, list[Section]]:
    """The degraded versions of a clean section, those of one kind together."""
    found: dict[str, list[Section]] = {}
    for section in sections:
        if section.dataset.degraded and section.dataset.is_version_of(clean.dataset):
            found.setdefault(section.dataset.degraded.kind, []).append(section)
    return found


def _rows(
    clean: Section, by_kind: dict[str, list[Section]], metric: Column, numbers: Numbers, *, floor: bool
) -> list[RetentionRow]:
    ranks = _ranks(clean, [clean], metric, floor=floor)
    ranks_of = {kind: _ranks(clean, several, metric, floor=floor) for kind, several in by_kind.items()}
    rows = []
    for row in clean.rows:
        label = row.method.label
        kept = {}
        for kind, several in by_kind.items():
            found = _retention(clean, several, label, metric, numbers)
            kept[kind] = Retention(
                value=_known(found.mean),
                low=_known(found.low),
                high=_known(found.high),
                n=found.n,
                rank=ranks_of[kind].get(label),
            )
        rows.append(RetentionRow(row.method, row.cells[metric.name].mean, ranks.get(label), kept))
    return rows


def _retention(clean: Section, several: Sequence[Section], label: str, metric: Column, numbers: Numbers) -> Interval:
    """Retention of one method over the pairs on which it has a value everywhere."""
    datasets = [section.dataset for section in (clean, *several)]
    if metric.name not in numbers.judged:
        known = [numbers.values(dataset, label, metric.name) for dataset in datasets]
        common = sorted(set.intersection(*(set(values.index) for values in known)))
        first, *others = (values[common].to_numpy(dtype=float) for values in known)
        return retention(first, others, as_ratio=is_ratio(metric))
    judged = numbers.judged[metric.name]
    sides = judged_alike(judged, datasets, label)
    if not sides:
        return Interval(math.nan, math.nan, math.nan, 0)
    return retention_of_measure(judged.measure, sides[0], sides[1:], as_ratio=is_ratio(metric))


def judged_alike(judged: Judged, datasets: Sequence[DatasetHead], label: str) -> list[Tallies]:
    """Tallies of a method on several versions of a data set, of the pairs that all have.

    Returns:
        None at all where a version lacks them, where they are not of one judge and setting, or where nothing can be
        computed of them any more, since a plug-in's stage is gone.
    """
    tallies = [found for dataset in datasets if (found := judged.tallies(dataset, label))]
    if len(tallies) < len(datasets) or any(
        (found.judge, found.setting) != (tallies[0].judge, tallies[0].setting) for found in tallies
    ):
        return []
    try:
        _ = judged.measure
    except UsageError:
        return []
    pairs = sorted(set.intersection(*(set(found.pairs) for found in tallies)))
    return [found.on(pairs) for found in tallies]


def _ranks(clean: Section, sections: Sequence[Section], metric: Column, *, floor: bool) -> dict[str, float]:
    """Ranks by the mean value over some sections, of the methods that are complete in all of them."""
    means: dict[str, list[float]] = {}
    for row in clean.rows if floor else clean.compared:
        cells = [other.cells[metric.name] for section in sections if (other := _row(section, row)) is not None]
        values = [cell.mean for cell in cells if cell.is_complete and cell.mean is not None]
        if len(values) == len(sections):
            means[row.method.label] = [float(np.mean(values))]
    return average_ranks(means, [metric.higher_is_better])


def _row(section: Section, wanted: Row) -> Row | None:
    return next((row for row in section.rows if row.method.label == wanted.method.label), None)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def retention_grids(table: Table, *, details: bool = True) -> Iterator[Grid]:
    """The retention of a table as grids.

    Args:
        table: The table.
        details: All columns; else the measures of whole data sets, or where there is none what noise cannot improve.
    """
    # First what a task is left with, last what noise can improve.
    for kept in sorted(table.retention, key=lambda kept: (kept.scored_against != "", kept.metric.gameable_by_noise)):
        if details or kept.metric.name in _headline(table):
            yield _grid(table, kept)


def _headline(table: Table) -> set[str]:
    """The columns that say most about degraded input: what a task is left with, or else what noise cannot improve."""
    ratios = [kept.metric for kept in table.retention if kept.as_ratio and not kept.metric.gameable_by_noise]
    judged = {kept.metric.name for kept in table.retention if not kept.scored_against}
    return judged or {metric.name for metric in ratios}


def _grid(table: Table, kept: RetentionTable) -> Grid:
    arrow = kept.metric.higher_is_better
    rows = [
        GridRow(
            table.row_titles[row.method.label],
            row.method.is_floor,
            [
                GridCell(number(row.clean), _rank(row.clean_rank)),
                *(_cell(kept, row.by_kind[kind]) for kind in kept.degradations),
            ],
        )
        for row in kept.rows
    ]
    what = "Retention" if kept.as_ratio else "Change by degradation"
    return Grid(
        name=f"retention-{kept.metric.name}-{kept.dataset.key}",
        title=f"{what} of {kept.metric.name}: {kept.dataset.heading}",
        columns=["clean", *kept.degradations],
        arrows=[arrow] * (len(kept.degradations) + 1),
        rows=rows,
        sentences=list(_sentences(kept)),
    )


def _cell(kept: RetentionTable, found: Retention) -> GridCell:
    if found.value is None:
        return GridCell(MISSING)
    sign = "" if kept.as_ratio else "+"
    parts = [f"[{found.low:{sign}.4f}, {found.high:{sign}.4f}]"] if found.low is not None else []
    parts += [rank] if (rank := _rank(found.rank)) else []
    parts += [f"n = {found.n}"] if found.n < kept.dataset.planned else []
    return GridCell(f"{found.value:{sign}.4f}", ", ".join(parts))


def _rank(rank: float | None) -> str:
    return "" if rank is None else f"rank {rank:g}"


def _sentences(kept: RetentionTable) -> Iterator[str]:
    how = "divided by that on clean input" if kept.as_ratio else "minus that on clean input"
    texts = ", ".join(text for several in kept.degradations.values() for text in several)
    yield (
        f"Clean: the value itself. Behind it: the value on degraded input {how}, mean over the severities of each kind "
        f"({texts}), with the paired 95 % bootstrap interval over pairs. Ranks are by the values on that input; 1 is "
        "best."
    )
    if kept.scored_against:
        yield f"Fused images of degraded input are scored against the {kept.scored_against} sources."
    else:
        yield "Fused images of degraded input are judged by the labels of the clean scene."
    if kept.metric.gameable_by_noise:
        yield f"Noise can improve {kept.metric.name}: more of it on degraded input is no better picture."
