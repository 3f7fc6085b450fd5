"""The score stage: the metrics of one profile on the artefacts of one method and data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from uaabench import imaging, registry, store
from uaabench.interface import FusionDataset, Metric, Pair
from uaabench.metrics.profiles import Profile, Value
from uaabench.plan import Unit
from uaabench.stages.fuse import Runtime, explain
from uaabench.store import Failure
from uaabench.streams import ordered_map


def score_unit(
    unit: Unit, profile: Profile, metrics: Sequence[Metric], runtime: Runtime, on_pair: Callable[[], None]
) -> list[Failure]:
    """Score the artefacts of a unit that were not scored yet.

    Pairs without an artefact are left out here: their failure belongs to the fuse stage.

    Returns:
        The pairs that could not be scored by every metric, with reasons.
    """
    records = store.begin(runtime.run, unit) / "records.jsonl"
    scored = store.scored_pairs(records)
    fused = [pair for pair in unit.dataset.pairs if store.artefact(runtime.run, unit, pair.id).is_file()]
    pending = [pair for pair in fused if pair.id not in scored]
    for _ in range(len(unit.dataset.pairs) - len(pending)):
        on_pair()
    dataset = registry.dataset_class(unit.dataset.adapter)(unit.dataset.root)
    task = partial(_score_pair, unit, dataset, profile, metrics, runtime)
    failures: list[Failure] = []
    for pair, values, reason in ordered_map(task, pending, threads=runtime.threads):
        on_pair()
        if values:
            store.append_scores(records, pair.id, values)
        if reason:
            failures.append(Failure("score", unit.method.label, unit.dataset.label, pair.id, reason))
            if runtime.fail_fast:
                break
    if failures or len(fused) == len(unit.dataset.pairs):
        store.finish(runtime.run, unit, failures)
    return failures


def _score_pair(
    unit: Unit, dataset: FusionDataset, profile: Profile, metrics: Sequence[Metric], runtime: Runtime, pair: Pair
) -> tuple[Pair, list[Value], str]:
    """Score one pair: its values, and the reason why some or all of them are missing by failure."""
    try:
        fused = imaging.read_rgb(store.artefact(runtime.run, unit, pair.id))
        values = profile.score(fused, dataset.read(pair), metrics)
    except Exception as error:
        return pair, [], explain(error)
    broken = [f"{value.metric}: {value.reason}" for value in values if value.status == "failed"]
    return pair, values, "; ".join(broken)
