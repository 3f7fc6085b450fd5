"""Reading and writing images, and the conversions between colour, luminance and 8 bit.

Reading follows one rule everywhere: a file is decoded as `decoding` says, turned to grey by BT.601 in floating point,
and rounded (half to even). `cv2.imread(..., IMREAD_GRAYSCALE)` is not used: for colour PNGs it differs by one level in
up to half of the pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from uaabench.core import decoding
from uaabench.core.arrays import ByteImage, FloatImage
from uaabench.core.errors import MethodError, UsageError
from uaabench.core.files import replacing

if TYPE_CHECKING:
    from torch import Tensor


def size_text(image: NDArray[Any]) -> str:
    """Size of an (H,W) or (H,W,C) image as people write it: `width x height`."""
    return f"{image.shape[1]}x{image.shape[0]}"


def read_rgb(path: Path) -> ByteImage:
    """Read an image as (H,W,3) RGB uint8; a grey file gives three equal channels.

    Raises:
        DataError: `decoding.pixels` refuses the file: it is missing, damaged, no image, not of 8 bit, or ambiguous.
    """
    image = decoding.pixels(path)
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else np.ascontiguousarray(image[..., ::-1])


def read_grey(path: Path) -> ByteImage:
    """Read an image as (H,W) uint8, a colour one by the rounded BT.601 luminance of `grey`.

    Raises:
        DataError: As of `read_rgb`.
    """
    image = decoding.pixels(path)
    # The luminance of three equal channels is the channel.
    return image if image.ndim == 2 else grey(np.ascontiguousarray(image[..., ::-1])).astype(np.uint8)


def read_label(path: Path) -> ByteImage:
    """Read a label map as (H,W) uint8 class indices; of a palette its indices, whatever their colours.

    Raises:
        DataError: `decoding.indices` refuses the file: it is missing, damaged, no image, lossy, or holds colours.
    """
    return decoding.indices(path)


def grey(rgb: ByteImage) -> FloatImage:
    """BT.601 luminance of (H,W,3) RGB uint8, rounded half to even: (H,W) float64 integers in 0..255.

    Computed in float32 by OpenCV, as the evaluator of CDDFuse does.
    """
    luminance = cv2.cvtColor(rgb.astype(np.float32), cv2.COLOR_RGB2GRAY)
    return np.round(luminance).astype(np.float64)


def write_png(path: Path, image: ByteImage) -> None:
    """Write (H,W) grey or (H,W,3) RGB uint8 as PNG; the file appears complete or not at all.

    Raises:
        UsageError: The suffix is that of another format.
        StorageError: The file cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise UsageError(f"Cannot write {path}: images are kept without loss, as PNG; name it {path.stem}.png.")
    pixels = image if image.ndim == 2 else np.ascontiguousarray(image[..., ::-1])
    # As OpenCV compresses by default: a third of the time of level 3, both ways, for a twentieth more of a file.
    _, data = cv2.imencode(".png", pixels)
    with replacing(path, durable=False) as aside:
        aside.write_bytes(data.tobytes())


def colourise(fused: ByteImage, vi: ByteImage) -> ByteImage:
    """Give a fused luminance (H,W) the chroma of the visible image (H,W,3): (H,W,3) RGB uint8.

    BT.601 full range, as OpenCV's YCrCb.
    """
    ycrcb = cv2.cvtColor(vi, cv2.COLOR_RGB2YCrCb)
    ycrcb[..., 0] = fused
    return np.asarray(cv2.cvtColor(ycrcb, cv2.COLOR_YCrCb2RGB), dtype=np.uint8)


def to_tensor(image: ByteImage) -> Tensor:
    """(H,W) or (H,W,C) uint8 to a float32 tensor (1,C,H,W) in [0,1]."""
    import torch

    channels_last = image if image.ndim == 3 else image[..., None]
    return torch.from_numpy(np.ascontiguousarray(channels_last.transpose(2, 0, 1)[None])).float() / 255


def quantise(fused: Tensor) -> list[ByteImage]:
    """Fused images (B,1,H,W) or (B,3,H,W) to 8 bit: clip to [0,1], times 255, round half to even.

    Returns:
        For each image of the batch (H,W) or (H,W,3) uint8.

    Raises:
        MethodError: A value is NaN or infinite, which would become black or white.
    """
    if not fused.isfinite().all():
        raise MethodError(f"{int((~fused.isfinite()).sum())} of {fused.numel()} values are not finite")
    scaled = fused.detach().clamp(0, 1).mul(255).round().byte().cpu().numpy()
    return [image[0] if image.shape[0] == 1 else np.ascontiguousarray(image.transpose(1, 2, 0)) for image in scaled]


def coloured_label(label: ByteImage, colours: Sequence[tuple[int, int, int]]) -> ByteImage:
    """A label map (H,W) in the RGB colours of its classes, class 0 and unknown values transparent: (H,W,4) RGBA."""
    palette = np.zeros((256, 4), np.uint8)
    for number, colour in enumerate(colours[1:], start=1):
        palette[number] = (*colour, 255)
    return np.asarray(palette[label])
