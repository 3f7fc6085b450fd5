"""What a judge shows in a report, whatever its task: a row for each method, a column for each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from uaabench.core.columns import Measure
from uaabench.core.grid import Grid, GridCell, GridRow, number
from uaabench.running.stage import View, pairs

if TYPE_CHECKING:
    import pandas as pd


def spread(measure: Measure) -> str:
    """Name of the records that hold the standard deviation of a measure over seeds."""
    return f"{measure.name} standard deviation over seeds"


def class_grid(
    view: View, measure: Measure, *, name: str, metric: str, further: Sequence[str], sentence: str
) -> Grid | None:
    """A value of each class, and further ones of all classes together; None where nothing was judged.

    Args:
        view: The data set.
        measure: The measure of the judge: its methods are the rows.
        name: Beginning of the name of the grid.
        metric: Metric of the records of the classes.
        further: Metrics of the records of the methods; those that no method has are left out.
        sentence: What stands below it.
    """
    classes = view.records[(view.records["scope"] == "class") & (view.records["metric"] == metric)]
    if classes.empty:
        return None
    names = list(dict.fromkeys(classes["class"]))
    by_class = _by_method(classes, "class")
    overall = _by_method(view.records[view.records["scope"] == "method"], "metric")
    shown = [one for one in further if any(one in known for known in overall.values())]
    rows = []
    for label, title in view.titles.items():
        known = overall.get(label, {})
        if pairs(measure) in known:
            values = [*map(by_class.get(label, {}).get, names), *map(known.get, shown)]
            rows.append(GridRow(title, label in view.floor, [GridCell(number(value)) for value in values]))
    columns = [*names, *shown]
    return Grid(
        name=f"{name}-{view.name}",
        title=f"{metric} of each class: {view.heading}",
        columns=columns,
        arrows=[True] * len(columns),
        rows=rows,
        sentences=[sentence],
    )


def judged(view: View, measure: Measure) -> str:
    """By what a measure was judged, and how far it moves with several seeds; empty where it was not."""
    records = view.records[(view.records["scope"] == "method") & (view.records["metric"] == measure.name)]
    if records.empty:
        return ""
    known = _by_method(view.records[view.records["metric"] == spread(measure)], "metric")
    moved = [f"{title} {number(*known[label].values())}" for label, title in view.titles.items() if label in known]
    seeds = f" (standard deviation over seeds: {', '.join(moved)})" if moved else ""
    return str(records["profile"].iloc[0]) + seeds


def _by_method(records: pd.DataFrame, name: str) -> Mapping[str, Mapping[str, float]]:
    """Values by method and by what the column `name` says."""
    table: dict[str, dict[str, float]] = {}
    for method, what, value in records[["method", name, "value"]].dropna().itertuples(index=False):
        table.setdefault(method, {})[what] = float(value)
    return table
