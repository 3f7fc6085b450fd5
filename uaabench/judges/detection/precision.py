"""Average precision and recall as COCO defines them, over any draw of pairs.

A detection counts as often as its pair was drawn, so that the detections of all draws are sorted only once. Precision
as a function of recall is highest at right detections, so that no other place needs to be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uaabench.core.arrays import Counts, Values
from uaabench.core.columns import Measure
from uaabench.judges.detection.matching import THRESHOLDS

# Recalls at which precision is read, as COCO has them.
RECALLS = np.linspace(0.0, 1.0, 101)
EVERY = tuple(range(len(THRESHOLDS)))
REFERENCE = "Lin et al., Microsoft COCO: Common objects in context, ECCV 2014"

Rates = NDArray[np.float64]
# Right detections of draws that are looked at together: as many as fit the cache of a processor.
BLOCK = 100_000


def rates(
    tallies: Sequence[Any], counts: Counts, label: int, area: int = 0, thresholds: Sequence[int] = EVERY
) -> tuple[Rates, Rates]:
    """Average precision and recall of one class.

    Args:
        tallies: What `matching.tally` found in N pairs.
        counts: (R,N) how often each pair occurs in each of R draws.
        label: The class.
        area: Number of the range of sizes.
        thresholds: Numbers of the IoU thresholds.

    Returns:
        Both (R,T); NaN for a draw without an object that counts.
    """
    entries = [tally[label][area] for tally in tallies]
    weights = np.asarray(counts, np.float64)
    objects = weights @ np.array([entry["objects"] for entry in entries], np.float64)
    place = np.repeat(np.arange(len(entries)), [len(entry["scores"]) for entry in entries])
    scores, right, ignored = (_joined(entries, name) for name in ("scores", "right", "ignored"))
    # Stable, so that of equal scores the earlier pair comes first.
    order = np.argsort(-scores, kind="stable")
    place, matched, left_out = place[order], right.astype(np.int64)[order], ignored.astype(np.int64)[order]
    precision, recall = np.full((2, len(weights), len(thresholds)), np.nan)
    for column, bit in enumerate(thresholds):
        is_right = (matched >> bit & 1).astype(bool)
        counted = is_right | ~(left_out >> bit & 1).astype(bool)
        found = _of_threshold(place[counted], is_right[counted], weights, objects)
        precision[:, column], recall[:, column] = found
    return precision, recall


def _joined(entries: Sequence[Mapping[str, Any]], name: str) -> NDArray[np.float64]:
    return np.array([value for entry in entries for value in entry[name]], np.float64)


def _of_threshold(
    place: NDArray[np.int64], is_right: NDArray[np.bool_], weights: Rates, objects: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Precision, the mean over 101 recalls, and the highest recall, (R,) each; NaN without an object."""
    known = objects > 0
    precision, recall = np.full((2, len(weights)), np.nan)
    right_at = np.flatnonzero(is_right)
    precision[known] = recall[known] = 0.0
    if not len(right_at):
        return precision, recall
    # How many detections of each pair come no later than each right one: the product with the counts is exact.
    before = np.searchsorted(right_at, np.arange(right_at[-1] + 1))
    so_far = np.zeros((weights.shape[1], len(right_at)))
    np.add.at(so_far, (place[: len(before)], before), 1)
    so_far = np.cumsum(so_far, axis=1)
    rows = np.flatnonzero(known)
    for some in np.array_split(rows, -(-len(rows) * len(right_at) // BLOCK) or 1):
        all_found = weights[some] @ so_far
        true_found = np.cumsum(weights[some][:, place[right_at]], axis=1)
        values = np.divide(true_found, all_found, out=np.zeros_like(true_found), where=all_found > 0)
        # The highest precision at this recall or any larger one.
        values = np.maximum.accumulate(values[:, ::-1], axis=1)[:, ::-1]
        reached = true_found / objects[some, None]
        precision[some], recall[some] = _at_recalls(values, reached), reached[:, -1]
    return precision, recall


def _at_recalls(values: Rates, reached: Rates) -> NDArray[np.float64]:
    """Mean over 101 recalls of the values where each is reached first, (B,D) both to (B,); 0 where none is."""
    # At each right detection how many of the recalls are reached, hence for each recall at how many it is not yet.
    number, far = len(RECALLS), np.searchsorted(RECALLS, reached, side="right")
    rows = np.arange(len(reached))[:, None]
    reaching = np.bincount((far + rows * (number + 1)).ravel(), minlength=far.shape[0] * (number + 1))
    at = np.cumsum(reaching.reshape(len(reached), number + 1)[:, :number], axis=1)
    found = np.zeros(len(reached))
    # Together those with as many values: a sum is the same, to the last bit, only over as many terms.
    for count in np.unique(far[:, -1]):
        some = np.flatnonzero(far[:, -1] == count)
        found[some] = np.take_along_axis(values[some], at[some, :count], axis=1).sum(axis=1) / number
    return found


def _mean(values: Sequence[Rates]) -> Values:
    """Mean over classes and thresholds, of (R,T) each; classes without an object in a draw are left out of it."""
    stacked = np.stack(values)
    known = ~np.isnan(stacked)
    total, number = np.where(known, stacked, 0).sum(axis=(0, 2)), known.sum(axis=(0, 2))
    return np.asarray(np.divide(total, number, out=np.full(len(total), np.nan), where=number > 0))


def average_precision(
    tallies: Sequence[Any],
    counts: Counts,
    setting: Mapping[str, Any],
    *,
    thresholds: Sequence[int] = EVERY,
    area: int = 0,
) -> Values:
    """Mean average precision over the classes of the setting and some thresholds, (R,) in [0,1]."""
    return _mean([rates(tallies, counts, label, area, thresholds)[0] for label in range(len(setting["classes"]))])


def average_recall(tallies: Sequence[Any], counts: Counts, setting: Mapping[str, Any], *, area: int = 0) -> Values:
    """Mean over classes and thresholds of the recall of at most 100 detections in an image, (R,) in [0,1]."""
    return _mean([rates(tallies, counts, label, area)[1] for label in range(len(setting["classes"]))])


def _measure(name: str, title: str, of: Any, formula: str) -> Measure:
    return Measure(
        name=name,
        title=title,
        higher_is_better=True,
        range=(0.0, 1.0),
        gameable_by_noise=False,
        version=1,
        reference=REFERENCE,
        formula=formula,
        note="Classes without an object are left out of the mean.",
        of=of,
    )


AP50 = _measure(
    "AP50",
    "average precision at IoU 0.5",
    partial(average_precision, thresholds=(0,)),
    "mean over classes of the precision at 101 recalls, detections of IoU 0.5 being right",
)
AP = _measure(
    "AP",
    "average precision",
    average_precision,
    "mean over classes and IoU 0.50 to 0.95 by 0.05 of the precision at 101 recalls",
)
