"""Fills the page with a table, its charts, the images of some pairs, and their provenance."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from uaabench.core.grid import MISSING, GridCell
from uaabench.reporting.grids import grids
from uaabench.reporting.html.charts import charts
from uaabench.reporting.html.pictures import metrics_of_pairs, pictures
from uaabench.reporting.numbers import Numbers
from uaabench.reporting.retention import retention_grids
from uaabench.reporting.table import Cell, Table
from uaabench.running.evidence import Run


def page(run: Run, table: Table, *, shown_pairs: int = 20) -> str:
    """The whole report as one HTML text without any reference to another file.

    Args:
        run: The run; its artefacts and sources are shown where they are still there.
        table: The table of that run.
        shown_pairs: How many pairs are shown as images, shared out among the data sets.
    """
    parts = files(__package__)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((parts / "page.html.j2").read_text(encoding="utf-8"))
    numbers = Numbers.of(run)
    shown = pictures(run, numbers, table, shown_pairs)
    kept = list(retention_grids(table))
    return template.render(
        style=Markup((parts / "page.css").read_text(encoding="utf-8")),
        script=Markup((parts / "page.js").read_text(encoding="utf-8")),
        data=_embedded({"datasets": shown, "metrics": _metric_facts(numbers, table)}),
        table=table,
        titles=table.row_titles,
        beside=[grid for grid in grids(table) if grid not in kept],
        retention=kept,
        charts=charts(table, numbers),
        facts=run.facts,
        sort_value=_sort_value,
        grid_value=_grid_value,
    )


def _embedded(content: Any) -> Markup:
    """JSON that cannot end the script element it stands in."""
    return Markup(json.dumps(content, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"))


def _metric_facts(numbers: Numbers, table: Table) -> list[dict[str, Any]]:
    return [{"name": metric.name, "higher": metric.higher_is_better} for metric in metrics_of_pairs(numbers, table)]


def _grid_value(cell: GridCell) -> str:
    """What a column of a grid is sorted by: its number, or nothing."""
    return "" if cell.text == MISSING else cell.text.removeprefix("+")


def _sort_value(cell: Cell) -> str:
    """What a column is sorted by: the mean at full precision, or nothing."""
    return "" if cell.mean is None else repr(cell.mean)
