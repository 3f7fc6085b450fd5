"""What is scored without a run: fused images, whoever made them, with their sources, as files or as arrays."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from uaabench.core import files, imaging
from uaabench.core.arrays import ByteImage
from uaabench.core.errors import DataError, UsageError
from uaabench.core.interface import Sources
from uaabench.data.layout import natural

# An image: uint8 (H,W) grey or (H,W,3) RGB, or a file.
Image = ByteImage | str | os.PathLike[str]
# One image; many by name, as a folder or a mapping; or many in order.
Images = Image | Mapping[str, Image] | Sequence[Image]
_Opened = Path | ByteImage


@dataclass(frozen=True)
class Triple:
    """A fused image and its sources; None for an image that is not there.

    Attributes:
        id: Name of the pair.
        ir: The infrared image, a file or uint8 (H,W) or (H,W,3).
        vi: The visible image, likewise.
        fused: The fused image, likewise.
    """

    id: str
    ir: _Opened | None
    vi: _Opened | None
    fused: _Opened | None

    def read(self) -> tuple[Sources, ByteImage]:
        """The sources and the fused image (H,W,3), as a run reads them.

        Raises:
            DataError: An image is not there, or cannot be read.
        """
        named = {"infrared": self.ir, "visible": self.vi, "fused": self.fused}
        lacking = [kind for kind, image in named.items() if image is None]
        if self.ir is None or self.vi is None or self.fused is None:
            raise DataError(f"no {' and no '.join(lacking)} image")
        return Sources(_grey(self.ir), _rgb(self.vi)), _rgb(self.fused)


def triples(ir: Images, vi: Images, fused: Images) -> list[Triple]:
    """Bring fused images and their sources together: by name where all have one, else by their place.

    Returns:
        One triple for each pair, in natural order of the names; a pair may lack images.

    Raises:
        DataError: A folder or file is missing, a folder holds no image or two of one stem, an array is no image of
            8 bit, three arrays differ in size, or a fused image is named like no pair.
        UsageError: Some have names and others have not, or lists differ in length.
    """
    given = {"infrared": ir, "visible": vi, "fused": fused}
    named = {kind: _by_name(kind, images) for kind, images in given.items()}
    found = _matched(named, given) if all(images is not None for images in named.values()) else _listed(named, given)
    for triple in found:
        _refuse_sizes(triple)
    return found


def list_names(names: Sequence[str], most: int = 5) -> str:
    """Write out the first names, and how many there are beyond.

    Example:
        >>> list_names(["01", "02", "04"], most=2)
        '01, 02 and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def refuse_strangers(strangers: Sequence[str], of: int, where: str, pairs: str) -> None:
    """Refuse fused images that are named like no pair, by one rule for a run and for an evaluation.

    Args:
        strangers: Stems of the images.
        of: How many fused images there are.
        where: What holds them, in words.
        pairs: Of what they are no pairs, in words.

    Raises:
        DataError: There is such an image.
    """
    if strangers:
        raise DataError(
            f"{len(strangers)} of {of} fused images in {where} are named like no pair of {pairs}: "
            f"{list_names(strangers)}; name fused images like their sources, or take them away."
        )


def _matched(named: Mapping[str, Mapping[str, _Opened] | None], given: Mapping[str, Any]) -> list[Triple]:
    ir, vi, fused = (images or {} for images in named.values())
    names = sorted({*ir, *vi}, key=natural)
    strangers = sorted(fused.keys() - names, key=natural)
    places = [str(images) if _is_path(images) else f"the {kind} images" for kind, images in given.items()]
    refuse_strangers(strangers, len(fused), places[2], f"{places[0]} and {places[1]}")
    return [Triple(name, ir.get(name), vi.get(name), fused.get(name)) for name in names]


def _listed(named: Mapping[str, Mapping[str, _Opened] | None], given: Mapping[str, Any]) -> list[Triple]:
    with_names = [kind for kind, images in named.items() if images is not None]
    if with_names:
        others = [kind for kind in named if kind not in with_names]
        raise UsageError(
            f"The {' and '.join(with_names)} images have names but the {' and '.join(others)} images have none; give "
            "all of them as folders or dictionaries, or all of them as images or lists."
        )
    lists = {kind: list(_in_order(kind, images)) for kind, images in given.items()}
    counts = [len(images) for images in lists.values()]
    if len(set(counts)) > 1 or not counts[0]:
        said = ", ".join(f"{len(images)} {kind}" for kind, images in lists.items())
        raise UsageError(f"There are {said} images; give one of each for every pair.")
    return [Triple(str(number), *images) for number, images in enumerate(zip(*lists.values(), strict=True))]


def _by_name(kind: str, images: Any) -> dict[str, _Opened] | None:
    """Images by name: of a mapping or a folder; None for those that have no name."""
    if isinstance(images, Mapping):
        for name in images:
            if not isinstance(name, str):
                raise UsageError(f"The {kind} images are named by {name!r}, which is no text; name pairs by text.")
        return {name: _opened(kind, name, image) for name, image in images.items()}
    if not _is_path(images) or Path(images).is_file():
        return None
    folder = Path(images)
    if not folder.is_dir():
        raise DataError(f"There is no folder or image {folder} ({kind}); check the path.")
    found = files.images(folder)
    if not found:
        raise DataError(f"The folder {folder} holds no image; known are {', '.join(files.IMAGE_SUFFIXES)}.")
    return dict(found)


def _in_order(kind: str, images: Any) -> Iterable[_Opened]:
    several = images if isinstance(images, list | tuple) else [images]
    for number, image in enumerate(several):
        yield _opened(kind, str(number), image)


def _opened(kind: str, name: str, image: Any) -> _Opened:
    """A file as a path, anything else as an array of 8 bit."""
    if _is_path(image):
        return Path(image)
    try:
        array = np.asarray(image)
    except Exception as error:  # what an array of another library raises, such as a tensor on a GPU
        raise DataError(f"The {kind} image '{name}' cannot be made a NumPy array: {error}") from error
    if array.dtype != np.uint8 or not _is_image(array.shape):
        raise DataError(
            f"The {kind} image '{name}' has the type {array.dtype} and the shape {array.shape}; an image is uint8, "
            "(H,W) grey or (H,W,3) RGB with levels 0 to 255, and several images are a list."
        )
    return array


def _is_image(shape: tuple[int, ...]) -> bool:
    return 0 not in shape and (len(shape) == 2 or (len(shape) == 3 and shape[2] == 3))


def _refuse_sizes(triple: Triple) -> None:
    """Refuse arrays of different sizes; a file, which is read later, fails its pair instead."""
    arrays = [image for image in (triple.ir, triple.vi, triple.fused) if isinstance(image, np.ndarray)]
    if len({array.shape[:2] for array in arrays}) > 1:
        sizes = ", ".join(imaging.size_text(array) for array in arrays)
        raise DataError(f"The images of the pair '{triple.id}' differ in size: {sizes}; all three must be of one size.")


def _is_path(images: Any) -> bool:
    return isinstance(images, str | os.PathLike)


def _rgb(image: _Opened) -> ByteImage:
    if isinstance(image, Path):
        return imaging.read_rgb(image)
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image


def _grey(image: _Opened) -> ByteImage:
    if isinstance(image, Path):
        return imaging.read_grey(image)
    return image if image.ndim == 2 else imaging.grey(image).astype(np.uint8)
