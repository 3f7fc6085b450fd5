"""The tables beside the main one, in the form that every printed format lays out: rows and columns of short texts.

What stands in them is decided here, once; a format only knows how to draw a grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from uaabench.methods.efficiency import Efficiency
from uaabench.reporting.table import MISSING, ClassScores, Ranks, Section, Table, Verdict, number


@dataclass(frozen=True)
class GridCell:
    """A short text, a second line of detail, and whether it is good or bad news."""

    text: str
    detail: str = ""
    verdict: Verdict = ""


@dataclass(frozen=True)
class GridRow:
    """A line of a grid: its title, whether it is of the floor, and its cells."""

    title: str
    is_floor: bool
    cells: Sequence[GridCell]


@dataclass(frozen=True)
class Grid:
    """A table of texts.

    Attributes:
        name: What tells it from the other grids of a report, for example `versus-msrs`.
        title: Its heading.
        columns: Headings of the columns behind the first one, which holds the methods.
        arrows: For each column whether higher is better; None for a column without a direction.
        rows: Its lines.
        sentences: What must be said below it.
    """

    name: str
    title: str
    columns: Sequence[str]
    arrows: Sequence[bool | None]
    rows: Sequence[GridRow]
    sentences: Sequence[str] = ()


def grids(table: Table, *, details: bool = True) -> list[Grid]:
    """All grids of a table: differences to the reference, what the methods cost, and in detail ranks and classes."""
    found: list[Grid] = []
    for section in table.sections:
        if section.versus:
            found.append(_versus(table, section))
        if section.ranks and details:
            found.append(_ranks(table, section, section.ranks))
    found += [_classes(table, entry) for entry in table.segmentation if details]
    return [*found, efficiency_grid(table.efficiency, table.row_titles)] if table.efficiency else found


def _versus(table: Table, section: Section) -> Grid:
    titles = table.row_titles
    rows = []
    for row in section.rows:
        if row.method.label in section.versus:
            entries = section.versus[row.method.label]
            cells = [
                GridCell(entry.text, entry.detail, entry.verdict)
                if (entry := entries.get(m.name))
                else GridCell(MISSING)
                for m in table.metrics
            ]
            rows.append(GridRow(titles[row.method.label], row.method.is_floor, cells))
    return Grid(
        name=f"versus-{section.dataset.name}",
        title=f"Difference to {titles[table.reference]}: {section.dataset.heading}",
        columns=[metric.name for metric in table.metrics],
        arrows=[metric.higher_is_better for metric in table.metrics],
        rows=rows,
        sentences=["Called better or worse where the corrected p-value is below 0.05."],
    )


def _ranks(table: Table, section: Section, ranks: Ranks) -> Grid:
    shown = [metric for metric in table.metrics if metric.name in ranks.by_metric]
    rows = []
    for row in section.rows:
        label = row.method.label
        if label in ranks.average:
            values = [*(ranks.by_metric[m.name].mean_ranks[label] for m in shown), ranks.average[label]]
            rows.append(GridRow(table.row_titles[label], row.method.is_floor, [GridCell(f"{v:.2f}") for v in values]))
    return Grid(
        name=f"ranks-{section.dataset.name}",
        title=f"Mean rank over pairs, 1 is best: {section.dataset.heading}",
        columns=[*(metric.name for metric in shown), "all metrics"],
        arrows=[None] * (len(shown) + 1),
        rows=rows,
        sentences=list(_findings(table, ranks)),
    )


def _findings(table: Table, ranks: Ranks) -> Iterator[str]:
    """What Friedman's and Nemenyi's tests say, and which metrics could not be ranked by."""
    by_metric = ranks.by_metric
    first = next(iter(by_metric.values()))
    yield (
        f"Mean ranks that differ by less than {first.critical_difference:.2f} (Nemenyi, {len(first.mean_ranks)} "
        f"methods, {first.n} pairs) are not told apart; 'all metrics' is the average rank of the means."
    )
    tested = [
        f"{name} p {'< 0.001' if ranking.p_value < 0.001 else f'= {ranking.p_value:.3f}'}"
        for name, ranking in by_metric.items()
        if not math.isnan(ranking.p_value)
    ]
    if tested:
        yield f"Friedman: {', '.join(tested)}."
    left_out = [metric.name for metric in table.metrics if metric.name not in by_metric]
    if left_out:
        yield f"Not ranked by {', '.join(left_out)}, which has no value for every pair of every method."


def _classes(table: Table, scores: ClassScores) -> Grid:
    """IoU of each class, and what it comes to."""
    rows = []
    for method in table.methods:
        if method.label in scores.overall:
            iou, overall = scores.iou.get(method.label, {}), scores.overall[method.label]
            values = [*(iou.get(name) for name in scores.classes), *(overall.get(name) for name in ("mAcc", "aAcc"))]
            cells = [GridCell(number(value)) for value in values]
            rows.append(GridRow(table.row_titles[method.label], method.is_floor, cells))
    return Grid(
        name=f"classes-{scores.dataset.name}",
        title=f"IoU of each class: {scores.dataset.heading}",
        columns=[*scores.classes, "mAcc", "aAcc"],
        arrows=[True] * (len(scores.classes) + 2),
        rows=rows,
        sentences=[
            f"Protocol and segmenter: {table.judged(scores)}. All pixels of the data set are counted together; a class "
            "that the label maps do not show is left out of the mean."
        ],
    )


def efficiency_grid(entries: Sequence[Efficiency], titles: Mapping[str, str]) -> Grid:
    """What methods cost, a row for each; `titles` gives the printed name of each by its label, in row order."""
    sizes = sorted({(entry.height, entry.width) for entry in entries})
    by_place = {(entry.method, entry.height, entry.width): entry for entry in entries}
    rows = []
    for label, title in titles.items():
        known = [by_place.get((label, *size)) for size in sizes]
        first = next((entry for entry in known if entry), None)
        if first:
            cells = [GridCell(_millions(first.parameters)), GridCell(_millions(first.weights_bytes))]
            cells += [cell for entry in known for cell in _cost(entry)]
            rows.append(GridRow(title, first.kind == "trivial", cells))
    places = [f"{height}x{width}" for height, width in sizes]
    named = [f"{what} {place}" for place in places for what in ("GFLOP", "ms", "MiB")]
    return Grid(
        name="efficiency",
        title="Efficiency",
        columns=["parameters/M", "weights/MB", *named],
        arrows=[False] * (len(named) + 2),
        rows=rows,
        sentences=list(_conditions(entries)),
    )


def _cost(entry: Efficiency | None) -> Iterator[GridCell]:
    """Operations, median latency with its quartiles, and peak memory at one size."""
    if entry is None or entry.latency_ms is None or entry.flops is None:
        yield from (GridCell(MISSING),) * 3
        return
    quartiles = f"[{entry.latency_q1_ms:.1f}, {entry.latency_q3_ms:.1f}]"
    memory = MISSING if entry.peak_memory_mib is None else f"{entry.peak_memory_mib:.0f}"
    yield from (GridCell(f"{entry.flops / 1e9:.2f}"), GridCell(f"{entry.latency_ms:.1f}", quartiles), GridCell(memory))


def _conditions(entries: Sequence[Efficiency]) -> Iterator[str]:
    where = sorted({f"{entry.device}, {entry.threads} threads, {entry.precision}" for entry in entries})
    yield (
        f"Measured on {'; '.join(where)}, one image at a time: median latency with its quartiles, peak memory above "
        "that before the method was loaded, operations of convolutions and matrix products."
    )
    for entry in entries:
        if entry.reason:
            yield f"{entry.title} at {entry.height}x{entry.width}: {entry.reason}"


def _millions(count: int | None) -> str:
    return number(None) if count is None else f"{count / 1e6:.3f}"
