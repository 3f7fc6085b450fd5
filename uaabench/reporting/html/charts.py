"""The charts of the page: the same figures as those for papers, as SVG that follows the theme of the page."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from uaabench.core.columns import Column
from uaabench.reporting import figures
from uaabench.reporting.numbers import Numbers
from uaabench.reporting.plots import agreement_of, critical_difference_of, distribution_of, tradeoff_of
from uaabench.reporting.table import Section, Table


@dataclass(frozen=True)
class Chart:
    """The figures of one data set and metric: title of each and its SVG."""

    dataset: str
    metric: str
    figures: list[tuple[str, Markup]]


def charts(table: Table, numbers: Numbers) -> list[Chart]:
    """The charts of every clean data set and metric that has a value."""
    places = [
        (section, metric)
        for section in table.clean
        for metric in table.metrics
        if any(row.cells[metric.name].n for row in section.rows)
    ]
    return [_chart(table, numbers, *place, prefix=f"chart-{number}") for number, place in enumerate(places)]


def _chart(table: Table, numbers: Numbers, section: Section, metric: Column, *, prefix: str) -> Chart:
    made = {
        "Values of the pairs": distribution_of(table, numbers, section, metric),
        "Quality against latency": tradeoff_of(table, section, metric),
        "Critical difference": critical_difference_of(table, section, metric),
        "Which metric predicts it": agreement_of(section, metric.name),
    }
    drawn = [
        (title, Markup(figures.inline_svg(figure, prefix=f"{prefix}-{number}")))
        for number, (title, figure) in enumerate(made.items())
        if figure is not None
    ]
    return Chart(section.dataset.key, metric.name, drawn)
