"""What a segmenter found in the images of a run, as records and as the tables and sentences of a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from uaabench.core.grid import Grid
from uaabench.judges import shown
from uaabench.judges.segmentation.confusion import MEAN_IOU, Scores, scores
from uaabench.judges.segmentation.protocols import Protocol
from uaabench.running.stage import Row, View, record
from uaabench.statistics.resampling import Tallies

OVERALL = {"mIoU with absent classes": "mean_iou_all", "mAcc": "mean_accuracy", "aAcc": "pixel_accuracy"}
UNDEFINED = "too few pairs or no counted pixel"


def details(tallies: Tallies, protocol: Protocol) -> Iterator[Row]:
    """Records of scope `method` (mAcc, aAcc; the value of each seed) and of scope `class` (IoU and accuracy).

    With several seeds each value is the mean over them, on the pairs that all of them have; mIoU has then one more
    record for each seed, and its standard deviation.
    """
    if not tallies.pairs:
        return
    by_judge = [scores(np.sum(np.asarray(one, np.int64), axis=0), protocol) for one in tallies.by_judge]
    for name, measure in OVERALL.items():
        yield record("method", name, _mean(by_judge, measure), tallies.judge, UNDEFINED)
    seeds = tallies.setting["seeds"]
    if len(seeds) > 1:
        values = [one.mean_iou for one in by_judge]
        yield record("method", shown.spread(MEAN_IOU), float(np.std(values, ddof=1)), tallies.judge, UNDEFINED)
        for seed, value in zip(seeds, values, strict=True):
            yield record("method", f"{MEAN_IOU.name} of seed {seed}", value, tallies.judge, UNDEFINED)
    rates = np.mean([[one.iou, one.accuracy] for one in by_judge], axis=0)
    for name, iou, accuracy in zip(protocol.counted, *rates, strict=True):
        for metric, value in (("IoU", iou), ("accuracy", accuracy)):
            yield record(
                "class", metric, float(value), tallies.judge, "the class is absent from the ground truth", name
            )


def _mean(by_judge: Sequence[Scores], measure: str) -> float:
    return float(np.mean([getattr(one, measure) for one in by_judge]))


def class_grid(view: View) -> Grid | None:
    """IoU of each class, and what it comes to; None where nothing was segmented."""
    return shown.class_grid(
        view,
        MEAN_IOU,
        name="classes",
        metric="IoU",
        further=("mAcc", "aAcc"),
        sentence=f"Protocol and segmenter: {shown.judged(view, MEAN_IOU)}. All pixels of the data set are counted "
        "together; a class that the label maps do not show is left out of the mean.",
    )
