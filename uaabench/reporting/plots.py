"""Which figure shows what of a table: the page and `uaabench figure` draw the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uaabench.core.columns import Column
from uaabench.reporting import figures
from uaabench.reporting.numbers import Numbers
from uaabench.reporting.table import Section, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from uaabench.methods.efficiency import Efficiency


def colours(table: Table) -> dict[str, str]:
    """Colour of each method by its label, the same in every figure of a run."""
    return figures.colours(
        [(method.label, method.is_floor) for method in table.methods],
        {method.label: method.colour for method in table.methods if method.colour},
    )


def caption(table: Table, section: Section, what: str, *, pairs: int | None = None) -> str:
    """What a figure shows, on how many pairs, all unless given, and by which profile."""
    shown = section.dataset.planned if pairs is None else pairs
    return f"{what}. {section.dataset.title} {section.dataset.split}, n = {shown}, profile {table.profile}."


def distribution_of(table: Table, numbers: Numbers, section: Section, metric: Column) -> Figure | None:
    """The values of all pairs by method; None where there is no value."""
    titles = table.row_titles
    columns = {row.method.label: numbers.values(section.dataset, row.method.label, metric.name) for row in section.rows}
    values = {titles[label]: column.tolist() for label, column in columns.items() if len(column)}
    if not values:
        return None
    shades = {titles[label]: colour for label, colour in colours(table).items()}
    return figures.distributions(values, colours=shades, xlabel=_axis(metric), caption="")


def tradeoff_of(
    table: Table, section: Section, metric: Column, size: tuple[int, int] | None = None, text: str = ""
) -> Figure | None:
    """Quality against latency at one image size, the middle one unless given; None where no latency is known."""
    chosen = size or _middle(table)
    shades = colours(table)
    points = []
    for row in section.rows:
        entry = _cost(table, row.method.label, chosen)
        cell = row.cells[metric.name]
        if entry is None or entry.latency_ms is None or cell.mean is None:
            continue
        points.append(
            figures.Point(
                title=table.row_titles[row.method.label],
                colour=shades[row.method.label],
                latency_ms=entry.latency_ms,
                latency_q1_ms=entry.latency_q1_ms,
                latency_q3_ms=entry.latency_q3_ms,
                quality=cell.mean,
                low=cell.low,
                high=cell.high,
            )
        )
    if not points or chosen is None:
        return None
    return figures.tradeoff(
        points,
        xlabel=f"Latency at {chosen[0]}x{chosen[1]} (ms)",
        ylabel=_axis(metric),
        higher_is_better=metric.higher_is_better,
        caption=text,
    )


def critical_difference_of(table: Table, section: Section, metric: Column, text: str = "") -> Figure | None:
    """The mean ranks of the methods by one metric; None where they were not ranked by it."""
    if section.ranks is None or metric.name not in section.ranks.by_metric:
        return None
    return figures.critical_difference(
        section.ranks.by_metric[metric.name], titles=table.row_titles, colours=colours(table), caption=text
    )


def agreement_of(section: Section, measure: str, text: str = "") -> Figure | None:
    """How far each metric predicts a measure of use; None where too few methods have it."""
    found = section.agreements.get(measure)
    return figures.agreement(found, measure=measure, caption=text) if found else None


def _axis(metric: Column) -> str:
    return f"{metric.name} ({'higher' if metric.higher_is_better else 'lower'} is better)"


def _middle(table: Table) -> tuple[int, int] | None:
    sizes = sorted({(entry.height, entry.width) for entry in table.efficiency}, key=lambda size: size[0] * size[1])
    return sizes[len(sizes) // 2] if sizes else None


def _cost(table: Table, method: str, size: tuple[int, int] | None) -> Efficiency | None:
    return next((e for e in table.efficiency if e.method == method and (e.height, e.width) == size), None)
