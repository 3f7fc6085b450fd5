"""Which detections of one image are right: matching as COCO defines it, to the tally of a pair.

Lin et al., Microsoft COCO: Common objects in context, ECCV 2014, and its evaluation code, which pycocotools holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uaabench.core.boxes import Boxes, Detections

# Smallest IoU of a right detection; those of AP, of which AP50 takes the first and AP75 the sixth.
THRESHOLDS = np.linspace(0.5, 0.95, 10)
# So many detections of a class in an image count, those of the highest scores.
MOST = 100

Overlaps = NDArray[np.float64]


@dataclass(frozen=True)
class AreaRange:
    """Objects of which sizes count; all others are ignored.

    Attributes:
        name: Its name, for example `small`.
        low: Smallest area that counts, in pixels.
        high: Largest one.
    """

    name: str
    low: float
    high: float


ALL = AreaRange("all", 0, 1e10)
COCO_AREAS = (ALL, AreaRange("small", 0, 32**2), AreaRange("medium", 32**2, 96**2), AreaRange("large", 96**2, 1e10))


def tally(boxes: Boxes, found: Detections, classes: int, areas: Sequence[AreaRange]) -> list[list[dict[str, Any]]]:
    """Match the detections of one image with its true boxes.

    Args:
        boxes: The true boxes, with labels from 0.
        found: The detections, with the same labels.
        classes: How many classes there are.
        areas: Ranges of sizes.

    Returns:
        For each class and each range: `objects`, how many objects count; and of the detections, highest score first,
        `scores`, `right` and `ignored`, whose bit t says whether it is right or does not count at threshold t.
    """
    return [[_of_class(boxes, found, label, area) for area in areas] for label in range(classes)]


def _of_class(boxes: Boxes, found: Detections, label: int, area: AreaRange) -> dict[str, Any]:
    true, ours = boxes.labels == label, found.labels == label
    corners, crowd = boxes.corners[true], boxes.ignored[true]
    order = np.argsort(-found.scores[ours], kind="stable")[:MOST]
    detected = found.corners[ours][order]
    left_out = crowd | _outside(corners, area)
    # Objects that count are matched first.
    first = np.argsort(left_out, kind="stable")
    ious = overlaps(detected, corners[first], crowd[first])
    right, ignored = _match(ious, left_out[first], crowd[first], _outside(detected, area))
    return {
        "objects": int(np.count_nonzero(~left_out)),
        "scores": found.scores[ours][order].tolist(),
        "right": right,
        "ignored": ignored,
    }


def overlaps(detected: NDArray[np.float64], corners: NDArray[np.float64], crowd: NDArray[np.bool_]) -> Overlaps:
    """IoU of (D,4) detections with (G,4) boxes, (D,G); with a crowd, the share of the detection that lies in it."""
    low = np.maximum(detected[:, None, :2], corners[None, :, :2])
    high = np.minimum(detected[:, None, 2:], corners[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=2)
    own, other = _area(detected)[:, None], _area(corners)[None, :]
    union = np.where(crowd[None, :], own, own + other - common)
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=common > 0))


def _area(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.prod(corners[:, 2:] - corners[:, :2], axis=1))


def _outside(corners: NDArray[np.float64], area: AreaRange) -> NDArray[np.bool_]:
    size = _area(corners)
    return np.asarray((size < area.low) | (size > area.high))


def _match(
    ious: Overlaps, left_out: NDArray[np.bool_], crowd: NDArray[np.bool_], outside: NDArray[np.bool_]
) -> tuple[list[int], list[int]]:
    """The bits `right` and `ignored` of each detection; see `tally`."""
    right, ignored = [0] * len(ious), [0] * len(ious)
    rows, skipped, many = ious.tolist(), left_out.tolist(), crowd.tolist()
    for bit, threshold in enumerate(THRESHOLDS):
        taken = [False] * len(skipped)
        for number, row in enumerate(rows):
            best = _best(row, float(threshold), taken, skipped, many)
            if best is None:
                ignored[number] |= bool(outside[number]) << bit
            else:
                taken[best] = True
                (ignored if skipped[best] else right)[number] |= 1 << bit
    return right, ignored


def _best(
    row: Sequence[float], threshold: float, taken: Sequence[bool], skipped: Sequence[bool], many: Sequence[bool]
) -> int | None:
    """The object that a detection is matched with; of equal ones the last, and one that counts before any other."""
    best, most = None, min(threshold, 1 - 1e-10)
    for place, overlap in enumerate(row):
        if taken[place] and not many[place]:
            continue
        if best is not None and skipped[place] and not skipped[best]:
            break
        if overlap >= most:
            best, most = place, overlap
    return best
