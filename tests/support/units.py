"""Units of a run that was never planned: for tests of what is kept of one."""

from __future__ import annotations

from pathlib import Path

from uaabench.core.interface import MethodCard, Pair
from uaabench.methods.named import MethodPlan
from uaabench.running.units import DatasetPlan, Unit


def dataset_plan(label: str = "data", pairs: str = "abc") -> DatasetPlan:
    """A data set with a pair for each letter."""
    return DatasetPlan(
        label=label,
        title=label.title(),
        split="test",
        root=Path("/data"),
        pairs=tuple(Pair(name, Path(f"ir/{name}.png"), Path(f"vi/{name}.png")) for name in pairs),
        expected=None,
        adapter="folder",
        index="the index",
    )


def make_unit(
    stage: str = "score",
    method: str = "mine",
    *,
    key: str = "0123456789",
    fused: Unit | None = None,
    pairs: str = "abc",
) -> Unit:
    """A unit of a method without weights on a data set of some pairs."""
    card = MethodCard(name=method, title=method.title(), kind="classical", version=1, summary="")
    data = dataset_plan(pairs=pairs)
    folder = Path(stage) / data.place / f"{method}-{key[:8]}"
    return Unit(stage, MethodPlan(method, card), data, key, folder, fused)
