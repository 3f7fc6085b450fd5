"""The records of a segmented method: what its confusion matrices come to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from uaabench.judges.segmentation.confusion import Scores, interval, scores
from uaabench.judges.segmentation.protocols import Protocol

MEAN_IOU, LOW, HIGH, PAIRS = "mIoU", "mIoU low", "mIoU high", "segmented pairs"
SPREAD = "mIoU standard deviation over seeds"
MatrixByPair = Mapping[str, Sequence[Sequence[int]]]


def records(matrices: Mapping[int | None, MatrixByPair], protocol: Protocol) -> Iterator[dict[str, Any]]:
    """Records of scope `method` (mIoU with its interval, mAcc, aAcc) and of scope `class` (IoU and accuracy).

    With several seeds each value is the mean over them, on the pairs that all of them have; mIoU has then one more
    record for each seed, and its standard deviation.

    Args:
        matrices: For each seed of the segmenter the confusion matrix of each segmented pair, by id; one entry, for a
            segmenter that judges alone, may have the seed None.
        protocol: The convention.
    """
    pairs = sorted(set.intersection(*(set(of_seed) for of_seed in matrices.values())))
    if not pairs:
        return
    ordered = [np.asarray([of_seed[pair] for pair in pairs], np.int64) for of_seed in matrices.values()]
    found = [scores(of_seed.sum(axis=0), protocol) for of_seed in ordered]
    low, high = interval(ordered, protocol)
    for metric, value in (
        (MEAN_IOU, _mean(found, "mean_iou")),
        (LOW, low),
        (HIGH, high),
        ("mIoU with absent classes", _mean(found, "mean_iou_all")),
        ("mAcc", _mean(found, "mean_accuracy")),
        ("aAcc", _mean(found, "pixel_accuracy")),
        (PAIRS, float(len(pairs))),
        *_over_seeds({seed: one.mean_iou for seed, one in zip(matrices, found, strict=True)}),
    ):
        yield {"scope": "method", "class": "", "metric": metric, **_value(value, "too few pairs or no counted pixel")}
    rates = np.mean([[one.iou, one.accuracy] for one in found], axis=0)
    for name, iou, accuracy in zip(protocol.counted, *rates, strict=True):
        for metric, value in (("IoU", iou), ("accuracy", accuracy)):
            missing = "the class is absent from the ground truth"
            yield {"scope": "class", "class": name, "metric": metric, **_value(float(value), missing)}


def _over_seeds(by_seed: Mapping[int | None, float]) -> Iterator[tuple[str, float]]:
    """MIoU of each of several seeds, and its standard deviation, with n - 1 below."""
    if len(by_seed) > 1:
        yield SPREAD, float(np.std(list(by_seed.values()), ddof=1))
        yield from ((f"{MEAN_IOU} of seed {seed}", value) for seed, value in by_seed.items())


def _mean(found: Sequence[Scores], measure: str) -> float:
    return float(np.mean([getattr(one, measure) for one in found]))


def _value(value: float, missing: str) -> dict[str, Any]:
    if math.isnan(value):
        return {"value": None, "status": "undefined", "reason": missing}
    return {"value": value, "status": "ok", "reason": ""}
