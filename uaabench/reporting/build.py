"""From the records of a run to its comparison table; the rules stand in `uaabench.reporting.table`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from uaabench.core.columns import Column
from uaabench.core.errors import unknown_name
from uaabench.methods import efficiency as costs
from uaabench.methods.efficiency import Efficiency
from uaabench.reporting.agreement import agreements
from uaabench.reporting.controls import build_controls
from uaabench.reporting.numbers import Numbers
from uaabench.reporting.retention import build_retention
from uaabench.reporting.significance import against, rank
from uaabench.reporting.table import Cell, Mark, Row, Section, Table
from uaabench.running.evidence import DatasetHead, MethodRow, Run
from uaabench.running.stage import View


def table_of(run: Run, reference: str = "", *, marks_floor: bool = False) -> Table:
    """The table of a run; see `build_table` for the arguments."""
    cost = run.folder / "efficiency.json"
    table = build_table(
        Numbers.of(run),
        methods=run.methods,
        datasets=run.datasets,
        metrics=run.columns,
        reference=reference,
        marks_floor=marks_floor,
        efficiency=costs.read(cost) if cost.is_file() else (),
    )
    # What stages show of degraded input would be the same tables over again; its records have all of it.
    stages, views = run.stages, [_view(run, table, section.dataset) for section in table.clean]
    return replace(
        table,
        beside=[grid for view in views for stage in stages for grid in stage.grids(view)],
        judged=[
            *filter(None, [run.drawn]),
            *(said for view in views for stage in stages if (said := stage.legend(view))),
        ],
        remarks=run.notes,
    )


def _view(run: Run, table: Table, dataset: DatasetHead) -> View:
    records = run.records
    here = (records["dataset"] == dataset.name) & (records["split"] == dataset.split) & (records["scope"] != "pair")
    return View(
        name=dataset.key,
        title=dataset.title,
        heading=dataset.heading,
        titles=table.row_titles,
        floor=frozenset(method.label for method in table.methods if method.is_floor),
        records=records[here],
    )


def build_table(
    numbers: Numbers,
    *,
    methods: Sequence[MethodRow],
    datasets: Sequence[DatasetHead],
    metrics: Sequence[Column],
    reference: str = "",
    marks_floor: bool = False,
    efficiency: Sequence[Efficiency] = (),
) -> Table:
    """Turn the values of a run into its table.

    Args:
        numbers: Values and reasons of the run.
        methods: Rows in the order of the run; the floor is moved to the end.
        datasets: Sections in order.
        metrics: Columns in order.
        reference: Label of the method that the others are compared with; empty for none.
        marks_floor: Mark and rank trivial methods like the others.
        efficiency: What the methods cost, if it was measured.

    Raises:
        UsageError: There is no method with the label of the reference.
    """
    ordered = sorted(methods, key=lambda method: method.is_floor)
    labels = [method.label for method in ordered]
    if reference and reference not in labels:
        raise unknown_name("method of this run", reference, labels)
    sections = []
    for dataset in sorted(datasets, key=lambda dataset: dataset.degraded is not None):
        rows = [Row(m, {e.name: numbers.cell(dataset, m.label, e) for e in metrics}) for m in ordered]
        section = Section(dataset, _mark(rows, metrics, floor=marks_floor))
        versus = against(section, reference, metrics, numbers) if reference else {}
        ranks = rank(section, metrics, numbers, floor=marks_floor)
        # Of degraded input the reports show what is left of each number, not what would predict it there.
        versions = [other for other in datasets if other.is_version_of(dataset)]
        predicting = (
            {} if dataset.degraded else agreements(section, metrics, numbers, degraded=versions, floor=marks_floor)
        )
        sections.append(replace(section, versus=versus, ranks=ranks, agreements=predicting))
    noted, notes = _annotate(sections)
    return Table(
        profile=numbers.profile,
        profile_version=numbers.profile_version,
        metrics=tuple(metrics),
        methods=tuple(ordered),
        sections=noted,
        notes=notes,
        controls=build_controls([section for section in noted if not section.dataset.degraded], metrics),
        retention=build_retention(noted, metrics, numbers, floor=marks_floor),
        reference=reference,
        marks_floor=marks_floor,
        efficiency=[entry for entry in efficiency if entry.method in labels],
    )


def _mark(rows: Sequence[Row], metrics: Iterable[Column], *, floor: bool) -> list[Row]:
    """Mark best and second of each metric among the complete rows, with or without those of the floor."""
    marked = [dict(row.cells) for row in rows]
    for metric in metrics:
        contenders = [
            (cells, cells[metric.name].mean)
            for row, cells in zip(rows, marked, strict=True)
            if (floor or not row.method.is_floor) and cells[metric.name].is_complete
        ]
        places = sorted({mean for _, mean in contenders if mean is not None}, reverse=metric.higher_is_better)
        marks: dict[float | None, Mark] = dict(zip(places, ("best", "second"), strict=False))
        for cells, mean in contenders:
            cells[metric.name] = replace(cells[metric.name], mark=marks.get(mean))
    return [Row(row.method, cells) for row, cells in zip(rows, marked, strict=True)]


def _annotate(sections: Sequence[Section]) -> tuple[list[Section], dict[str, str]]:
    """Give each incomplete cell the letter of a note; cells with one explanation share it."""
    letters: dict[str, str] = {}

    def noted(cell: Cell) -> Cell:
        if not cell.reason:
            return cell
        text = f"n = {cell.n} of {cell.planned} ({cell.reason})."
        return replace(cell, note=letters.setdefault(text, _letter(len(letters))))

    done = [
        replace(section, rows=[Row(r.method, {k: noted(c) for k, c in r.cells.items()}) for r in section.rows])
        for section in sections
    ]
    return done, {letter: text for text, letter in letters.items()}


def _letter(index: int) -> str:
    """The name of a note: a to z, then aa, ab and so on.

    Example:
        >>> _letter(0), _letter(25), _letter(26), _letter(53)
        ('a', 'z', 'aa', 'bb')
    """
    prefix = _letter(index // 26 - 1) if index >= 26 else ""
    return prefix + "abcdefghijklmnopqrstuvwxyz"[index % 26]
