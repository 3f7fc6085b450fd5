"""What a detector found in the images of a run, as records and as the tables and sentences of a report."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from uaabench.core.grid import Grid
from uaabench.judges import shown
from uaabench.judges.detection.precision import AP, AP50, average_precision, average_recall, rates
from uaabench.running.stage import Row, View, record
from uaabench.statistics.resampling import Tallies

# Number of the threshold 0.75 among those of AP.
AT_75 = 5
OVERALL = {"AP75": partial(average_precision, thresholds=(AT_75,)), "AR": average_recall}
UNDEFINED = "too few pairs, or no object that counts"
ABSENT = "the boxes show no object of this class"


def details(tallies: Tallies) -> Iterator[Row]:
    """Records of scope `method` (AP75, AR, AP by size, the AP50 of each seed) and of scope `class` (AP50 and AP).

    With several seeds each value is the mean over them, on the pairs that all of them have.
    """
    if not tallies.pairs:
        return
    once = np.ones((1, len(tallies.pairs)), np.int64)
    setting, judge = tallies.setting, tallies.judge

    def mean(of: Any, **options: Any) -> float:
        return float(np.mean([of(one, once, setting, **options)[0] for one in tallies.by_judge]))

    for name, of in OVERALL.items():
        yield record("method", name, mean(of), judge, UNDEFINED)
    for place, area in list(enumerate(setting["areas"]))[1:]:
        for name, of in (("AP", average_precision), ("AR", average_recall)):
            yield record("method", f"{name} {area['name']}", mean(of, area=place), judge, UNDEFINED)
    if len(setting["seeds"]) > 1:
        values = [float(AP50.of(one, once, setting)[0]) for one in tallies.by_judge]
        yield record("method", shown.spread(AP50), float(np.std(values, ddof=1)), judge, UNDEFINED)
        for seed, value in zip(setting["seeds"], values, strict=True):
            yield record("method", f"{AP50.name} of seed {seed}", value, judge, UNDEFINED)
    for label, name in enumerate(setting["classes"]):
        found = np.mean([rates(one, once, label)[0][0] for one in tallies.by_judge], axis=0)
        yield record("class", AP50.name, float(found[0]), judge, ABSENT, name)
        yield record("class", AP.name, float(found.mean()), judge, ABSENT, name)
    for name in setting["left_out"]:
        yield record("class", AP50.name, np.nan, judge, "the detector does not know this class", name)


def class_grid(view: View) -> Grid | None:
    """AP50 of each class, and what it comes to; None where nothing was detected."""
    return shown.class_grid(
        view,
        AP50,
        name="detections",
        metric=AP50.name,
        further=("AP75", "AR"),
        sentence=f"Protocol and detector: {judged(view)}. AP as COCO defines it (101 recalls, at most 100 detections "
        "of a class in an image), over all pairs together; AR is the mean over IoU 0.50 to 0.95.",
    )


def judged(view: View) -> str:
    """By what AP was judged on a data set, and what was left out; empty where it was not."""
    said = shown.judged(view, AP50)
    lacking = view.records[(view.records["scope"] == "class") & view.records["reason"].str.startswith("the detector")]
    left_out = list(dict.fromkeys(lacking["class"]))
    return said + (f"; {', '.join(left_out)} left out, which this detector does not know" if said and left_out else "")
