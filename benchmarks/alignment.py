"""What the alignment of DUN-SA is worth: its metrics with the displacements it estimates, and with none.

    python benchmarks/alignment.py

On the test pairs of the demo, as they are and with infrared moved by 4 pixels, scored against the pairs as they are.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import torch
from torch import nn

from uaabench.baselines.dunsa import DUNSA, moved
from uaabench.core import imaging, weights
from uaabench.degradations.registration import offsets
from uaabench.metrics.profiles import profile
from uaabench.running.entries import open_dataset

DISTANCE, METRICS = 4, ("VIF", "Qabf", "SCD")


class Unmoved(nn.Module):
    """An alignment that finds nothing."""

    def forward(self, ir: torch.Tensor, _y: torch.Tensor) -> torch.Tensor:
        """No displacement for each image."""
        return ir.new_zeros(len(ir), 2)


def method(*, aligns: bool) -> DUNSA:
    """DUN-SA with the shipped weights."""
    made = DUNSA()
    made.load(weights.shipped("dunsa"), torch.device("cpu"))
    if not aligns:
        made._network.align = nn.ModuleList(Unmoved() for _ in made._network.align)
    return made


def main() -> None:
    """Print the table."""
    dataset, _, split = open_dataset("demo", Path())
    convention, draws = profile("cddfuse"), random.Random(0)
    metrics, rows = convention.select(METRICS), {}
    methods = {"aligned": method(aligns=True), "not aligned": method(aligns=False)}
    for pair in dataset.pairs(split):
        sources = dataset.read(pair)
        ir, vi = imaging.to_tensor(sources.ir), imaging.to_tensor(sources.vi)
        move = torch.tensor([draws.choice(offsets(DISTANCE))], dtype=torch.float32)
        for name, fuser in methods.items():
            for kind, infrared in (("as it is", ir), ("moved", moved(ir, -move))):
                with torch.no_grad():
                    fused = imaging.quantise(fuser.fuse(infrared, vi))[0]
                found = [value.value for value in convention.score(fused, sources, metrics)]
                rows.setdefault((name, kind), []).append(found)
    for (name, kind), found in rows.items():
        means = zip(METRICS, np.mean(found, axis=0), strict=True)
        text = ", ".join(f"{metric} {value:.4f}" for metric, value in means)
        print(f"{name:12}{kind:10}{text}")


if __name__ == "__main__":
    main()
