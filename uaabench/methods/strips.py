"""Fusing large images in strips, by methods that look no further than some pixels around each."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from uaabench.core.errors import MethodError
from uaabench.core.strips import Strip, strips
from uaabench.methods.compiling import FuseBatch


def in_strips(fuse: FuseBatch, ir: Tensor, vi: Tensor, *, reach: int | None) -> Tensor:
    """Fuse a batch, in strips if its images are large and its method looks no further than `reach`.

    What comes out is the image that `fuse` makes of the whole, but for the order in which a library sums: that can move
    a value by 1e-7, and so a pixel by a grey level now and then.

    Args:
        fuse: (B,1,H,W) and (B,3,H,W) to fused images (B,C,H,W) of that size.
        ir: The infrared images.
        vi: The visible images.
        reach: The `reach` of the method's card.

    Raises:
        MethodError: A strip comes out in another size.
    """
    height, width = ir.shape[-2:]
    if reach is None:
        return fuse(ir, vi)
    # An image that is not large is one strip.
    return joined(fuse, ir, vi, strips(height, width, border=reach))


def joined(fuse: FuseBatch, ir: Tensor, vi: Tensor, parts: Iterable[Strip]) -> Tensor:
    """Fuse strip by strip and lay the inner rows one below the other."""
    return torch.cat([_fused(fuse, ir, vi, part) for part in parts], dim=-2)


def _fused(fuse: FuseBatch, ir: Tensor, vi: Tensor, part: Strip) -> Tensor:
    ir, vi = ir[..., part.around, :], vi[..., part.around, :]
    fused = fuse(ir, vi)
    # A larger image would pass unseen, as its inner rows would be as many.
    if fused.shape[-2:] != ir.shape[-2:]:
        raise MethodError(f"fuse returned the shape {tuple(fused.shape)} for a strip of {tuple(ir.shape)}")
    return fused[..., part.inner, :]
