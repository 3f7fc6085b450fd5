"""Detections and true boxes of a unit as COCO JSON, which any other tool for detection reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from uaabench.core.files import write_json

DETECTIONS, BOXES = "detections.json", "boxes.json"


def write(folder: Path, values: Mapping[str, Any], classes: Sequence[str]) -> None:
    """Write `detections.json`, in COCO's format of results, and `boxes.json`, the true boxes they were matched with.

    Args:
        folder: Folder of the unit.
        values: What the stage kept of each pair.
        classes: Names of the classes; category 1 is the first.

    Raises:
        StorageError: They cannot be written.
    """
    images = dict(enumerate(values, start=1))
    results = [
        {"image_id": number, "category_id": 1 + int(label), "bbox": _extent(corners), "score": score}
        for number, pair in images.items()
        for label, *corners, score in values[pair]["detections"]
    ]
    true: list[dict[str, Any]] = [
        {"image_id": number, "category_id": 1 + int(label), "bbox": _extent(corners), "iscrowd": int(ignored)}
        for number, pair in images.items()
        for label, *corners, ignored in values[pair]["boxes"]
    ]
    content = {
        "images": [
            {"id": number, "file_name": f"{pair}.png"}
            | dict(zip(("height", "width"), values[pair]["size"], strict=True))
            for number, pair in images.items()
        ],
        "categories": [{"id": 1 + label, "name": name} for label, name in enumerate(classes)],
        "annotations": [
            {"id": number, "area": entry["bbox"][2] * entry["bbox"][3], **entry} for number, entry in enumerate(true, 1)
        ],
    }
    write_json(folder / DETECTIONS, results)
    write_json(folder / BOXES, content)


def _extent(corners: Sequence[float]) -> list[float]:
    """Left, top, width and height, as COCO has them."""
    left, top, right, bottom = corners
    return [left, top, right - left, bottom - top]
