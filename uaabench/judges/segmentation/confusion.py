"""Confusion matrices of label maps, and the measures computed from their sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uaabench.core.arrays import ByteImage
from uaabench.core.columns import Measure
from uaabench.core.errors import DataError
from uaabench.judges.segmentation.protocols import Protocol

Matrix = NDArray[np.int64]
Rates = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """Measures of label maps, in 0..1; NaN where they are undefined.

    Attributes:
        iou: Intersection over union of each counted class; NaN for one that is absent from the ground truth.
        accuracy: Recall of each counted class, likewise.
        mean_iou: mIoU, over the classes of the ground truth.
        mean_iou_all: mIoU with an absent class that was predicted counted as 0, as mmsegmentation has it.
        mean_accuracy: mAcc, over the classes of the ground truth.
        pixel_accuracy: aAcc, the share of pixels that are right.
    """

    iou: Rates
    accuracy: Rates
    mean_iou: float
    mean_iou_all: float
    mean_accuracy: float
    pixel_accuracy: float


def confusion(predicted: ByteImage, label: ByteImage, protocol: Protocol) -> Matrix:
    """Count the pixels of each true class (rows) that were predicted as each class (columns).

    Args:
        predicted: (H,W) label values.
        label: (H,W) label values of the ground truth; those that the protocol leaves out are not counted.
        protocol: The convention.

    Returns:
        (C,C) over all classes of the protocol, class 0 included even where it does not count.

    Raises:
        DataError: The sizes differ, or a value is no class of the protocol.
    """
    if predicted.shape != label.shape:
        raise DataError(
            f"The prediction is {predicted.shape[1]}x{predicted.shape[0]} but the label map is "
            f"{label.shape[1]}x{label.shape[0]}; resize the prediction by nearest neighbour."
        )
    count = len(protocol.classes)
    counted = (label != protocol.ignore) & (label >= protocol.first)
    truth, guess = label[counted].astype(np.int64), predicted[counted].astype(np.int64)
    for what, values in (("label map", truth), ("prediction", guess)):
        if values.size and values.max() >= count:
            raise DataError(
                f"The {what} has the value {values.max()}, but {protocol.name} has classes 0 to {count - 1}; "
                "write class indices, and check whether they were shifted by one."
            )
    return np.bincount(truth * count + guess, minlength=count * count).reshape(count, count)


def scores(matrix: Matrix, protocol: Protocol) -> Scores:
    """Measures of the summed confusion matrix (C,C) of a data set."""
    rates = _rates(matrix[None], protocol.first)
    return Scores(
        iou=rates.iou[0],
        accuracy=rates.accuracy[0],
        mean_iou=float(_mean(rates.iou)[0]),
        mean_iou_all=float(_mean(rates.iou_all)[0]),
        mean_accuracy=float(_mean(rates.accuracy)[0]),
        pixel_accuracy=float(rates.pixel[0]),
    )


def _mean_iou(tallies: Sequence[Any], counts: NDArray[np.int64], setting: Mapping[str, Any]) -> NDArray[np.float64]:
    """MIoU of each draw: the matrices of the drawn pairs are summed before it is computed."""
    matrices = np.asarray(tallies, np.float64)
    # Counts are below 2^53, so the sums in floating point are exact.
    sums = counts @ matrices.reshape(len(matrices), -1)
    first = 0 if setting["counts_zero"] else 1
    return _mean(_rates(sums.reshape(len(counts), *matrices.shape[1:]), first).iou)


MEAN_IOU = Measure(
    name="mIoU",
    title="mean intersection over union of a segmenter's classes",
    higher_is_better=True,
    range=(0.0, 1.0),
    gameable_by_noise=False,
    version=1,
    reference="docs/protocols.md",
    formula="mean over classes of TP / (TP + FP + FN), summed over all pixels of the data set",
    of=_mean_iou,
)


@dataclass(frozen=True)
class _Rates:
    """Rates of many matrices: (N,C) each, `pixel` (N,)."""

    iou: Rates
    iou_all: Rates
    accuracy: Rates
    pixel: Rates


def _rates(matrices: NDArray[np.float64] | Matrix, first: int) -> _Rates:
    """Rates of the classes from `first` on."""
    counted = slice(first, None)
    right = np.diagonal(matrices, axis1=1, axis2=2)[:, counted].astype(np.float64)
    truth = matrices.sum(axis=2)[:, counted].astype(np.float64)
    guess = matrices.sum(axis=1)[:, counted].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        iou_all = right / (truth + guess - right)
        accuracy = right / truth
        pixel = right.sum(axis=1) / truth.sum(axis=1)
    return _Rates(np.where(truth > 0, iou_all, np.nan), iou_all, accuracy, pixel)


def _mean(rates: Rates) -> Rates:
    """Mean over the classes that have a rate; NaN where none has."""
    known = ~np.isnan(rates)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, rates, 0).sum(axis=1) / known.sum(axis=1))
