"""Draws docs/images/curves-loss.svg and curves-quality.svg: how the trainings by the budget `converged` went.

    python docs/make_curves.py                          # from docs/curves/NAME.csv
    python docs/make_curves.py runs/tardal runs/auif    # takes the logs of these trainings there before

`docs/curves/` has a line for each look of a training at its held-out pairs: `validation.csv`, and the mean loss of the
steps since the look before, terms of critics left out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uaabench.core import paths, registry
from uaabench.methods.fusing import load_method
from uaabench.methods.named import plan_method
from uaabench.reporting.figures.style import PAGE, PALETTE, STYLE, save
from uaabench.training.budget import read
from uaabench.training.method import LOG, LOOKS
from uaabench.training.objective import objective_of
from uaabench.training.pairs import find
from uaabench.training.validation import validate

CURVES = Path(__file__).parent / "curves"
LOSS, QUALITY = (Path(__file__).parent / "images" / name for name in ("curves-loss.svg", "curves-quality.svg"))
# The rule that a network has to beat, and in what.
RULE, METRICS = "average", ("SD", "SF", "VIF", "Qabf")
COLUMNS = 4


def keep(training: Path) -> Path:
    """Keep the logs of a training under the name of its method.

    Args:
        training: Folder that `uaabench train` wrote to, NAME or ending in `/NAME`.
    """
    name = training.resolve().name
    looks, log = pd.read_csv(training / LOOKS), pd.read_csv(training / LOG)
    terms = [column for column in log if column != "step" and column not in objective_of(name).adversarial]
    since = np.searchsorted(looks["step"], log["step"])
    trained = log[terms].sum(axis=1).groupby(since).mean().reindex(range(len(looks)))
    looks.insert(1, "training", trained.to_numpy())
    file = CURVES / f"{name}.csv"
    looks.to_csv(file, index=False, float_format="%.6g", lineterminator="\n")
    return file


def keep_rule() -> Path:
    """Keep the metrics of the rule on the held-out pairs."""
    budget, device = read("converged"), torch.device("cpu")
    pairs = find(budget.data, (), budget.hold_out, paths.data_folder())
    found = validate(load_method(plan_method(RULE), device).fuse, pairs.held_out, device)
    file = CURVES / f"{RULE}.csv"
    pd.DataFrame([found]).to_csv(file, index=False, float_format="%.6g", lineterminator="\n")
    return file


def panels(curves: dict[str, pd.DataFrame]) -> tuple[Figure, list[Axes]]:
    """A figure with a panel for each training, named."""
    rows = -(-len(curves) // COLUMNS)
    figure = Figure(figsize=(PAGE, 1.35 * rows + 0.4))
    places = list(figure.subplots(rows, COLUMNS, squeeze=False).flat)
    for place, name in zip(places, curves, strict=False):
        place.set_title(registry.method_card(name).title, loc="left")
        place.set_xlim(0, curves[name]["step"].iloc[-1])
        place.xaxis.set_major_locator(mpl.ticker.MaxNLocator(3, integer=True))
    for place in places[len(curves) :]:
        place.set_axis_off()
    return figure, places[: len(curves)]


def draw_losses(curves: dict[str, pd.DataFrame]) -> Figure:
    """The loss of each method, of training steps and of held-out pairs."""
    figure, axes = panels(curves)
    for place, curve in zip(axes, curves.values(), strict=True):
        # The first steps of all would leave the others no room.
        later = curve[["training", "loss"]].iloc[1:].to_numpy()
        low, high = np.nanmin(later), np.nanmax(later)
        place.set_ylim(low - 0.05 * (high - low), high + 0.15 * (high - low))
        place.plot(curve["step"], curve["training"], color=PALETTE[3], lw=1, label="training")
        place.plot(curve["step"], curve["loss"], color=PALETTE[1], lw=1, label="held out")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure


def draw_quality(curves: dict[str, pd.DataFrame], rule: pd.Series) -> Figure:
    """Metrics of the held-out pairs over those of the rule, at each look."""
    figure, axes = panels(curves)
    for place, curve in zip(axes, curves.values(), strict=True):
        place.axhline(1, color="#777777", lw=0.8)
        for metric, colour in zip(METRICS, (PALETTE[0], PALETTE[3], PALETTE[1], PALETTE[2]), strict=True):
            place.plot(curve["step"], curve[metric] / rule[metric], color=colour, lw=1, label=metric)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(METRICS), frameon=False)
    return figure


def main() -> None:
    """Keep what is named, and draw all that is kept."""
    CURVES.mkdir(exist_ok=True)
    for training in map(Path, sys.argv[1:]):
        print(keep(training))
    if not (CURVES / f"{RULE}.csv").is_file():
        print(keep_rule())
    rule = pd.read_csv(CURVES / f"{RULE}.csv").iloc[0]
    curves = {file.stem: pd.read_csv(file) for file in sorted(CURVES.glob("*.csv")) if file.stem != RULE}
    with mpl.rc_context(STYLE):
        for file, figure in ((LOSS, draw_losses(curves)), (QUALITY, draw_quality(curves, rule))):
            save(figure, file)
            print(f"{file}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
