"""The verb that explains one fusion in one figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uaabench.cli import options
from uaabench.core.errors import unknown_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uaabench.core.interface import Pair


def explain(
    pair: Annotated[str, typer.Argument(metavar="ID", help="A pair of the data set, by its file stem.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File: .pdf, .png or .svg.")],
    method: Annotated[
        str,
        typer.Option("--method", help="`name`, `name@checkpoint`, `name@file`, or `label=folder/`. Default: `uaa`."),
    ] = "",
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="`name`, `name:split` or `label=folder/`.")] = "demo",
    labels: Annotated[
        bool, typer.Option("--labels", help="Regions of the pair's label map, not those the segmenter finds.")
    ] = False,
    segmenter_of: Annotated[
        str,
        typer.Option("--segmenter-of", help="Method whose segmenter explains. Default: its own, else that of `uaa`."),
    ] = "",
    no_caption: Annotated[
        bool, typer.Option("--no-caption", help="Leave out the line that says how it was made.")
    ] = False,
    device: options.Device = None,
    data_root: options.DataRoot = None,
    plugin: options.Plugins = None,
) -> None:
    """Explain how a pair was fused: sources, regions, weights, attributions, iterates, attentions and result.

    A method without a segmenter is explained by that of UAAFusion: what it attributes to the sources, to the fused
    image, and to the change from their average, or along the iterates of a network that unfolds an algorithm. Examples:

        uaabench explain 0066N -o page.png

        uaabench explain 00537D --method uaa --dataset msrs --labels -o page.pdf

        uaabench explain 00537D --method mine=fused/ --dataset msrs -o page.pdf
    """
    from uaabench.core import paths, registry
    from uaabench.data.listing import pairs_of
    from uaabench.methods import explaining
    from uaabench.methods.named import plan_method
    from uaabench.reporting import figures
    from uaabench.running import pipeline
    from uaabench.running.entries import open_dataset

    figures.kind_of(out)
    registry.load_plugins(plugin)
    fuser = plan_method(method or explaining.default_explainer())
    explainer = plan_method(segmenter_of) if segmenter_of else explaining.explainer_of(fuser)
    data, label, split = open_dataset(dataset, data_root or paths.data_folder())
    chosen = _find(pairs_of(data, split), pair, label)
    place = pipeline.pick_device(device or "auto")
    found = explaining.explain_pair(fuser, explainer, data, chosen, device=place, labels=labels)
    named_by, classes = explaining.names_of(found, data.card)
    title = data.card.title if label == data.card.name else label
    text = explaining.caption(found, fuser, explainer, where=f"{title} {split}, pair {pair}", named_by=named_by)
    figures.save(figures.explanation(found, classes=classes, caption="" if no_caption else text), out)
    typer.echo(f"Written to {out}")


def _find(pairs: Sequence[Pair], wanted: str, label: str) -> Pair:
    known = {pair.id: pair for pair in pairs}
    if wanted not in known:
        raise unknown_name(f"pair of {label}", wanted, known)
    return known[wanted]
