"""The tables beside the main one, in the form that every printed format lays out: rows and columns of short texts.

What stands in them is decided here, once; a format only knows how to draw a grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from uaabench.core.grid import MISSING, Grid, GridCell, GridRow, number
from uaabench.methods.efficiency import Efficiency
from uaabench.reporting.controls import LEGEND, TITLE, findings
from uaabench.reporting.retention import retention_grids
from uaabench.reporting.table import CONFIDENCE, ControlTable, Ranks, Section, Table
from uaabench.statistics.agreement import Agreement


def grids(table: Table, *, details: bool = True) -> list[Grid]:
    """All grids of a table: differences to the reference, retention, cost, and in detail ranks, predictors, of stages.

    Of degraded input there is the retention alone.
    """
    found: list[Grid] = []
    for section in table.clean:
        if section.versus:
            found.append(_versus(table, section))
        if section.ranks and details:
            found.append(_ranks(table, section, section.ranks))
        if details:
            found += [_agreements(table, section, *entry) for entry in section.agreements.items() if entry[1]]
    found += [_controls(table, comparison) for comparison in table.controls]
    found += retention_grids(table, details=details)
    found += table.beside if details else ()
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
        name=f"versus-{section.dataset.key}",
        title=f"Difference to {titles[table.reference]}: {section.dataset.heading}",
        columns=[metric.name for metric in table.metrics],
        arrows=[metric.higher_is_better for metric in table.metrics],
        rows=rows,
        sentences=list(_verdicts(section)),
    )


def _verdicts(section: Section) -> Iterator[str]:
    """What better and worse mean."""
    yield "Called better or worse where the corrected p-value is below 0.05."
    entries = {name: entry for by_metric in section.versus.values() for name, entry in by_metric.items()}
    whole = [name for name, entry in entries.items() if entry.p_value is None]
    if whole:
        yield (
            f"Without a value for a pair: {', '.join(whole)}. There the interval is of the paired bootstrap over "
            "pairs, without correction, and better or worse is said where it excludes 0."
        )


def _controls(table: Table, comparison: ControlTable) -> Grid:
    """The average rule and the negative controls, which are called better where a metric says so."""
    rows = []
    for row in (comparison.reference, *comparison.controls):
        cells = [
            GridCell(row.cells[m.name].text, verdict="better" if comparison.is_better(row, m.name) else "")
            for m in table.metrics
        ]
        rows.append(GridRow(table.row_titles[row.method.label], row.method.is_floor, cells))
    return Grid(
        name=f"controls-{comparison.dataset.key}",
        title=f"{TITLE}: {comparison.dataset.heading}",
        columns=[metric.name for metric in table.metrics],
        arrows=[metric.higher_is_better for metric in table.metrics],
        rows=rows,
        sentences=[*findings(table, comparison), LEGEND],
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
        name=f"ranks-{section.dataset.key}",
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
        yield f"Not ranked, for lack of a value for every pair of every method: {', '.join(left_out)}."


def _agreements(table: Table, section: Section, use: str, by_metric: Mapping[str, Agreement]) -> Grid:
    """How far each metric predicts one use, best first."""
    rows = [GridRow(name, False, list(_taus(found))) for name, found in by_metric.items()]
    reversed_ones = [m.name for m in table.metrics if m.name in by_metric and not m.higher_is_better]
    turned = f" {', '.join(reversed_ones)}, lower is better, turned round." if reversed_ones else ""
    floor = "with the trivial rules" if table.marks_floor else "without the trivial rules (--mark-floor takes them in)"
    return Grid(
        name=f"predicts-{use}-{section.dataset.key}",
        title=f"Which metric predicts {use}: {section.dataset.heading}",
        columns=["tau", "over methods", "within a pair", "methods", "pairs"],
        arrows=[True, None, True, None, None],
        rows=rows,
        sentences=[
            f"Kendall's tau-b of the methods by each metric and by {use}, {floor}; above 0, who believes the metric "
            f"chooses the more useful method.{turned}",
            f"Below tau its {CONFIDENCE} interval over pairs, other images and these methods; beside it that over "
            "methods, other methods and these images. Within a pair: mean tau of the methods on one pair.",
        ],
        first="Metric",
    )


def _taus(found: Agreement) -> Iterator[GridCell]:
    yield GridCell(_signed(found.tau), _between(found.low, found.high))
    yield GridCell(_between(found.methods_low, found.methods_high) or MISSING)
    yield GridCell(_signed(found.within.mean), _between(found.within.low, found.within.high))
    yield from (GridCell(str(found.methods)), GridCell(str(found.pairs)))


def _signed(value: float) -> str:
    return MISSING if math.isnan(value) else f"{value:+.2f}"


def _between(low: float, high: float) -> str:
    return "" if math.isnan(low) or math.isnan(high) else f"[{low:+.2f}, {high:+.2f}]"


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
