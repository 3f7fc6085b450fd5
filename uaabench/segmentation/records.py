"""The records of a segmented method: what its confusion matrices come to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from uaabench.segmentation.confusion import interval, scores
from uaabench.segmentation.protocols import Protocol

MEAN_IOU, LOW, HIGH, PAIRS = "mIoU", "mIoU low", "mIoU high", "segmented pairs"


def records(matrices: Mapping[str, Sequence[Sequence[int]]], protocol: Protocol) -> Iterator[dict[str, Any]]:
    """Records of scope `method` (mIoU with its interval, mAcc, aAcc) and of scope `class` (IoU and accuracy).

    Args:
        matrices: Confusion matrix of each segmented pair, by id.
        protocol: The convention.
    """
    ordered = [np.asarray(matrices[pair], np.int64) for pair in sorted(matrices)]
    if not ordered:
        return
    found = scores(np.sum(ordered, axis=0), protocol)
    low, high = interval(ordered, protocol)
    for metric, value in (
        (MEAN_IOU, found.mean_iou),
        (LOW, low),
        (HIGH, high),
        ("mIoU with absent classes", found.mean_iou_all),
        ("mAcc", found.mean_accuracy),
        ("aAcc", found.pixel_accuracy),
        (PAIRS, float(len(ordered))),
    ):
        yield {"scope": "method", "class": "", "metric": metric, **_value(value, "too few pairs or no counted pixel")}
    for name, iou, accuracy in zip(protocol.counted, found.iou, found.accuracy, strict=True):
        for metric, value in (("IoU", iou), ("accuracy", accuracy)):
            missing = "the class is absent from the ground truth"
            yield {"scope": "class", "class": name, "metric": metric, **_value(float(value), missing)}


def _value(value: float, missing: str) -> dict[str, Any]:
    if math.isnan(value):
        return {"value": None, "status": "undefined", "reason": missing}
    return {"value": value, "status": "ok", "reason": ""}
