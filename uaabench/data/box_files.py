"""Files of boxes: YOLO text and Pascal VOC XML, one for each image, and COCO JSON, one for all images.

Coordinates are taken as they are written: an edge lies between two pixels, and the image ends at its width and height.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from uaabench.core import files
from uaabench.core.boxes import Boxes
from uaabench.core.errors import DataError

# Names of files beside box files that hold no boxes.
CLASS_FILES = ("classes.txt", "classes.names", "obj.names")
# People's boxes leave the image by a pixel or so; what leaves it by more than this share is no box of this image.
BEYOND = 0.01

# Class index, left, top, right, bottom in pixels, and whether the object is ignored.
Row = tuple[int, float, float, float, float, bool]
# Name of the class, left, top, width, height, and whether the object is ignored.
_Named = tuple[str, float, float, float, float, bool]


def in_one(folder: Path, names: Iterable[str]) -> Path | None:
    """The COCO file of one of the names in a folder; None where there is none."""
    return next((path for name in names if (path := folder / f"{name}.json").is_file()), None)


def whole_file(place: Path) -> Path | None:
    """The COCO file that holds the boxes of all images: the place itself, or the one such file of a folder.

    Raises:
        DataError: The folder cannot be read, or holds other files of boxes too.
    """
    if place.is_file():
        return place
    names = _names(place)
    whole = [name for name in names if name.lower().endswith(".json")]
    single = [name for name in names if name.lower().endswith((".txt", ".xml")) and name not in CLASS_FILES]
    if len(whole) > 1 or (whole and single):
        other = (whole[1:] or single)[0]
        raise DataError(f"{place} holds both {whole[0]} and {other}, and which boxes are meant cannot be known.")
    return place / whole[0] if whole else None


def finder(place: Path) -> Callable[[str], Path | None]:
    """What finds the box file of an image by the stem of the image, in a folder or a COCO file.

    Raises:
        DataError: The folder cannot be read, or two files have one stem.
    """
    whole = whole_file(place)
    if whole:
        return lambda _stem: whole
    found: dict[str, Path] = {}
    for name in _names(place):
        path = place / name
        if path.suffix.lower() in (".txt", ".xml") and name not in CLASS_FILES:
            other = found.setdefault(path.stem, path)
            if other != path:
                raise DataError(f"{place} holds both {other.name} and {name}; take one of them away.")
    return found.get


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DataError(f"Cannot read the folder {folder}: {error.strerror or error}; check the path.") from error


def read(path: Path, stem: str, size: tuple[int, int], classes: Sequence[str]) -> Boxes:
    """Read the boxes of one image.

    Args:
        path: A `.txt` of YOLO (class, then centre and size relative to the image), a `.xml` of Pascal VOC, whose
            `difficult` objects are ignored, or a `.json` of COCO, whose crowds are ignored.
        stem: The image, by the stem of its file.
        size: Height and width of the image.
        classes: Names of the classes in the order of their labels.

    Raises:
        DataError: The file is missing or broken, does not tell of this image, names another class, or holds what is no
            box of an image of this size.
    """
    readers = {".txt": _yolo, ".xml": _voc, ".json": _coco}
    try:
        rows = readers[path.suffix.lower()](path, stem, size, classes)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror or error}; check the file.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ElementTree.ParseError) as error:
        raise DataError(f"{path} is no file of boxes: {' '.join(str(error).split())[:150]}; replace it.") from error
    height, width = size
    for row in rows:
        _refuse(path, row, width, height)
    corners = np.array([row[1:5] for row in rows], np.float64).reshape(-1, 4)
    return Boxes(
        corners=np.clip(corners, 0, [width, height, width, height]),
        labels=np.array([row[0] for row in rows], np.int64),
        ignored=np.array([row[5] for row in rows], np.bool_),
    )


def read_classes(folder: Path, place: Path) -> list[str]:
    """Names of the classes of a folder's boxes: those of its COCO file, or the lines of `classes.txt`.

    A line may begin with the number of its class.

    Args:
        folder: The folder of the data set.
        place: The folder or file of its boxes.

    Raises:
        DataError: There is no such file, or it cannot be read.
    """
    whole = whole_file(place)
    if whole:
        return [name for _, name in _categories(whole)]
    places = [place / name for name in CLASS_FILES] + [folder / name for name in CLASS_FILES]
    file = next((path for path in places if path.is_file()), None)
    if file is None:
        raise DataError(
            f"The boxes in {place} have classes without names; list those, one a line, in classes.txt there."
        )
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise DataError(f"{file} is no text: {error}.") from error
    names = [_without_number(number, line) for number, line in enumerate(lines)]
    if not names or len(set(names)) < len(names):
        raise DataError(f"{file} must name each class once, one a line; correct it.")
    return names


def _without_number(number: int, line: str) -> str:
    first, _, rest = line.partition(" ")
    return rest.strip() if first == str(number) and rest.strip() else line


def _refuse(path: Path, row: Row, width: int, height: int) -> None:
    label, left, top, right, bottom, _ = row
    if not np.isfinite(row[1:5]).all() or right <= left or bottom <= top:
        raise DataError(f"{path} holds a box of class {label} without extent: {left:g} {top:g} {right:g} {bottom:g}.")
    beyond = max(-left / width, right / width - 1, -top / height, bottom / height - 1)
    if beyond > BEYOND:
        raise DataError(
            f"{path} holds the box {left:g} {top:g} {right:g} {bottom:g}, which leaves its image of {width}x{height}; "
            "the boxes are probably of another image or size."
        )


def _yolo(path: Path, _stem: str, size: tuple[int, int], classes: Sequence[str]) -> list[Row]:
    height, width = size
    rows: list[Row] = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 5 or not words[0].isdecimal():
            raise ValueError(f"line {number} is not 'class cx cy width height'")
        label, (x, y, w, h) = int(words[0]), map(float, words[1:])
        if label >= len(classes):
            raise ValueError(f"line {number} has class {label}, but there are {len(classes)} classes")
        rows.append(
            (label, (x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height, False)
        )
    return rows


def _voc(path: Path, _stem: str, size: tuple[int, int], classes: Sequence[str]) -> list[Row]:
    root = ElementTree.fromstring(path.read_bytes())
    said = tuple(root.findtext(f"size/{name}", "0").strip() for name in ("height", "width"))
    if "0" not in said and said != (str(size[0]), str(size[1])):
        raise ValueError(f"it is of an image of {said[1]}x{said[0]}, not {size[1]}x{size[0]}")
    rows: list[Row] = []
    for entry in root.iter("object"):
        name, place = entry.findtext("name", "").strip(), entry.find("bndbox")
        if place is None:
            raise ValueError(f"the object '{name}' has no bndbox")
        edges = [float(place.findtext(edge, "none")) for edge in ("xmin", "ymin", "xmax", "ymax")]
        rows.append((_index(name, classes), edges[0], edges[1], edges[2], edges[3], _is_difficult(entry)))
    return rows


def _is_difficult(entry: ElementTree.Element) -> bool:
    return entry.findtext("difficult", "0").strip() not in ("", "0")


def _index(name: str, classes: Sequence[str]) -> int:
    known = [entry.casefold() for entry in classes]
    if name.casefold() not in known:
        raise ValueError(f"it names the class '{name}', but the classes are {', '.join(classes)}")
    return known.index(name.casefold())


def _coco(path: Path, stem: str, _size: tuple[int, int], classes: Sequence[str]) -> list[Row]:
    by_image = _coco_rows(path, files.fingerprint(path))
    if stem not in by_image:
        raise ValueError(f"it lists no image '{stem}'")
    return [
        (_index(name, classes), left, top, left + w, top + h, ignored)
        for name, left, top, w, h, ignored in by_image[stem]
    ]


@lru_cache(maxsize=4)
def _coco_rows(path: Path, _fingerprint: Any) -> dict[str, list[_Named]]:
    """Class, left, top, width, height and whether it is ignored, of each object of each image."""
    content = json.loads(path.read_text(encoding="utf-8-sig"))
    names = dict(_categories(path))
    stems: dict[Any, str] = {}
    for image in content["images"]:
        stem = Path(str(image["file_name"])).stem
        stems[image["id"]] = stem
    if len(set(stems.values())) < len(content["images"]):
        raise ValueError("it lists two images of one name or id")
    rows: dict[str, list[_Named]] = {stem: [] for stem in stems.values()}
    for entry in content["annotations"]:
        left, top, width, height = map(float, entry["bbox"])
        ignored = bool(entry.get("iscrowd") or entry.get("ignore"))
        rows[stems[entry["image_id"]]].append((names[entry["category_id"]], left, top, width, height, ignored))
    return rows


def _categories(path: Path) -> list[tuple[Any, str]]:
    """Id and name of each category of a COCO file, in the order of the ids.

    Raises:
        DataError: The file is no COCO file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        return sorted((entry["id"], str(entry["name"])) for entry in content["categories"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{path} is no COCO file with boxes: {error}; replace it.") from error
