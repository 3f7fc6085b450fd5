"""Scoring fused images without a run, by the code and into the records of the score stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from uaabench.core.columns import Metric
from uaabench.core.errors import faults, sentence
from uaabench.core.streams import ordered_map
from uaabench.metrics.profiles import Profile
from uaabench.running.stage import Row
from uaabench.running.stages.score import pair_records, scored
from uaabench.running.tables import RECORD_COLUMNS
from uaabench.running.triples import Triple

if TYPE_CHECKING:
    import pandas as pd

# What the records of an evaluation call its only method and data set.
METHOD, DATASET = "fused", "images"


def score(
    triples: Sequence[Triple],
    metrics: Sequence[Metric],
    profile: Profile,
    *,
    threads: int = 1,
    on_pair: Callable[[], object] = lambda: None,
) -> pd.DataFrame:
    """Score fused images; a pair that lacks an image, or has one that cannot be read, does not stop the others.

    Args:
        triples: Fused images with their sources.
        metrics: What to compute, from `profile.select`.
        profile: The convention of the numbers.
        threads: Pairs that are worked on at a time.
        on_pair: Called after each pair.

    Returns:
        Records as those of a run: one row for each pair and metric, or one for a pair that failed.
    """
    import pandas as pd

    rows: list[Row] = []
    common = {"run": "", "track": "", "method": METHOD, "dataset": DATASET, "split": ""}
    for found in ordered_map(partial(_score, metrics, profile), triples, threads=threads):
        rows += [{**common, **row} for row in found]
        on_pair()
    return pd.DataFrame(rows, columns=list(RECORD_COLUMNS))


def _score(metrics: Sequence[Metric], profile: Profile, triple: Triple) -> list[Row]:
    try:
        sources, fused = triple.read()
        values = profile.score(fused, sources, metrics)
    except faults() as error:
        return list(pair_records(triple.id, profile.name, {}, sentence(error)))
    return list(pair_records(triple.id, profile.name, scored(values)))
