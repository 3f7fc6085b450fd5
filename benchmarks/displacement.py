"""How far the displacement that DUN-SA estimates is from the one that was made, by its length.

    python benchmarks/displacement.py DATA [DATASET...] [--pairs N]

Infrared of the first N test pairs of each data set is moved as `--degrade shift` moves it. Prints the mean and median
error in pixels of the last stage, the share of pairs within one pixel, and the mean error of each stage. What a
released pair is off by itself counts as error, since nobody knows it.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch

from uaabench.baselines.dunsa import DUNSA, moved
from uaabench.core import imaging, weights
from uaabench.degradations.registration import offsets
from uaabench.running.entries import open_dataset

DISTANCES = (0, 4, 8)


def errors(method: DUNSA, items: list, distance: int) -> np.ndarray:
    """Error in pixels after each stage, a row a pair."""
    draws, rows = random.Random(0), []
    for dataset, pair in items:
        sources = dataset.read(pair)
        ir, vi = imaging.to_tensor(sources.ir), imaging.to_tensor(sources.vi)
        move = torch.tensor([draws.choice(offsets(distance)) if distance else (0, 0)], dtype=torch.float32)
        with torch.no_grad():
            found = method.displacements(moved(ir, -move), vi)
        rows.append([float((estimate - move).norm()) for estimate in found])
    return np.array(rows)


def main(data: Path, names: list[str], pairs: int) -> None:
    """Print the table."""
    method = DUNSA()
    method.load(weights.shipped("dunsa"), torch.device("cpu"))
    print(f"{'data set':12}{'moved by':>9}{'pairs':>7}{'mean':>7}{'median':>8}{'within 1':>10}  mean of each stage")
    for name in names:
        dataset, label, split = open_dataset(name, data)
        items = [(dataset, pair) for pair in dataset.pairs(split)[:pairs]]
        for distance in DISTANCES:
            found = errors(method, items, distance)
            last, stages = found[:, -1], " ".join(f"{value:.2f}" for value in found.mean(axis=0))
            within = (last <= 1).mean()
            print(
                f"{label:12}{distance:9}{len(items):7}{last.mean():7.2f}{np.median(last):8.2f}{within:10.2f}  {stages}",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="*", default=["demo"])
    parser.add_argument("--pairs", type=int, default=16)
    given = parser.parse_args()
    main(given.data, given.names, given.pairs)
