"""The comparison table as a piece of HTML that a notebook shows below a cell: compact, without a script or a style."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from uaabench.reporting.controls import LEGEND, findings
from uaabench.reporting.names import visible
from uaabench.reporting.table import Table


def notebook(table: Table, failures: Sequence[str] = ()) -> str:
    """HTML of the table of each data set with its notes and the legend; every text is escaped.

    Args:
        table: What to show.
        failures: What failed, a sentence each.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((files(__package__) / "notebook.html.j2").read_text(encoding="utf-8"))
    controls = [sentence for comparison in table.controls for sentence in findings(table, comparison)]
    cells = [cell for section in table.sections for row in section.rows for cell in row.cells.values()]
    return template.render(
        table=table,
        titles=table.row_titles,
        sentences=[*failures, *controls, *([LEGEND] if controls else [])],
        is_marked=any(cell.mark for cell in cells),
        visible=visible,
    )
