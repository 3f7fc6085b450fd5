"""The verb group `weights`: official checkpoints by hash, and the ones that are shipped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uaabench.core import official
from uaabench.core.errors import DownloadError, UsageError, WeightsError

if TYPE_CHECKING:
    from uaabench.core.interface import MethodCard
    from uaabench.core.weights import ResolvedWeights

app = typer.Typer(no_args_is_help=True, help="Weights: list, add, fetch and verify them.")

Method = Annotated[str, typer.Argument(help="Name of a learned method.")]


@app.command("list")
def list_weights() -> None:
    """List the weights of all learned methods, and whether they are here.

    Example: uaabench weights list
    """
    from rich.console import Console

    from uaabench.core import registry, weights
    from uaabench.reporting.fitting import print_listing

    rows = []
    for card in registry.method_cards().values():
        shipped = weights.shipped_card(card.name)
        if shipped:
            rows.append((card.name, "shipped", shipped.sha256[:12], "yes", "uaabench"))
        for name, checkpoint in card.checkpoints.items():
            here = "yes" if weights.stored(checkpoint) else "no"
            rows.append(
                (
                    card.name,
                    f"{card.name}@{name}",
                    weights.known_hash(checkpoint)[:12] or "not known",
                    here,
                    checkpoint.source,
                )
            )
    print_listing(("method", "weights", "sha256", "here", "from"), rows, Console(highlight=False))


@app.command()
def add(
    method: Method, files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of the authors.")]
) -> None:
    """Add an official checkpoint of one or several files; their hashes tell which it is.

    Examples:
        uaabench weights add tardal tardal-dt.pth

        uaabench weights add didfuse Encoder_weight_IJCAI.pkl Decoder_weight_IJCAI.pkl
    """
    from uaabench.core import registry, weights

    card = registry.method_card(method)
    names = dict.fromkeys(name for file in files for name in weights.add(card, file))
    for name in names:
        missing = "" if weights.stored(card.checkpoints[name]) else "; its other files are still missing"
        typer.echo(f"added {method}@{name}{missing}")


@app.command()
def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(help="`method@checkpoint`, or `method` for all of its checkpoints.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All official checkpoints of all methods.")] = False,
) -> None:
    """Fetch official checkpoints from where their authors put them, each checked by its hash.

    What cannot be fetched does not stop the others. Examples:

        uaabench weights fetch seafusion@official tardal

        uaabench weights fetch --all
    """
    if bool(names) == every:
        raise UsageError("Name methods or checkpoints to fetch, such as seafusion or tardal@dt, or give --all.")
    if fetch_all(official.wanted(names or [])):
        raise typer.Exit(WeightsError.exit_code)


def fetch_all(wanted: Iterable[tuple[MethodCard, str]]) -> int:
    """Fetch checkpoints one after another, and say what came of each; the number of those that did not come."""
    failed = 0
    for card, name in wanted:
        try:
            fetched = official.fetch(card, name)
        except (DownloadError, WeightsError) as error:
            typer.echo(f"uaabench: {error}", err=True)
            failed += 1
            continue
        typer.echo(f"{card.name}@{name} is in {fetched.path}; licence: {card.licence or 'none stated by the authors'}")
        if fetched.is_pinned:
            typer.echo(f"  pinned: nobody has published its hash, from now on it must be {fetched.sha256}")
    return failed


@app.command()
def verify() -> None:
    """Check the hashes of all weights that are here; exits with 4 when one is wrong.

    Example: uaabench weights verify
    """
    broken = 0
    for name, _, fault in weights_here():
        typer.echo(f"WRONG {name}: {fault}" if fault else f"ok    {name}")
        broken += bool(fault)
    if broken:
        raise typer.Exit(WeightsError.exit_code)


def weights_here() -> Iterator[tuple[str, str, str]]:
    """Check every file of weights on this machine, those of segmenters and detectors included.

    Yields:
        The name it is used by, `shipped` or `added`, and what is wrong with it: a sentence, empty where nothing is.
    """
    from uaabench.core import registry, weights
    from uaabench.judges.detection import trained
    from uaabench.judges.segmentation import segmenters

    for name, fault in weights.verify_shipped(weights.shipped_folder(), weights.card_of):
        yield name, "shipped", fault
    for name, fault in weights.verify_shipped(segmenters.shipped_folder(), segmenters.read_card):
        yield f"segmenter {name}", "shipped", fault
    for name, fault in weights.verify_shipped(trained.shipped_folder(), trained.read_card):
        yield f"detector {name}", "shipped", fault
    for card in registry.method_cards().values():
        for name, checkpoint in card.checkpoints.items():
            if weights.stored(checkpoint):
                yield f"{card.name}@{name}", "added", _fault(weights.resolve(card, name))


def _fault(found: ResolvedWeights) -> str:
    try:
        found.verify()
    except WeightsError as error:
        return str(error)
    return ""
