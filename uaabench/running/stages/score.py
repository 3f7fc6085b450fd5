"""The score stage: the metrics of one profile on the artefacts of all methods of a data set.

The methods are scored together, pair by pair: what a metric computes of the sources is computed once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import Any, ClassVar

from uaabench.core import imaging, registry
from uaabench.core.columns import Metric
from uaabench.core.errors import attempt, sentence
from uaabench.core.interface import Sources
from uaabench.core.streams import ordered_map
from uaabench.metrics.profiles import Plane, Profile, Value, prepare_on, profile
from uaabench.running import store
from uaabench.running.stage import Planning, Row, Stage, unit_of
from uaabench.running.units import Outcome, Runtime, Share, Unit, Waiting


@dataclass(frozen=True)
class Scoring:
    """What a score unit computes, by name: the functions of a metric need not be picklable.

    Attributes:
        profile: Name of the profile.
        metrics: Names of its metrics.
        against: `clean` or `degraded` sources, where these differ.
    """

    profile: str
    metrics: tuple[str, ...]
    against: str = "clean"


class Score(Stage):
    """Scores the artefacts; the value it keeps of each pair has those of the metrics and the hash of the artefact."""

    name: ClassVar[str] = "score"
    doing: ClassVar[str] = "Scoring"

    def units(self, planning: Planning) -> Sequence[Unit]:
        """One unit for each fuse unit."""
        extra = {metric.name: registry.source_of("metric", metric.name) for metric in planning.metrics}
        description = {"profile": planning.profile.key(planning.metrics), "sources": extra}
        names = tuple(metric.name for metric in planning.metrics)
        units = []
        for fused in planning.fuse:
            # A choice that makes no difference to a clean data set must not make its scores those of another unit.
            against = planning.config.score_against if fused.dataset.degradation else "clean"
            described = {**description, "against": against} if fused.dataset.degradation else description
            units.append(unit_of(self, fused, described, Scoring(planning.profile.name, names, against)))
        return units

    def groups(self, units: Sequence[Unit]) -> list[tuple[Unit, ...]]:
        """All methods of a data set together."""
        return [tuple(group) for _, group in groupby(units, key=lambda unit: unit.dataset.place)]

    def holds(self, run: Path, unit: Unit) -> store.Holds:
        """Values stand as long as the artefact is the one they were computed of."""
        known = store.artefact_hashes(run, unit)
        return lambda pair, value: value["artefact"] == known.get(pair)

    def work(self, share: Share, runtime: Runtime) -> Iterator[Outcome]:
        """Score the pairs in threads, while another reads ahead; one that cannot be read does not stop the others."""
        task: Scoring = share.units[0].task
        convention = profile(task.profile)
        hashes = {unit.folder: store.artefact_hashes(runtime.run, unit) for unit in share.units}
        dataset = share.units[0].dataset.open()
        read = dataset.read if task.against == "degraded" else dataset.read_clean
        score = partial(_score_pair, convention, convention.look_up(task.metrics), runtime, hashes)
        sources = ordered_map(lambda work: (work, attempt(read, work[0])), share.waiting, threads=1)
        yield from chain.from_iterable(ordered_map(score, sources, threads=runtime.threads))

    def records(self, run: Path, units: Sequence[Unit]) -> Iterator[Row]:
        """One record for each pair and metric; for a pair without values one that is failed, with an empty metric."""
        (unit,) = units
        scores = store.results(run, unit)
        unfused = {pair: result.reason for pair, result in store.results(run, unit.fused or unit).items()}
        for pair in unit.dataset.pairs:
            result = scores.get(pair.id)
            values = result.value["values"] if result and result.value else {}
            reason = (result.reason if result else "") or unfused.get(pair.id, "") or "not computed"
            yield from pair_records(pair.id, unit.task.profile, values, reason)


# By the name of a metric its value, status and reason, as JSON has them: None for a value that is not there.
Scored = Mapping[str, Sequence[Any]]


def pair_records(pair: str, convention: str, values: Scored, reason: str = "") -> Iterator[Row]:
    """The records of one pair: one for each metric, or for a pair without values a failed one with an empty metric.

    Args:
        pair: Its id.
        convention: Name of the profile.
        values: What `scored` gave.
        reason: Why there are no values.
    """
    common = {"scope": "pair", "class": "", "profile": convention, "pair": pair}
    if not values:
        yield {**common, "metric": "", "value": None, "status": "failed", "reason": reason}
    for metric, (value, status, why) in values.items():
        yield {**common, "metric": metric, "value": value, "status": status, "reason": why}


def scored(values: Sequence[Value]) -> dict[str, Any]:
    """Value, status and reason by metric; JSON has no NaN, so that an undefined value is kept as null."""
    return {
        value.metric: [None if math.isnan(value.value) else value.value, value.status, value.reason] for value in values
    }


def _score_pair(
    convention: Profile,
    metrics: Sequence[Metric],
    runtime: Runtime,
    hashes: Mapping[Path, Mapping[str, str]],
    given: tuple[Waiting, Sources | BaseException],
) -> list[Outcome]:
    """Score the fused images of one pair; one that cannot be read does not stop the others."""
    (pair, units), sources = given
    scene = sources if isinstance(sources, BaseException) else attempt(prepare_on, runtime.device, convention, sources)
    if isinstance(scene, BaseException):
        return [Outcome(unit, pair, reason=sentence(scene)) for unit in units]

    def read(unit: Unit) -> list[Plane]:
        artefact = store.verified_artefact(runtime.run, unit, pair.id, hashes[unit.folder][pair.id])
        return scene.read(imaging.read_rgb(artefact))

    whole: list[Unit] = []
    outcomes: list[Outcome] = []

    def images() -> Iterator[list[Plane]]:
        # One after the other, as the images of many methods may be more than fits into memory.
        for unit, planes in ordered_map(lambda unit: (unit, attempt(read, unit)), units, threads=1):
            if isinstance(planes, BaseException):
                outcomes.append(Outcome(unit, pair, reason=sentence(planes)))
                continue
            whole.append(unit)
            yield planes

    for values, unit in zip(scene.score_all(images(), metrics), whole, strict=True):
        broken = [f"{value.metric}: {value.reason}" for value in values if value.status == "failed"]
        kept = {"artefact": hashes[unit.folder][pair.id], "values": scored(values)}
        outcomes.append(Outcome(unit, pair, kept, "; ".join(broken)))
    return outcomes
