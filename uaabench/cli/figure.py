"""The verbs that draw figures for papers from a run: montage, tradeoff, cd, agreement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uaabench.cli import options
from uaabench.core.errors import UsageError, unknown_name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from uaabench.core.columns import Column
    from uaabench.reporting.figures import Box, Panel
    from uaabench.reporting.images import RunImages
    from uaabench.reporting.table import Section, Table
    from uaabench.running.evidence import DatasetHead

app = typer.Typer(no_args_is_help=True, help="Figures for papers, as PDF with embedded fonts, PNG or SVG.")

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="File: .pdf, .png or .svg.")]
DatasetName = Annotated[
    str, typer.Option("--dataset", help="Data set of the run: `name` or `name:split`. Default: its first.")
]
MetricName = Annotated[str, typer.Option("--metric", help="Metric of the run. Default: its last.")]
NoCaption = Annotated[bool, typer.Option("--no-caption", help="Leave out the line that says n and profile.")]


@app.command()
def montage(
    run: Run,
    out: Out,
    pairs: Annotated[list[str] | None, typer.Option(help="Comma list of pair ids. Default: the first two.")] = None,
    methods: Annotated[list[str] | None, typer.Option(help="Comma list. Default: all above the floor.")] = None,
    box: Annotated[
        list[str] | None, typer.Option(help="`PAIR=x,y,width,height`: the region shown enlarged; may be repeated.")
    ] = None,
    colour: Annotated[
        bool, typer.Option("--colour", help="Give grey fused images the chroma of the visible image.")
    ] = False,
    dataset: DatasetName = "",
    no_caption: NoCaption = False,
    plugin: options.Plugins = None,
) -> None:
    """Chosen pairs in rows, sources and methods in columns, with enlarged regions.

    Example: uaabench figure montage runs/paper --pairs 00537D,00633D --box 00537D=200,150,80,60 -o montage.pdf
    """
    from uaabench.core import registry
    from uaabench.reporting import figures, plots
    from uaabench.reporting.build import table_of
    from uaabench.reporting.images import SOURCES, RunImages
    from uaabench.running.evidence import load

    registry.load_plugins(plugin)
    evidence = load(run)
    table = table_of(evidence)
    section = _section(table, dataset)
    chosen = options.split_commas(pairs) or _pairs(evidence.records, section.dataset)[:2]
    known = [row.method.label for row in section.rows]
    shown = options.split_commas(methods) or [row.method.label for row in section.compared]
    for name in shown:
        if name not in known:
            raise unknown_name("method of this run", name, known)
    boxes = dict(_read_box(text) for text in box or ())
    for pair in boxes:
        if pair not in chosen:
            raise unknown_name("pair in this figure", pair, chosen)
    images = RunImages(evidence, section.dataset)
    titles = {**table.row_titles, **SOURCES}
    columns = [*SOURCES, *(name for name in shown if name not in SOURCES)]
    rows = [[_panel(images, name, titles[name], pair, colour=colour) for name in columns] for pair in chosen]
    text = "" if no_caption else plots.caption(table, section, "Fused images", pairs=len(chosen))
    figure = figures.montage(rows, row_titles=chosen, insets=[boxes.get(pair) for pair in chosen], caption=text)
    _save(figure, table, out)


@app.command()
def tradeoff(
    run: Run,
    out: Out,
    metric: MetricName = "",
    size: Annotated[
        str, typer.Option(help="Image size of the latency, such as 480x640. Default: the middle one.")
    ] = "",
    dataset: DatasetName = "",
    no_caption: NoCaption = False,
    plugin: options.Plugins = None,
) -> None:
    """Quality against latency, with confidence intervals and quartiles; needs `uaabench profile RUN` first.

    Example: uaabench figure tradeoff runs/paper --metric Qabf -o tradeoff.pdf
    """
    from uaabench.core import registry
    from uaabench.reporting import plots
    from uaabench.reporting.build import table_of
    from uaabench.running.evidence import load

    registry.load_plugins(plugin)
    table = table_of(load(run))
    section, chosen = _section(table, dataset), _metric(table, metric)
    sizes = {f"{entry.height}x{entry.width}": (entry.height, entry.width) for entry in table.efficiency}
    if not sizes:
        raise UsageError(f"{run} holds no latencies; measure them first: uaabench profile {run}")
    if size and size not in sizes:
        raise unknown_name("measured image size", size, sizes)
    text = "" if no_caption else plots.caption(table, section, f"{chosen.name} against latency")
    figure = plots.tradeoff_of(table, section, chosen, sizes.get(size), text)
    if figure is None:
        raise UsageError(f"No method of {run} has both a latency and {chosen.name}; see its table.")
    _save(figure, table, out)


@app.command("cd")
def critical_difference(
    run: Run,
    out: Out,
    metric: Annotated[
        str, typer.Option("--metric", help="Metric of the run. Default: the last by which methods are ranked.")
    ] = "",
    dataset: DatasetName = "",
    mark_floor: Annotated[bool, typer.Option("--mark-floor", help="Rank trivial methods too.")] = False,
    no_caption: NoCaption = False,
    plugin: options.Plugins = None,
) -> None:
    """Critical-difference diagram: mean ranks over pairs, methods that are not told apart joined (Nemenyi, 0.05).

    Example: uaabench figure cd runs/paper --metric VIF -o cd.pdf
    """
    from uaabench.core import registry
    from uaabench.reporting import plots
    from uaabench.reporting.build import table_of
    from uaabench.running.evidence import load

    registry.load_plugins(plugin)
    loaded = load(run)
    table = table_of(loaded, marks_floor=mark_floor)
    section = _section(table, dataset)
    ranked = list(section.ranks.by_metric) if section.ranks else []
    chosen = _metric(table, metric or (ranked[-1] if ranked else ""))
    if metric and chosen.name in loaded.judged:
        raise UsageError(
            f"{chosen.name} is of a whole data set and ranks no pairs; name another --metric, or leave it out."
        )
    text = "" if no_caption else plots.caption(table, section, f"Mean ranks by {chosen.name}, Nemenyi at 0.05")
    figure = plots.critical_difference_of(table, section, chosen, text)
    if figure is None:
        raise UsageError(
            f"Fewer than three methods of {run} above the floor have {chosen.name} on every pair of "
            f"{section.dataset.name}; --mark-floor ranks the trivial ones too."
        )
    _save(figure, table, out)


@app.command()
def agreement(
    run: Run,
    out: Out,
    measure: Annotated[str, typer.Option(help="Measure of a whole data set, such as mIoU. Default: the first.")] = "",
    dataset: DatasetName = "",
    mark_floor: Annotated[bool, typer.Option("--mark-floor", help="Count trivial methods too.")] = False,
    no_caption: NoCaption = False,
    plugin: options.Plugins = None,
) -> None:
    """Which metric predicts a measure of use: Kendall's tau of each, with intervals over pairs and over methods.

    Example: uaabench figure agreement runs/paper --measure mIoU -o agreement.pdf
    """
    from uaabench.core import registry
    from uaabench.reporting import plots
    from uaabench.reporting.build import table_of
    from uaabench.running.evidence import load
    from uaabench.statistics.agreement import FEWEST_METHODS

    registry.load_plugins(plugin)
    table = table_of(load(run), marks_floor=mark_floor)
    section = _section(table, dataset)
    known = {name.lower(): name for name in section.agreements}
    if not known:
        raise UsageError(f"{run} has no measure of a whole data set, such as mIoU, that a metric could predict.")
    if measure and measure.lower() not in known:
        raise unknown_name("measure of this run", measure, section.agreements)
    chosen = known[measure.lower()] if measure else next(iter(section.agreements))
    text = "" if no_caption else plots.caption(table, section, f"Agreement of metrics with {chosen}")
    figure = plots.agreement_of(section, chosen, text)
    if figure is None:
        raise UsageError(
            f"Fewer than {FEWEST_METHODS} methods of {run} above the floor have {chosen} on {section.dataset.name}, "
            "and so few have no order worth comparing; --mark-floor counts the trivial ones too."
        )
    _save(figure, table, out)


def _section(table: Table, name: str) -> Section:
    """The section of a data set, named `name` or, where the run has several splits of it, `name:split`."""
    known = {f"{section.dataset.name}:{section.dataset.split}": section for section in table.sections}
    # Degraded input is shown where it is named, and never for the clean data set.
    found = [
        section
        for full, section in known.items()
        if name == full or (name in ("", section.dataset.name) and not section.dataset.degraded)
    ]
    if not found:
        raise unknown_name("data set in this run", name, known)
    if name and len(found) > 1:
        splits = " or ".join(full for full, section in known.items() if section in found)
        raise UsageError(f"This run has several splits of '{name}'; name one of them: {splits}.")
    return found[0]


def _metric(table: Table, name: str) -> Column:
    known = {metric.name.lower(): metric for metric in table.metrics}
    if name and name.lower() not in known:
        raise unknown_name("metric in this run", name, [metric.name for metric in table.metrics])
    return known[name.lower()] if name else table.metrics[-1]


def _pairs(records: pd.DataFrame, dataset: DatasetHead) -> list[str]:
    here = (records["dataset"] == dataset.name) & (records["split"] == dataset.split) & (records["scope"] == "pair")
    return sorted(records.loc[here, "pair"].unique())


def _panel(images: RunImages, name: str, title: str, pair: str, *, colour: bool) -> Panel:
    from uaabench.core import imaging
    from uaabench.reporting.figures import Panel
    from uaabench.reporting.images import SOURCES

    image = images.source(name, pair) if name in SOURCES else images.fused(name, pair)
    if image is None:
        raise UsageError(f"The run has no image of '{name}' for the pair '{pair}'; check the id, or fuse it again.")
    visible = images.source("visible", pair)
    if colour and name not in SOURCES and image.ndim == 2 and visible is not None and visible.ndim == 3:
        image = imaging.colourise(image, visible)
    return Panel(title, image)


def _read_box(text: str) -> tuple[str, Box]:
    from uaabench.reporting.figures import Box

    pair, _, numbers = text.rpartition("=")
    try:
        x, y, width, height = (int(number) for number in numbers.split(","))
    except ValueError:
        raise UsageError(f"'{text}' is no region; write PAIR=x,y,width,height in pixels.") from None
    return pair, Box(x, y, width, height)


def _save(figure: Figure, table: Table, out: Path) -> None:
    from uaabench.reporting import figures

    figures.save(figure, out)
    for remark in table.remarks:
        typer.echo(remark, err=True)
    typer.echo(f"Written to {out}")
