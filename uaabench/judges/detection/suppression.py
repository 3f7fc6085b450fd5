"""From confidences of all classes to detections: thresholds, suppression per class, the most confident ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from uaabench.core.boxes import Corners, Detections


def clip(corners: Corners, height: int, width: int) -> Corners:
    """(N,4) corners as far as they lie in an image."""
    return np.clip(corners, 0, np.array([width, height, width, height], np.float64))


def suppress(
    corners: Corners, scores: npt.NDArray[np.float64], *, score: float, iou: float | None, most: int
) -> Detections:
    """Turn boxes with a confidence for each class into detections.

    Args:
        corners: (N,4) left, top, right, bottom; those without an area are left out.
        scores: (N,C) confidences.
        score: A detection is above it.
        iou: Of two boxes of one class that overlap more, the less confident goes; None suppresses nothing.
        most: Most detections, the most confident.
    """
    import torch
    from torchvision.ops import batched_nms

    there = (corners[:, 2] > corners[:, 0]) & (corners[:, 3] > corners[:, 1])
    rows, labels = np.nonzero((scores > score) & there[:, None])
    boxes, confidences = corners[rows], scores[rows, labels]
    if iou is None:
        kept = np.argsort(-confidences, kind="stable")
    else:
        # Equal confidences in the order of the boxes, as the order within the operator is not promised.
        order = np.argsort(-confidences, kind="stable")
        tensors = (torch.from_numpy(array[order]) for array in (boxes, confidences, labels))
        kept = order[batched_nms(*tensors, iou).numpy()]
    kept = kept[:most]
    return Detections(boxes[kept], labels[kept].astype(np.int64), confidences[kept])
