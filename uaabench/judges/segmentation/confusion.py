"""Confusion matrices of label maps, and the measures computed from their sum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uaabench.core.errors import DataError
from uaabench.core.interface import ByteImage
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
    rates = _rates(matrix[None], protocol)
    return Scores(
        iou=rates.iou[0],
        accuracy=rates.accuracy[0],
        mean_iou=float(_mean(rates.iou)[0]),
        mean_iou_all=float(_mean(rates.iou_all)[0]),
        mean_accuracy=float(_mean(rates.accuracy)[0]),
        pixel_accuracy=float(rates.pixel[0]),
    )


def interval(
    matrices: Sequence[Matrix], protocol: Protocol, *, confidence: float = 0.95, resamples: int = 2000
) -> tuple[float, float]:
    """Percentile bootstrap interval of mIoU over pairs: pairs are drawn, their matrices summed, mIoU is computed.

    Of several segmenters the mean mIoU counts, all on the pairs that were drawn: the interval says how far the mean
    over these segmenters may move with the pairs, and nothing of other seeds.

    Args:
        matrices: For each segmenter (N,C,C), the confusion matrix of each pair, in one order.
        protocol: The convention.
        confidence: Share of such intervals that hold the true value, about.
        resamples: Number of bootstrap samples.

    Returns:
        Lower and upper end; NaN for fewer than two pairs.
    """
    return _middle(_means_of_draws(matrices, protocol, resamples), confidence)


def mean_iou(matrices: Sequence[Matrix], protocol: Protocol) -> float:
    """Mean over segmenters of the mIoU of all pairs; for each segmenter (N,C,C)."""
    return float(np.mean([scores(of_segmenter.sum(axis=0), protocol).mean_iou for of_segmenter in matrices]))


def difference_interval(
    before: Sequence[Matrix], after: Sequence[Matrix], protocol: Protocol, *, confidence: float = 0.95
) -> tuple[float, float]:
    """Paired bootstrap interval of the difference of two mIoU, after minus before, on the same draws of pairs.

    Args:
        before: For each segmenter (N,C,C), the confusion matrix of each pair.
        after: Likewise, of the same pairs in the same order.
        protocol: The convention.
        confidence: As of `interval`.
    """
    return _middle(_means_of_draws(after, protocol) - _means_of_draws(before, protocol), confidence)


def _middle(values: Rates, confidence: float) -> tuple[float, float]:
    """The ends of the middle part of many values; NaN without any."""
    if not len(values):
        return math.nan, math.nan
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return float(low), float(high)


def _means_of_draws(matrices: Sequence[Matrix], protocol: Protocol, resamples: int = 2000) -> Rates:
    """Mean mIoU of the segmenters on each of so many draws of pairs; none for fewer than two pairs.

    As many pairs always get the same draws, which is what makes two methods paired.
    """
    n = len(matrices[0])
    if n < 2:
        return np.empty(0)
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=resamples)
    means = []
    for of_segmenter in matrices:
        # Counts are below 2^53, so the sums in floating point are exact.
        sums = drawn @ of_segmenter.reshape(n, -1).astype(np.float64)
        means.append(_mean(_rates(sums.reshape(resamples, *of_segmenter.shape[1:]), protocol).iou))
    return np.asarray(np.mean(means, axis=0))


@dataclass(frozen=True)
class _Rates:
    """Rates of many matrices: (N,C) each, `pixel` (N,)."""

    iou: Rates
    iou_all: Rates
    accuracy: Rates
    pixel: Rates


def _rates(matrices: NDArray[np.float64] | Matrix, protocol: Protocol) -> _Rates:
    kept = slice(protocol.first, None)
    right = np.diagonal(matrices, axis1=1, axis2=2)[:, kept].astype(np.float64)
    truth = matrices.sum(axis=2)[:, kept].astype(np.float64)
    guess = matrices.sum(axis=1)[:, kept].astype(np.float64)
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
