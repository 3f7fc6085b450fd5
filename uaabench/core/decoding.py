"""From a file to pixels: what counts as an image, and what is refused as it could be read in more than one way.

Pillow reads the header, so that a file is judged before memory is spent on its pixels; OpenCV decodes images, as the
evaluators of the field do; Pillow decodes label maps, as only it gives the indices of a palette.

A rule for both: PNG, JPEG, BMP or TIFF by content, whatever the suffix; one picture a file; at most `MAX_PIXELS`. An
orientation tag that turns the picture is refused: OpenCV obeys it, Pillow and MATLAB do not, so that a number would
depend on the program that read the file.
"""

from __future__ import annotations

import os
import re
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ExifTags import Base
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from uaabench.core.errors import DataError
from uaabench.core.files import open_regular

# An image of 10000 x 10000 is 300 MB as RGB and 2.4 GB as the float64 planes of the metrics.
MAX_PIXELS = 100_000_000
MAX_BYTES = 1_000_000_000
# By their first bytes. Pillow's classes are used themselves, as `Image.open` has a limit of its own for all programs.
_FORMATS: dict[bytes, type[ImageFile]] = {
    b"\x89PNG\r\n\x1a\n": PngImageFile,
    b"\xff\xd8\xff": JpegImageFile,
    b"BM": BmpImageFile,
    b"II*\x00": TiffImageFile,
    b"MM\x00*": TiffImageFile,
    b"II+\x00": TiffImageFile,
    b"MM\x00+": TiffImageFile,
}
_COLOURS = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "YCbCr"})
_DEEP = {"I;16": "uint16", "I;16B": "uint16", "I;16L": "uint16", "I": "int32", "F": "float32"}
_ORIENTATIONS = {
    2: "mirrored",
    3: "turned by 180 degrees",
    4: "upside down",
    5: "mirrored and turned",
    6: "turned by 90 degrees to the right",
    7: "mirrored and turned",
    8: "turned by 90 degrees to the left",
}
# Where Pillow keeps what a PNG may say of its orientation.
_TAGS = ("exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp")
_AS_STORED = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
_JPEG_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
_JPEG_END = b"\xd9"


def pixels(path: Path) -> NDArray[np.uint8]:
    """Decode an image of 8 bit: (H,W) where the file is grey, else (H,W,3) BGR.

    Raises:
        DataError: The file is missing, damaged, no image, of more than 8 bit, partly transparent, turned by a tag, of
            several pictures, too large, or in colours for print.
    """
    data = _read(path)
    header = _checked(path, data)
    if header.mode in _DEEP:
        raise _too_deep(path, _DEEP[header.mode])
    if header.mode not in _COLOURS:
        raise DataError(f"{path} has the colours {header.mode}, not grey or RGB; convert it to RGB of 8 bit first.")
    _refuse_transparency(path, data, header)
    image = _decoded(path, data)
    if image.dtype != np.uint8:
        raise _too_deep(path, str(image.dtype))
    return image


def _too_deep(path: Path, kind: str) -> DataError:
    """Bits are never dropped here: how to do that decides the contrast of 16-bit infrared, and is up to the user."""
    return DataError(f"{path} is of type {kind}, not of 8 bit; convert it to grey levels 0 to 255 first.")


def indices(path: Path) -> NDArray[np.uint8]:
    """Decode a label map to the (H,W) values that are stored: grey levels of 1 to 8 bit, or the indices of a palette.

    The colours of a palette, and what of it is transparent, only say how the map is shown.

    Raises:
        DataError: The file is missing, damaged, no image, lossy, of colours, of more than 8 bit, partly transparent,
            turned by a tag, of several pictures, or too large.
    """
    data = _read(path)
    header = _checked(path, data)
    if isinstance(header, JpegImageFile):
        raise DataError(f"{path} is a JPEG, which changes values along edges; write label maps as PNG.")
    bits = _bits(header, data)
    if bits > 8 or header.mode not in _COLOURS:
        raise DataError(f"{path} is not a label map: it must have one 8-bit channel of class indices.")
    if header.mode not in ("1", "P"):
        _refuse_transparency(path, data, header)
    values = np.array(_open(path, BytesIO(data)), dtype=np.uint8)
    if values.ndim == 3:
        values = _one_channel(path, values)
    # Pillow stretches grey levels of 2 and 4 bit to 0..255.
    return values // np.uint8(255 // (2**bits - 1)) if header.mode == "L" and bits < 8 else values


def size(path: Path) -> tuple[int, int]:
    """(height, width) of an image by its header alone.

    Raises:
        DataError: The file is missing, no image, turned by a tag, of several pictures, or too large.
    """
    try:
        with open_regular(path) as file:
            width, height = _header(path, file).size
    except OSError as error:
        raise _unreadable(path, error) from error
    return height, width


def _read(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                raise DataError(f"The image {path} has more than {MAX_BYTES} bytes; save it in a smaller format first.")
            return file.read()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(f"Cannot read the image {path}: {error.strerror or error}.")


def _open(path: Path, file: BinaryIO) -> ImageFile:
    """The header of an image."""
    start = file.read(8)
    file.seek(0)
    reader = next((reader for signature, reader in _FORMATS.items() if start.startswith(signature)), None)
    if reader is None:
        raise DataError(
            f"Cannot decode the image {path}: its content is not an image of the kinds PNG, JPEG, BMP or TIFF; copy it "
            "from the source again, or convert it."
        )
    try:
        return reader(file)
    except Exception as error:  # Pillow raises many kinds of them on damaged files, here and below
        raise _damaged(path, error) from error


def _damaged(path: Path, why: object) -> DataError:
    reason = f"it is truncated, damaged or of a kind that is not read ({' '.join(str(why).split())})"
    return DataError(f"Cannot decode the image {path}: {reason}; copy it from the source again.")


def _header(path: Path, file: BinaryIO) -> ImageFile:
    """The header of an image, after a check of what it alone can tell."""
    header = _open(path, file)
    try:
        pictures, orientation = getattr(header, "n_frames", 1), _orientation(header)
    except Exception as error:
        raise _damaged(path, error) from error
    width, height = header.size
    if width * height > MAX_PIXELS:
        raise DataError(f"{path} is {width}x{height}, more than {MAX_PIXELS} pixels; cut or scale it first.")
    if pictures > 1:
        raise DataError(
            f"{path} holds {pictures} pictures, and which one is meant cannot be known; save that one alone."
        )
    _refuse_turned(path, orientation)
    return header


def _refuse_turned(path: Path, orientation: int) -> None:
    if orientation in _ORIENTATIONS:
        raise DataError(
            f"{path} carries a tag (EXIF orientation {orientation}) by which it is shown {_ORIENTATIONS[orientation]}, "
            "which some programs obey and others do not; turn its pixels or remove the tag, whichever fits the images "
            "it belongs to."
        )


def _orientation(header: ImageFile) -> int:
    """EXIF orientation, 1 without any."""
    if isinstance(header, PngImageFile) and header.info.keys().isdisjoint(_TAGS):
        return 1  # asked for EXIF, Pillow would decode all pixels of a PNG to look behind them
    value: Any = header.getexif().get(Base.Orientation)
    return value if isinstance(value, int) else 1


def _checked(path: Path, data: bytes) -> ImageFile:
    """The header of a file that is complete and accepted."""
    header = _header(path, BytesIO(data))
    probe = _open(path, BytesIO(data))
    try:
        if isinstance(probe, PngImageFile):
            probe.verify()
            if b"eXIf" in data:
                header.load()  # it may stand behind the pixels
        elif isinstance(probe, JpegImageFile):
            _refuse_incomplete_jpeg(data)
        else:
            probe.load()
    except Exception as error:
        raise _damaged(path, error) from error
    _refuse_turned(path, _orientation(header))
    return header


def _refuse_incomplete_jpeg(data: bytes) -> None:
    """Raise an EOFError unless the end marker follows the scans; the one of an embedded preview does not count.

    OpenCV fills what is missing with grey instead of failing. Bytes behind the end marker do no harm.
    """
    position = 2
    while found := _JPEG_MARKER.search(data, position):
        if found[1] == _JPEG_END:
            return
        position = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    raise EOFError("it has no end marker")


def _refuse_transparency(path: Path, data: bytes, header: ImageFile) -> None:
    if not header.has_transparency_data:
        return
    alpha: Any = _open(path, BytesIO(data)).convert("RGBA").getchannel("A").getextrema()
    if alpha[0] < 255:
        raise DataError(
            f"{path} is transparent in places, where its grey levels are undefined; flatten it onto a background and "
            "save it without an alpha channel."
        )


def _decoded(path: Path, data: bytes) -> NDArray[Any]:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), _AS_STORED)
    except cv2.error as error:
        raise _damaged(path, error.err) from error
    if image is None:
        raise _damaged(path, "OpenCV cannot decode it")
    return np.asarray(image)


def _bits(header: ImageFile, data: bytes) -> int:
    """Bits of a sample as they are stored."""
    if isinstance(header, PngImageFile):
        return data[24]  # fixed by the format
    if isinstance(header, TiffImageFile):
        stored: Any = header.tag_v2.get(Base.BitsPerSample, (1,))
        return int(max(stored))
    return 8


def _one_channel(path: Path, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The channel of a map of several equal ones, of which the last may be opacity."""
    colours = values[..., : values.shape[2] - (values.shape[2] % 2 == 0)]
    if not (colours == colours[..., :1]).all():
        raise DataError(
            f"{path} is not a label map: it must have one 8-bit channel of class indices, and not colours; write "
            "in place of each colour the number of its class, its place in the list of `uaabench show` counted from 0."
        )
    return np.ascontiguousarray(colours[..., 0])
