"""Fusing large images in strips, by methods that look no further than some pixels around each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from uaabench.core.strips import Strip, strips

Fuse = Callable[[Tensor, Tensor], Tensor]


def in_strips(fuse: Fuse, ir: Tensor, vi: Tensor, *, reach: int | None) -> Tensor:
    """Fuse a batch, in strips if its images are large and its method looks no further than `reach`.

    What comes out is the image that `fuse` makes of the whole, but for the order in which a library sums: that can move
    a value by 1e-7, and so a pixel by a grey level now and then.

    Args:
        fuse: (B,1,H,W) and (B,3,H,W) to fused images (B,C,H,W) of that size.
        ir: The infrared images.
        vi: The visible images.
        reach: The `reach` of the method's card.
    """
    height, width = ir.shape[-2:]
    if reach is None:
        return fuse(ir, vi)
    # An image that is not large is one strip.
    return joined(fuse, ir, vi, strips(height, width, border=reach))


def joined(fuse: Fuse, ir: Tensor, vi: Tensor, parts: Iterable[Strip]) -> Tensor:
    """Fuse strip by strip and lay the inner rows one below the other."""
    fused = [fuse(ir[..., part.around, :], vi[..., part.around, :])[..., part.inner, :] for part in parts]
    return torch.cat(fused, dim=-2)
