"""From the description of a run to its units: what each stage does, and the content keys under which it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from uaabench.core import files, registry
from uaabench.core.columns import Metric
from uaabench.methods.named import MethodPlan
from uaabench.metrics.profiles import Profile, profile
from uaabench.running import batches, reference_rows
from uaabench.running.config import RunConfig
from uaabench.running.entries import FLOOR, plan_datasets, plan_methods
from uaabench.running.options import check_options
from uaabench.running.stage import Planning, Stage, facts, stages
from uaabench.running.units import DatasetPlan, Unit


@dataclass(frozen=True)
class Plan:
    """A run, resolved: every name found, every file listed and hashed.

    Attributes:
        config: The description.
        methods: The methods in table order.
        datasets: The data sets.
        profile: Convention of the metrics.
        metrics: The metrics.
        device: Kind of device.
        stages: The stages that have something to do, in their order.
        units: The units of each of them, by its name.
    """

    config: RunConfig
    methods: tuple[MethodPlan, ...]
    datasets: tuple[DatasetPlan, ...]
    profile: Profile
    metrics: tuple[Metric, ...]
    device: str
    stages: tuple[Stage, ...]
    units: Mapping[str, tuple[Unit, ...]]

    @property
    def key(self) -> str:
        """Hash of the whole plan."""
        return files.digest([unit.key for unit in self.of()])

    @property
    def stage_facts(self) -> list[dict[str, Any]]:
        """What a manifest says of the stages."""
        return [facts(stage, self.units[stage.name], self.config.options.get(stage.name, {})) for stage in self.stages]

    def of(self, names: Sequence[str] | None = None) -> list[Unit]:
        """The units of some stages, or of all, in their order."""
        return [
            unit for stage in self.stages if names is None or stage.name in names for unit in self.units[stage.name]
        ]

    def shard(self, number: int, of: int) -> Plan:
        """The same plan, with the same keys, for some pairs of each data set; see `DatasetPlan.shard`.

        Raises:
            UsageError: A data set has too few pairs.
        """
        datasets = {dataset.place: dataset.shard(number, of) for dataset in self.datasets}
        units = {
            name: tuple(unit.on(datasets[unit.dataset.place]) for unit in planned)
            for name, planned in self.units.items()
        }
        return replace(self, datasets=tuple(datasets.values()), units=units)


def make(config: RunConfig, device: str) -> Plan:
    """Resolve a run.

    Args:
        config: The description.
        device: The kind of device it will run on, `cpu` or `cuda`; results depend on it.

    Raises:
        UsageError: A name is unknown.
        DataError: A data set is not there.
    """
    registry.load_plugins(config.plugins)
    datasets = plan_datasets(config) if config.beside else ()
    drawn = reference_rows.drawable(config, datasets)
    methods = tuple(plan_methods(config, drawn))
    check_options(config.options, _takers(methods))
    datasets = datasets or plan_datasets(config)
    whole = _planned(config, device, methods, datasets)
    rules = [name for name in FLOOR if name in drawn and config.floor]
    # Rules of which the reference does not have all that this run measures cost little.
    if rules and (computed := reference_rows.unjudged(config.profile, datasets, whole.stage_facts, rules)):
        whole = _planned(config, device, tuple(plan_methods(config, drawn - computed)), datasets)
    if not config.shard:
        return whole
    number, _, of = config.shard.partition("/")
    return whole.shard(int(number), int(of))


def _planned(
    config: RunConfig, device: str, methods: tuple[MethodPlan, ...], datasets: tuple[DatasetPlan, ...]
) -> Plan:
    """The plan for some methods on some data sets."""
    convention = profile(config.profile)
    planning = Planning(
        config=config,
        methods=methods,
        datasets=datasets,
        profile=convention,
        metrics=convention.select(config.metrics or None),
        device=device,
        batches={data.place: batches.planned(data.pairs, config.batch, device) for data in datasets},
    )
    units: dict[str, tuple[Unit, ...]] = {}
    known = stages(config.options)
    for stage in known:
        units[stage.name] = tuple(stage.units(planning))
        if not planning.fuse:
            planning = replace(planning, fuse=units[stage.name])
    return Plan(
        config,
        planning.methods,
        planning.datasets,
        convention,
        planning.metrics,
        device,
        tuple(stage for stage in known if units[stage.name]),
        {name: planned for name, planned in units.items() if planned},
    )


def _takers(methods: Sequence[MethodPlan]) -> dict[str, Callable[[], Callable[..., Any]]]:
    """What takes options in a run: its methods, and the stages."""
    named = [("method", method.card.name) for method in methods if method.folder is None]
    named += [("stage", name) for name in registry.names("stage")]
    return {name: partial(registry.get, kind, name) for kind, name in named}
