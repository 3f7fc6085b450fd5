"""The flicker stage: every fused frame beside the one before it, on data sets that are videos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import Any, ClassVar

from uaabench.core import imaging
from uaabench.core.arrays import FloatImage
from uaabench.core.columns import Measure
from uaabench.core.errors import DataError, faults, sentence
from uaabench.core.interface import Pair
from uaabench.core.streams import ordered_map
from uaabench.judges.temporal.flicker import FLICKER, NOTHING, tally
from uaabench.judges.temporal.motion import Motion, motion
from uaabench.running import store
from uaabench.running.stage import Planning, Row, Stage, View, record, unit_of
from uaabench.running.units import DatasetPlan, Outcome, PlannedPairs, Runtime, Share, Unit, Waiting
from uaabench.statistics.resampling import Tallies

JUDGE = "DIS optical flow of the clean sources"
# Name of the records of how many frames were compared.
COMPARED = f"{FLICKER.name} frames"
Hashes = Mapping[Path, Mapping[str, str]]


class Flicker(Stage):
    """Compares consecutive frames; the value it keeps of each pair has its tally and the hashes of both artefacts.

    The first frame of a video or of a shot adds nothing, and is no failure; the report says how many were compared.
    """

    name: ClassVar[str] = "flicker"
    doing: ClassVar[str] = "Comparing frames"
    measures: ClassVar[Sequence[Measure]] = (FLICKER,)

    def units(self, planning: Planning) -> Sequence[Unit]:
        """One unit for each fuse unit on a data set with frames that follow each other."""
        befores = {dataset.place: _befores(dataset) for dataset in planning.datasets}
        return [
            unit_of(self, fused, {"previous": before, "measure": FLICKER.version})
            for fused in planning.fuse
            if (before := befores[fused.dataset.place])
        ]

    def groups(self, units: Sequence[Unit]) -> list[tuple[Unit, ...]]:
        """All methods of a data set together: the motion is that of the sources."""
        return [tuple(group) for _, group in groupby(units, key=lambda unit: unit.dataset.place)]

    def holds(self, run: Path, unit: Unit) -> store.Holds:
        """A tally stands as long as both artefacts are those it was counted of."""
        known = store.artefact_hashes(run, unit)
        before = _befores(unit.dataset)
        return lambda pair, value: value["artefacts"] == _hashes(known, before, pair)

    def work(self, share: Share, runtime: Runtime) -> Iterator[Outcome]:
        """Compare frame by frame, in threads."""
        hashes = {unit.folder: store.artefact_hashes(runtime.run, unit) for unit in share.units}
        plan = share.units[0].dataset
        compare = partial(_compare, plan.open(), {pair.id: pair for pair in plan.pairs}, runtime.run, hashes)
        yield from chain.from_iterable(ordered_map(compare, share.waiting, threads=runtime.threads))

    def judge(self, units: Sequence[Unit]) -> tuple[str, Mapping[str, Any]]:  # noqa: ARG002 - of every stage
        """The optical flow."""
        return JUDGE, {}

    def details(self, tallies: Tallies) -> Iterator[Row]:
        """How many frames were compared with the one before."""
        compared = sum(tally[2] > 0 for tally in tallies.by_judge[0])
        yield record("method", COMPARED, float(compared), tallies.judge)

    def legend(self, view: View) -> str:
        """What flicker is, and of how many frames."""
        compared = view.records.loc[view.records["metric"] == COMPARED, "value"]
        if compared.empty:
            return ""
        few, many = int(compared.min()), int(compared.max())
        number = f"{few}" if few == many else f"{few} to {many}"
        return (
            f"{FLICKER.name} on {view.title}: {FLICKER.formula}; w by {JUDGE}. {number} frames have one of their shot "
            f"before them. {FLICKER.note}"
        )


def _befores(dataset: DatasetPlan) -> dict[str, str]:
    """By the id of each frame that of the one before it, where both are part of the run."""
    known = {pair.id for pair in dataset.pairs}
    return {pair.id: pair.previous for pair in dataset.pairs if pair.previous in known}


def _hashes(known: Mapping[str, str], before: Mapping[str, str], pair: str) -> list[str | None]:
    """Of the artefact of a pair and of that before it, as JSON has them."""
    return [known.get(pair), known.get(before[pair]) if pair in before else None]


def _compare(
    dataset: PlannedPairs, pairs: Mapping[str, Pair], run: Path, hashes: Hashes, work: Waiting
) -> list[Outcome]:
    """Compare one fused frame of all methods with the frame before; what cannot be read does not stop the others."""
    pair, units = work
    previous = pairs.get(pair.previous)
    if previous is None:
        return [Outcome(unit, pair, _kept(hashes, unit, pair, None, NOTHING)) for unit in units]
    try:
        moved = motion(dataset.read_clean(previous), dataset.read_clean(pair))
    except faults() as error:
        return [Outcome(unit, pair, reason=sentence(error)) for unit in units]
    if moved is None:
        return [Outcome(unit, pair, _kept(hashes, unit, pair, previous, NOTHING)) for unit in units]
    return [_outcome(unit, pair, previous, moved, run, hashes) for unit in units]


def _outcome(unit: Unit, pair: Pair, previous: Pair, moved: Motion, run: Path, hashes: Hashes) -> Outcome:
    try:
        frames = [_frame(run, unit, frame, hashes) for frame in (previous, pair)]
        return Outcome(unit, pair, _kept(hashes, unit, pair, previous, tally(frames[0], frames[1], moved)))
    except faults() as error:
        return Outcome(unit, pair, reason=sentence(error))


def _frame(run: Path, unit: Unit, pair: Pair, hashes: Hashes) -> FloatImage:
    """The grey image of a fused frame."""
    known = hashes[unit.folder].get(pair.id)
    if known is None:
        raise DataError(f"Frame {pair.id} was not fused, so that nothing can be compared with it.")
    return imaging.grey(imaging.read_rgb(store.verified_artefact(run, unit, pair.id, known)))


def _kept(hashes: Hashes, unit: Unit, pair: Pair, previous: Pair | None, found: Sequence[float]) -> dict[str, Any]:
    known = hashes[unit.folder]
    return {"artefacts": [known.get(pair.id), known.get(previous.id) if previous else None], "tally": list(found)}
