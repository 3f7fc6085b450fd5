"""Reading and writing images, and the conversions between colour, luminance and 8 bit.

Reading follows one rule everywhere: a file is decoded to BGR by OpenCV and turned to grey by BT.601 in floating point,
then rounded (half to even). `cv2.imread(..., IMREAD_GRAYSCALE)` is not used: for colour PNGs it differs by one level in
up to half of the pixels.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from uaabench.core.errors import DataError, MethodError
from uaabench.core.interface import ByteImage, FloatImage

if TYPE_CHECKING:
    from torch import Tensor

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
# How a PNG and a JPEG begin, and what a complete one ends with.
END_MARKERS = {b"\x89PNG": b"IEND", b"\xff\xd8": b"\xff\xd9"}


def size_text(image: NDArray[Any]) -> str:
    """Size of an (H,W) or (H,W,C) image as people write it: `width x height`."""
    return f"{image.shape[1]}x{image.shape[0]}"


def _decode(path: Path, flags: int) -> NDArray[Any]:
    """Decode an image file, or say in one sentence why that is not possible."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"Cannot read the image {path}: {error.strerror or error}.") from error
    # OpenCV fills a truncated image with grey instead of failing; the end marker tells.
    truncated = any(data.startswith(start) and end not in data[-1024:] for start, end in END_MARKERS.items())
    image = None if truncated or not data else cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if image is None:
        reason = "it is truncated" if truncated else "its content is not an image"
        raise DataError(f"Cannot decode the image {path}: {reason}; copy it from the source again.")
    return np.asarray(image)


def read_rgb(path: Path) -> ByteImage:
    """Read an image as (H,W,3) RGB uint8; a grey file gives three equal channels.

    Raises:
        DataError: The file is missing, truncated, no image, or not of 8 bit.
    """
    image = _decode(path, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if image.dtype != np.uint8:
        # Without this OpenCV would silently drop the lower bits, which decides the contrast of 16-bit infrared.
        raise DataError(f"{path} is of type {image.dtype}, not of 8 bit; convert it to grey levels 0 to 255 first.")
    return np.ascontiguousarray(image[..., ::-1])


def read_grey(path: Path) -> ByteImage:
    """Read an image as (H,W) uint8, a colour one by the rounded BT.601 luminance of `grey`.

    Raises:
        DataError: The file is missing, truncated, no image, or not of 8 bit.
    """
    return grey(read_rgb(path)).astype(np.uint8)


def read_label(path: Path) -> ByteImage:
    """Read a label map as (H,W) uint8 class indices.

    Raises:
        DataError: The file is missing, truncated, no image, or has several channels that differ.
    """
    label = _decode(path, cv2.IMREAD_UNCHANGED)
    if label.ndim == 3 and (label[..., :3] == label[..., :1]).all():
        label = label[..., 0]
    if label.ndim != 2 or label.dtype != np.uint8:
        raise DataError(f"{path} is not a label map: it must have one 8-bit channel of class indices.")
    return label


def grey(rgb: ByteImage) -> FloatImage:
    """BT.601 luminance of (H,W,3) RGB uint8, rounded half to even: (H,W) float64 integers in 0..255.

    Computed in float32 by OpenCV, as the evaluator of CDDFuse does.
    """
    luminance = cv2.cvtColor(rgb.astype(np.float32), cv2.COLOR_RGB2GRAY)
    return np.round(luminance).astype(np.float64)


def write_png(path: Path, image: ByteImage) -> None:
    """Write (H,W) grey or (H,W,3) RGB uint8 as PNG; the file appears complete or not at all.

    Raises:
        DataError: The folder cannot be written.
    """
    pixels = image if image.ndim == 2 else np.ascontiguousarray(image[..., ::-1])
    _, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(data.tobytes())
        os.replace(partial, path)
    except OSError as error:
        raise DataError(f"Cannot write the image {path}: {error.strerror or error}.") from error


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
