"""What authors' test scripts do around their networks: how they make grey of a colour image, and 8 bit of a result.

These steps decide grey levels, so each method takes those of its own script.
"""

from __future__ import annotations

import torch
from torch import Tensor


def pil_grey(vi: Tensor) -> Tensor:
    """Grey as PIL's `convert("L")`: (B,3,H,W) in [0,1] to (B,1,H,W) on 8-bit levels in [0,1]."""
    red, green, blue = _bytes(vi)
    return ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16).float() / 255


def opencv_grey(vi: Tensor) -> Tensor:
    """Grey as OpenCV reads a colour PNG with `IMREAD_GRAYSCALE`: libpng truncates where `cvtColor` rounds."""
    red, green, blue = _bytes(vi)
    levels = (9797 * red + 19234 * green + 3737 * blue) >> 15
    return torch.where((red == green) & (green == blue), red, levels).float() / 255


def opencv_rounded_grey(vi: Tensor) -> Tensor:
    """Grey as OpenCV's `COLOR_BGR2GRAY` makes it in floating point, rounded half to even: (B,1,H,W) on levels in [0,1].

    Of all colours 3 in 100 000 lie so close to a half that the order of summation decides, which is the processor's.
    """
    red, green, blue = _bytes(vi)
    return (0.114 * blue + 0.587 * green + 0.299 * red).round() / 255


def opencv_ycrcb(vi: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Luminance and chroma as OpenCV's `COLOR_BGR2YCrCb` makes them of 8 bit: each (B,1,H,W) on levels in [0,1].

    Chroma of grey is 128/255, hence not 0.5.
    """
    red, green, blue = _bytes(vi)
    y = (4899 * red + 9617 * green + 1868 * blue + 8192) >> 14
    cr, cb = (
        (((colour - y) * factor + (128 << 14) + 8192) >> 14).clamp(0, 255) / 255
        for colour, factor in ((red, 11682), (blue, 9241))
    )
    return y / 255, cr, cb


def _bytes(vi: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    levels = (vi * 255).round().int()
    return levels[:, :1], levels[:, 1:2], levels[:, 2:3]


def truncated(image: Tensor) -> Tensor:
    """The 8-bit level below each value, as `astype(uint8)` takes it, clipped to [0,1]."""
    return (image.clamp(0, 1) * 255).floor() / 255


def stretched(image: Tensor, margin: float = 0.0) -> Tensor:
    """Each image (B,C,H,W) from its own minimum and maximum over all channels to [0,1]; a constant one becomes 0.

    NaN and infinity become NaN, so that what went wrong in a network is not a black image.

    Args:
        image: The images.
        margin: What a script adds to the range so as not to divide by zero.
    """
    low, high = image.amin((1, 2, 3), keepdim=True), image.amax((1, 2, 3), keepdim=True)
    scale = high - low + margin
    return torch.where(scale == 0, 0, (image - low) / scale.clamp(min=torch.finfo(image.dtype).tiny))


def recoloured(y: Tensor, vi: Tensor) -> Tensor:
    """A luminance (B,1,H,W) with the chroma of the visible image, by the matrix of SeAFusion's script, clipped."""
    red, green, blue = vi[:, :1], vi[:, 1:2], vi[:, 2:3]
    own = (0.299 * red + 0.587 * green + 0.114 * blue).clamp(0, 1)
    cr, cb = ((red - own) * 0.713).clamp(-0.5, 0.5), ((blue - own) * 0.564).clamp(-0.5, 0.5)
    return from_ycrcb(y, cr, cb).clamp(0, 1)


def from_ycrcb(y: Tensor, cr: Tensor, cb: Tensor) -> Tensor:
    """The colours (B,3,H,W) of a luminance and of chroma about 0, by the matrix of SeAFusion's script, not clipped."""
    return torch.cat([y + 1.403 * cr, y - 0.714 * cr - 0.344 * cb, y + 1.773 * cb], dim=1)
