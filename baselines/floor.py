"""The trivial rules every table is read against: each source alone, their average, their maximum, and one of both.

A copy of the visible image passes most networks on most metrics of this field, and the maximum beats nearly all on VIF
and Qabf; a share of the minimum on top passes them on SCD, too. A learned method that stays below this floor has shown
nothing.

The rules work on 8-bit grey levels, so that their artefacts are exact: which way a tie such as 10.5 goes is decided
here, by rounding half to even, and not by the rounding error of a division by 255.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, maximum, minimum

from uaabench.core.interface import FusionMethod, MethodCard, luminance


def _card(name: str) -> MethodCard:
    return MethodCard.read(Path(__file__).with_name(f"{name}.toml"))


def grey_levels(image: Tensor) -> Tensor:
    """Grey levels of an image in [0,1], an RGB one by its rounded luminance: (B,C,H,W) to (B,1,H,W) in 0..255."""
    levels = (image * 255).round()
    return levels if image.shape[1] == 1 else luminance(levels).round()


class Visible(FusionMethod):
    """The visible image as it is, with its colour."""

    card = _card("visible")

    def fuse(self, ir: Tensor, vi: Tensor) -> Tensor:  # noqa: ARG002 - the other source is what it ignores
        """Return a copy of the visible image, (B,3,H,W)."""
        return vi.clone()


class Infrared(FusionMethod):
    """The infrared image as it is."""

    card = _card("infrared")

    def fuse(self, ir: Tensor, vi: Tensor) -> Tensor:  # noqa: ARG002 - the other source is what it ignores
        """Return a copy of the infrared image, (B,1,H,W)."""
        return ir.clone()


class Average(FusionMethod):
    """The mean of infrared and visible grey levels, half to even."""

    card = _card("average")

    def fuse(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Average the grey levels, (B,1,H,W)."""
        return ((grey_levels(ir) + grey_levels(vi)) / 2).round() / 255


class Maximum(FusionMethod):
    """The larger of infrared and visible grey level, pixel by pixel."""

    card = _card("maximum")

    def fuse(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Take the larger grey level, (B,1,H,W)."""
        return maximum(grey_levels(ir), grey_levels(vi)) / 255


class MaximumPlusMinimum(FusionMethod):
    """The larger grey level, and a quarter of what the smaller one has beyond a dark level.

    Where both sources have a structure, the maximum loses one of them; a share of the minimum brings it back. Both
    constants were chosen on training pairs, see docs/baselines.md.
    """

    card = _card("maximum_plus_minimum")

    DARK = 26

    def fuse(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Compute max + (min - 26) / 4 on grey levels, half to even, clipped: (B,1,H,W)."""
        first, second = grey_levels(ir), grey_levels(vi)
        levels = maximum(first, second) + (minimum(first, second) - self.DARK) / 4
        return levels.round().clamp(0, 255) / 255
