"""The boxes of the demo scenes: around what can be seen of each person, bike and car that was drawn."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from uaabench.core.files import write_text
from uaabench.datasets.demo.canvas import HEIGHT, WIDTH
from uaabench.datasets.demo.objects import BIKE, CAR, PERSON
from uaabench.datasets.demo.render import numbers
from uaabench.datasets.demo.scene import Scene

CLASSES = ("person", "bike", "car")
# What has fewer visible pixels cannot be told: it is ignored.
SMALLEST = 30
_LABELS = (PERSON, BIKE, CAR)


def write(path: Path, objects: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Write the objects of some scenes, by the id of the scene, as a COCO file.

    Raises:
        StorageError: It cannot be written.
    """
    numbered = list(enumerate(objects, start=1))
    entries = [{"image_id": number, **entry} for number, name in numbered for entry in objects[name]]
    content = {
        "images": [
            {"id": number, "file_name": f"{name}.png", "width": WIDTH, "height": HEIGHT} for number, name in numbered
        ],
        "categories": [{"id": 1 + label, "name": name} for label, name in enumerate(CLASSES)],
        "annotations": [{"id": place, **entry} for place, entry in enumerate(entries, start=1)],
    }
    write_text(path, json.dumps(content) + "\n")


def objects_of(scene: Scene) -> Iterator[Mapping[str, Any]]:
    """What can be seen of the objects of a scene, as COCO has them; small ones are crowds, as those are ignored."""
    seen = numbers(scene)
    for place, label in enumerate(scene.canvas.things):
        visible = seen == 1 + place
        area = int(np.count_nonzero(visible))
        if area and label in _LABELS:
            box = cv2.boundingRect(visible.astype(np.uint8))
            yield {
                "category_id": 1 + _LABELS.index(label),
                "bbox": [int(value) for value in box],
                "area": area,
                "iscrowd": int(area < SMALLEST),
            }
