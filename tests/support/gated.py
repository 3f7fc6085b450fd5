"""Runs for the gate: one of reference, and others that differ from it by a known amount."""

import numpy as np

from runs import write_run, write_tallies
from uaabench.judges.segmentation.stage import Segment
from uaabench.reporting import gate
from uaabench.running.evidence import load

GENERATOR = np.random.default_rng(0)
BASE = GENERATOR.uniform(0.4, 0.6, 20)
VALUES = {"uaa": {"Qabf": BASE.tolist(), "EN": (BASE * 10).tolist()}, "average": {"Qabf": [0.3] * 20, "EN": [5.0] * 20}}
GOOD, BAD = [[90, 10], [10, 90]], [[80, 20], [20, 80]]


def shifted(by: float, scatter: float = 0.0, method: str = "uaa", metric: str = "Qabf") -> dict:
    noise = np.random.default_rng(1).normal(0, scatter, 20)
    column = (np.array(VALUES[method][metric]) + by + noise - noise.mean()).tolist()
    return {**VALUES, method: {**VALUES[method], metric: column}}


def segmented(folder, matrices, judge="frozen two-2, net"):
    """A run of VALUES whose images were segmented: one matrix of two classes for each pair."""
    write_run(folder, VALUES)
    write_tallies(folder, "uaa", Segment, judge, {"counts_zero": True}, matrices)
    return load(folder)


def mean_iou_change(run, reference):
    (change,) = (change for change in gate.changes(run, reference) if change.metric == "mIoU")
    return change
