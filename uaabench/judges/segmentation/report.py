"""What a segmenter found in the images of a run, as records and as the tables and sentences of a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from uaabench.core.grid import Grid, GridCell, GridRow, number
from uaabench.judges.segmentation.confusion import MEAN_IOU, Scores, scores
from uaabench.judges.segmentation.protocols import Protocol
from uaabench.running.stage import Row, View, record
from uaabench.statistics.resampling import Tallies

SPREAD = "mIoU standard deviation over seeds"
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
        yield record("method", SPREAD, float(np.std(values, ddof=1)), tallies.judge, UNDEFINED)
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
    classes = view.records[(view.records["scope"] == "class") & (view.records["metric"] == "IoU")]
    if classes.empty:
        return None
    names = list(dict.fromkeys(classes["class"]))
    iou = _by_method(classes, "class")
    overall = _by_method(view.records[view.records["scope"] == "method"], "metric")
    rows = []
    for label, title in view.titles.items():
        if label in overall:
            values = [
                *(iou.get(label, {}).get(name) for name in names),
                *(overall[label].get(m) for m in ("mAcc", "aAcc")),
            ]
            rows.append(GridRow(title, label in view.floor, [GridCell(number(value)) for value in values]))
    return Grid(
        name=f"classes-{view.name}",
        title=f"IoU of each class: {view.heading}",
        columns=[*names, "mAcc", "aAcc"],
        arrows=[True] * (len(names) + 2),
        rows=rows,
        sentences=[
            f"Protocol and segmenter: {judged(view)}. All pixels of the data set are counted together; a class "
            "that the label maps do not show is left out of the mean."
        ],
    )


def judged(view: View) -> str:
    """By what mIoU was judged on a data set and, over several seeds, how far it moves with the seed; may be empty."""
    records = view.records[(view.records["scope"] == "method") & (view.records["metric"] == MEAN_IOU.name)]
    if records.empty:
        return ""
    known = _by_method(view.records[view.records["metric"] == SPREAD], "metric")
    spread = [f"{title} {number(known[label][SPREAD])}" for label, title in view.titles.items() if label in known]
    seeds = f" (standard deviation over seeds: {', '.join(spread)})" if spread else ""
    return str(records["profile"].iloc[0]) + seeds


def _by_method(records: Any, name: str) -> Mapping[str, Mapping[str, float]]:
    """Values by method and by what the column `name` says."""
    table: dict[str, dict[str, float]] = {}
    for method, what, value in records[["method", name, "value"]].dropna().itertuples(index=False):
        table.setdefault(method, {})[what] = float(value)
    return table
