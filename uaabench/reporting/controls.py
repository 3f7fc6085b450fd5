"""What noise does to each metric: the negative controls of a run beside the average rule.

A control looks worse than the average rule to any eye, so a metric that calls it better rewards something else than
good fusion. Numbers are compared at full precision, by the metric's direction, and only where both methods have a
value for every pair; otherwise there is no verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from uaabench.core.columns import Column
from uaabench.reporting.table import Cell, ControlTable, Section, Table

# Labels of built-in methods, which no other row of a run can have.
REFERENCE = "average"
CONTROLS = ("noise", "checker")

TITLE = "What noise does to each metric here"
LEGEND = (
    "A metric by which a control is better than the average rule can be gamed: a better value of it alone is no "
    "evidence of a better picture."
)


def build_controls(sections: Sequence[Section], metrics: Sequence[Column]) -> list[ControlTable]:
    """Compare the controls of a run with its average rule, from the cells of its table.

    Returns:
        One comparison for each data set; none for a run without the average rule or without any control.
    """
    tables = []
    for section in sections:
        rows = {row.method.label: row for row in section.rows}
        controls = [rows[label] for label in CONTROLS if label in rows]
        if REFERENCE not in rows or not controls:
            continue
        reference = rows[REFERENCE]
        better = {
            row.method.label: {m.name: _is_better(row.cells[m.name], reference.cells[m.name], m) for m in metrics}
            for row in controls
        }
        tables.append(ControlTable(dataset=section.dataset, reference=reference, controls=controls, better=better))
    return tables


def findings(table: Table, comparison: ControlTable) -> Iterator[str]:
    """One sentence for each control: by which metrics it is better than the average rule."""
    titles = table.row_titles
    for row in comparison.controls:
        verdicts = comparison.better[row.method.label]
        improved = ", ".join(name for name, better in verdicts.items() if better) or "no metric"
        undecided = [name for name, better in verdicts.items() if better is None]
        unknown = f"; no verdict on {', '.join(undecided)}" if undecided else ""
        yield f"{titles[row.method.label]} is better than {titles[REFERENCE]} by {improved}{unknown}."


def _is_better(control: Cell, reference: Cell, metric: Column) -> bool | None:
    if not control.is_complete or not reference.is_complete or control.mean is None or reference.mean is None:
        return None
    return control.mean > reference.mean if metric.higher_is_better else control.mean < reference.mean
