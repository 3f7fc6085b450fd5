"""Negative controls: images that nobody would call well fused.

A metric that prefers one of them to the average rule can be gamed, and a better value of it alone is no evidence of
a better picture; the report of a run that has them says which metrics do (`uaabench.reporting.controls`). As in the
floor, the rules work on 8-bit grey levels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from uaabench.baselines.floor import Average, grey_levels
from uaabench.core.errors import UsageError
from uaabench.core.interface import FusionMethod, MethodCard


class Noise(FusionMethod):
    """The average rule with white Gaussian noise, the same for all images of one size.

    Args:
        sigma: Standard deviation of the noise in grey levels.
        seed: Seed of its draw.

    Raises:
        UsageError: One of the two is out of its range.
    """

    card = MethodCard.read(Path(__file__).with_name("noise.toml"))

    def __init__(self, sigma: float = 20.0, seed: int = 0) -> None:
        if sigma < 0 or not 0 <= seed < 2**32:
            raise UsageError(f"Noise needs a sigma of at least 0 and a seed in 0..2^32 - 1, not {sigma} and {seed}.")
        self.sigma = sigma
        self.seed = seed
        self.average = Average()

    def fuse(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Add noise to the average grey levels, (B,1,H,W)."""
        average = grey_levels(self.average.fuse(ir, vi))
        return (average + self._noise(ir)).clamp(0, 255).round() / 255

    def _noise(self, like: Tensor) -> Tensor:
        """Noise in grey levels for images of the size of `like`, (H,W); the same on every device."""
        # RandomState is old, but the one generator whose stream NumPy promises never to change (NEP 19).
        drawn = self.sigma * np.random.RandomState(self.seed).standard_normal(like.shape[-2:])
        return torch.from_numpy(drawn).to(like)


class Checker(FusionMethod):
    """Pixels of both sources in turn: infrared where row + column is even, visible luminance where it is odd."""

    card = MethodCard.read(Path(__file__).with_name("checker.toml"))

    def fuse(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Interleave the grey levels, (B,1,H,W)."""
        height, width = ir.shape[-2:]
        rows = torch.arange(height, device=ir.device)[:, None]
        columns = torch.arange(width, device=ir.device)
        return torch.where((rows + columns) % 2 == 0, grey_levels(ir), grey_levels(vi)) / 255
