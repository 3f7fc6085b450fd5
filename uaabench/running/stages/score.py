"""The score stage: the metrics of one profile on the artefacts of all methods of a data set.

The methods are scored together, pair by pair: what a metric computes of the sources is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from uaabench.core import imaging, registry
from uaabench.core.interface import FusionDataset, Metric, Pair
from uaabench.core.streams import ordered_map
from uaabench.metrics.profiles import Plane, Profile, Value, prepare_on
from uaabench.running import store
from uaabench.running.plan import Unit
from uaabench.running.stages.fuse import Runtime, explain
from uaabench.running.store import Failure

# A pair, the unit of the method that fused it, its values, and why some or all of them are missing by failure.
Scored = tuple[Pair, Unit, list[Value], str]


@dataclass(frozen=True)
class Share:
    """A share of the pairs of one data set, with the score units of all methods: what one worker does at a time.

    Attributes:
        units: Score units of one data set that are not done.
        pairs: The pairs of this share.
        number: Number of the share, which names its records file: no two workers write one file.
    """

    units: tuple[Unit, ...]
    pairs: tuple[Pair, ...]
    number: int


def divide(units: Sequence[Unit], shares: int) -> list[Share]:
    """Divide the score units of a run by data set, and the pairs of each data set into equal shares."""
    by_dataset: dict[str, list[Unit]] = {}
    for unit in units:
        by_dataset.setdefault(unit.dataset.label, []).append(unit)
    return [
        Share(tuple(group), group[0].dataset.pairs[number::shares], number)
        for group in by_dataset.values()
        for number in range(shares)
    ]


def score_share(
    share: Share, profile: Profile, metrics: Sequence[Metric], runtime: Runtime, on_pair: Callable[[], None]
) -> list[Failure]:
    """Score the artefacts of a share that were not scored yet.

    Pairs without an artefact are left out here: their failure belongs to the fuse stage. The units' folders are made
    by the caller, as several workers have a share of the same units.

    Args:
        share: What to score.
        profile: The convention.
        metrics: What to compute.
        runtime: Where and how.
        on_pair: Called after every pair of every method, also after one that is left out or was scored earlier.

    Returns:
        The pairs that could not be scored by every metric, with reasons.
    """
    records = {unit.folder: runtime.run / unit.folder / f"records-{share.number}.jsonl" for unit in share.units}
    for file in records.values():
        store.mend(file)
    pending = _pending(share, runtime)
    for _ in range(len(share.pairs) * len(share.units) - sum(len(units) for _, units in pending)):
        on_pair()
    if not pending:
        return []
    adapter = share.units[0].dataset
    dataset = registry.dataset_class(adapter.adapter)(adapter.root)
    task = partial(_score_pair, dataset, profile, metrics, runtime)
    failures: list[Failure] = []
    for pair, unit, values, reason in chain.from_iterable(ordered_map(task, pending, threads=runtime.threads)):
        on_pair()
        if values:
            store.append_scores(records[unit.folder], pair.id, values)
        if reason:
            failures.append(Failure("score", unit.method.label, unit.dataset.label, pair.id, reason))
            if runtime.fail_fast:
                break
    return failures


def finish(unit: Unit, runtime: Runtime, failures: Sequence[Failure]) -> None:
    """Keep the failures of a unit whose shares were worked on, or mark it as done where every pair is scored."""
    scored = store.scored_pairs(runtime.run, unit)
    if failures or all(pair.id in scored for pair in unit.dataset.pairs):
        store.finish(runtime.run, unit, failures)


def _pending(share: Share, runtime: Runtime) -> list[tuple[Pair, list[Unit]]]:
    """The pairs with the units whose artefact is there and not scored."""
    scored = {unit.folder: store.scored_pairs(runtime.run, unit) for unit in share.units}

    def waits(unit: Unit, pair: Pair) -> bool:
        return pair.id not in scored[unit.folder] and store.artefact(runtime.run, unit, pair.id).is_file()

    work = [(pair, [unit for unit in share.units if waits(unit, pair)]) for pair in share.pairs]
    return [(pair, units) for pair, units in work if units]


def _score_pair(
    dataset: FusionDataset, profile: Profile, metrics: Sequence[Metric], runtime: Runtime, work: tuple[Pair, list[Unit]]
) -> list[Scored]:
    """Score the fused images of one pair; one that cannot be read does not stop the others."""
    pair, units = work
    try:
        scene = prepare_on(runtime.device, profile, dataset.read(pair))
    except Exception as error:
        return [(pair, unit, [], explain(error)) for unit in units]
    whole: list[tuple[Unit, list[Plane]]] = []
    scored: list[Scored] = []
    for unit in units:
        try:
            whole.append((unit, scene.read(imaging.read_rgb(store.artefact(runtime.run, unit, pair.id)))))
        except Exception as error:
            scored.append((pair, unit, [], explain(error)))
    for (unit, _), values in zip(whole, scene.score_all([planes for _, planes in whole], metrics), strict=True):
        broken = [f"{value.metric}: {value.reason}" for value in values if value.status == "failed"]
        scored.append((pair, unit, values, "; ".join(broken)))
    return scored
