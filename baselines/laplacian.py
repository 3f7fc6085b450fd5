"""Fusion in a Laplacian pyramid, the classical multi-scale rule.

Pyramid of Burt and Adelson (1983) with their 5-tap binomial kernel; of each detail coefficient the one with the larger
magnitude is kept, as Toet (1989) does in his ratio pyramid, and the coarsest level is averaged.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from uaabench.core.interface import LuminanceMethod, MethodCard

LEVELS = 4


class Laplacian(LuminanceMethod):
    """Stronger detail at each of four levels, averaged base; any image size."""

    card = MethodCard.beside(__file__)

    def fuse_luminance(self, ir: Tensor, y: Tensor) -> Tensor:
        """Fuse the pyramids of both images and rebuild; overshoot is clipped."""
        *details_ir, base_ir = decompose(ir, LEVELS)
        *details_y, base_y = decompose(y, LEVELS)
        stronger = [torch.where(a.abs() > b.abs(), a, b) for a, b in zip(details_ir, details_y, strict=True)]
        return rebuild([*stronger, (base_ir + base_y) / 2]).clamp(0, 1)


def decompose(image: Tensor, levels: int) -> list[Tensor]:
    """Laplacian pyramid of (B,1,H,W): `levels` detail images, each half the size of the one before, and the base."""
    pyramid = []
    for _ in range(levels):
        coarse = _reduce(image)
        pyramid.append(image - _expand(coarse, image))
        image = coarse
    return [*pyramid, image]


def rebuild(pyramid: list[Tensor]) -> Tensor:
    """The image a pyramid was made of."""
    *details, image = pyramid
    for detail in reversed(details):
        image = detail + _expand(image, detail)
    return image


def _reduce(image: Tensor) -> Tensor:
    """Low-pass and keep every other pixel, starting with the first: (B,1,H,W) to half of it, rounded up."""
    return functional.conv2d(functional.pad(image, (2, 2, 2, 2), mode="replicate"), _kernel(image), stride=2)


def _expand(coarse: Tensor, like: Tensor) -> Tensor:
    """Interpolate back to the size of `like`; at the border by the weights that fall inside the image."""
    spread, known = torch.zeros_like(like), torch.zeros_like(like[:1])
    spread[..., ::2, ::2] = coarse
    known[..., ::2, ::2] = 1
    return functional.conv2d(spread, _kernel(like), padding=2) / functional.conv2d(known, _kernel(like), padding=2)


def _kernel(like: Tensor) -> Tensor:
    binomial = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], dtype=like.dtype, device=like.device) / 16
    return torch.outer(binomial, binomial)[None, None]
