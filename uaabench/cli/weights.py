"""The verb group `weights`: official checkpoints by hash, and the ones that are shipped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
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
            rows.append((card.name, f"{card.name}@{name}", checkpoint.sha256[:12], here, checkpoint.source))
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
def fetch(method: Method, checkpoint: Annotated[str, typer.Argument(help="Name of the checkpoint.")]) -> None:
    """Download an official checkpoint from where its authors offer it.

    Example: uaabench weights fetch tardal dt
    """
    from uaabench.core import registry, weights

    path = weights.fetch(registry.method_card(method), checkpoint)
    typer.echo(f"{method}@{checkpoint} is in {path}")


@app.command()
def verify() -> None:
    """Check the hashes of all weights that are here; exits with 4 when one is wrong.

    Example: uaabench weights verify
    """
    from uaabench.core.errors import WeightsError

    broken = 0
    for name, found in _all_here():
        try:
            found.verify()
            typer.echo(f"ok    {name}")
        except WeightsError as error:
            broken += 1
            typer.echo(f"WRONG {name}: {error}")
    if broken:
        raise typer.Exit(WeightsError.exit_code)


def _all_here() -> list[tuple[str, ResolvedWeights]]:
    """Every file of weights on this machine with the name it is used by."""
    from uaabench.core import registry, weights

    cards = list(registry.method_cards().values())
    shipped = [(card.name, weights.resolve(card)) for card in cards if weights.shipped(card.name)]
    added = [
        (f"{card.name}@{name}", weights.resolve(card, name))
        for card in cards
        for name, checkpoint in card.checkpoints.items()
        if weights.stored(checkpoint)
    ]
    return shipped + added
