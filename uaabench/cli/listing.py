"""The verbs that say what there is: list and show; neither imports torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from uaabench.cli import options
from uaabench.core.errors import unknown_name

if TYPE_CHECKING:
    from uaabench.core.interface import MethodCard

# Below this width of the terminal a listing leaves out the sentence about each name.
WIDE = 110


class Kind(StrEnum):
    """What can be listed."""

    METHODS = "methods"
    DATASETS = "datasets"
    METRICS = "metrics"
    PROFILES = "profiles"
    SEGMENTERS = "segmenters"
    PROTOCOLS = "protocols"
    DEGRADATIONS = "degradations"
    DETECTION_PROTOCOLS = "detection-protocols"


# The column that groups a listing; the other kinds have no groups.
GROUPS = {Kind.METHODS: "kind"}


def list_names(
    kind: Annotated[Kind, typer.Argument(help="What to list.")] = Kind.METHODS,
    as_json: Annotated[bool, typer.Option("--json", help="Stable JSON, one object for each name.")] = False,
    plugin: options.Plugins = None,
) -> None:
    """List methods, data sets, metrics, profiles, segmenters, protocols of mIoU or detection, or degradations.

    Methods say what a row of theirs takes now: nothing (yes), `uaabench weights fetch`, or a file to get by hand for
    `uaabench weights add`; `uaabench weights list` says where. Examples: uaabench list methods; uaabench list datasets
    --json
    """
    from uaabench.core import registry

    registry.load_plugins(plugin)
    rows = LISTINGS[kind]()
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console

    from uaabench.reporting.fitting import print_listing

    console = Console(highlight=False)
    group = GROUPS.get(kind)
    hidden = {group} if console.width >= WIDE else {group, "summary"}
    columns = [column for column in rows[0] if column not in hidden]
    print_listing(columns, list(_lines(rows, columns, group)), console)


def _lines(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], group: str | None) -> Iterator[list[str]]:
    """The cells of each row; what has the same value of the column `group` stands together below that value."""
    values = dict.fromkeys(row[group] if group else "" for row in rows)
    for value in values:
        if group:
            yield [""] * len(columns)
            yield [f"{value}:", *[""] * (len(columns) - 1)]
        for row in rows:
            if not group or row[group] == value:
                yield ["" if row[column] is None else str(row[column]) for column in columns]


def show(
    name: Annotated[str, typer.Argument(help="A method, data set, metric or profile.")],
    as_json: Annotated[bool, typer.Option("--json", help="The card as JSON.")] = False,
    plugin: options.Plugins = None,
) -> None:
    """Show the card of a method, data set, metric or profile: what it is and where it comes from.

    Examples: uaabench show tardal; uaabench show qabf
    """
    from uaabench.core import registry

    registry.load_plugins(plugin)
    facts = _facts(name)
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    from rich.console import Console

    from uaabench.reporting.fitting import print_listing

    rows = [
        (f"{key} {part}".strip(), _text(entry))
        for key, value in facts.items()
        for part, entry in (value.items() if isinstance(value, dict) else [("", value)])
    ]
    print_listing(("", ""), rows, Console(highlight=False))


def _methods() -> list[dict[str, Any]]:
    from uaabench.core import registry

    return [
        {
            "name": card.name,
            "kind": card.kind,
            "family": card.family,
            "year": card.year,
            "venue": card.venue,
            "parameters": card.parameters,
            "now": _now(card),
            "track": ", ".join(_tracks(card)),
            "weights": ", ".join(_weights(card)),
            "summary": card.summary,
        }
        for card in registry.method_cards().values()
    ]


def _now(card: MethodCard) -> str:
    """Whether a row of a method can be had now, or the verb of `weights` that comes first."""
    from uaabench.core import weights

    checkpoints = card.checkpoints.values()
    if weights.comes_with_weights(card) or any(map(weights.stored, checkpoints)):
        return "yes"
    return "fetch" if any(checkpoint.urls for checkpoint in checkpoints) else "add"


def _tracks(card: MethodCard) -> Iterator[str]:
    """Which weights a method can be compared with: trained here, or its authors'."""
    from uaabench.core import weights

    if weights.shipped(card.name):
        yield "retrained"
    if card.checkpoints:
        yield "official"


def _weights(card: MethodCard) -> Iterator[str]:
    """The weights of a method by name; those that are not here say so."""
    from uaabench.core import weights

    if weights.shipped(card.name):
        yield "shipped"
    for name, checkpoint in card.checkpoints.items():
        yield f"@{name}" if weights.stored(checkpoint) else f"@{name} (fetch)" if checkpoint.urls else f"@{name} (add)"


def _datasets() -> list[dict[str, Any]]:
    from uaabench.core import registry

    cards = [registry.dataset_class(name).card for name in registry.dataset_names()]
    return [
        {
            "name": card.name,
            "splits": ", ".join(f"{split} {count or ''}".strip() for split, count in card.splits.items()),
            "default": card.default_split,
            "classes": len(card.classes),
            "summary": card.summary,
        }
        for card in cards
    ]


def _metrics() -> list[dict[str, Any]]:
    from uaabench.core import registry
    from uaabench.metrics.profiles import having, metrics

    return [
        {
            "name": metric.name,
            "better": "higher" if metric.higher_is_better else "lower",
            "range": f"{metric.range[0]:g} to {metric.range[1]:g}",
            "noise can improve it": "yes" if metric.gameable_by_noise else "no",
            "profiles": ", ".join(profile.name for profile in having(metric.name)) or "any",
            "summary": metric.title,
        }
        for metric in {**metrics(), **registry.extra_metrics()}.values()
    ]


def _profiles() -> list[dict[str, Any]]:
    from uaabench.metrics.profiles import PROFILES

    return [
        {
            "name": profile.name,
            "version": profile.version,
            "metrics": ", ".join(profile.metrics),
            "summary": profile.summary,
        }
        for profile in PROFILES.values()
    ]


def _segmenters() -> list[dict[str, Any]]:
    from uaabench.judges.segmentation.segmenters import CONFIGS, resolve, shipped_names

    trained = [
        {"name": name, "kind": "trained, shipped", "summary": card.trained_on}
        for name in shipped_names()
        if (card := resolve(name).card)
    ]
    return [*trained, *({"name": name, "kind": "network to train", "summary": file} for name, file in CONFIGS.items())]


def _degradations() -> list[dict[str, Any]]:
    from uaabench.degradations import CORRUPTIONS

    return [
        {
            "name": entry.name,
            "written": entry.usage.replace("`", ""),
            "sources": ", ".join(entry.sources),
            "version": entry.version,
            "summary": f"{entry.title}; {entry.reference}",
        }
        for entry in CORRUPTIONS.values()
    ]


def _protocols() -> list[dict[str, Any]]:
    from uaabench.judges.segmentation.protocols import PROTOCOLS

    return [
        {
            "name": entry.name,
            "classes": len(entry.counted),
            "class 0": "counts" if entry.counts_zero else "left out",
            "ignored value": entry.ignore,
            "summary": ", ".join(entry.counted),
        }
        for entry in PROTOCOLS.values()
    ]


def _detection_protocols() -> list[dict[str, Any]]:
    from uaabench.judges.detection.protocols import PROTOCOLS

    return [
        {
            "name": entry.name,
            "classes": len(entry.counted),
            "boxes": entry.boxes,
            "sizes": ", ".join(area.name for area in entry.areas),
            "summary": ", ".join(entry.counted),
        }
        for entry in PROTOCOLS.values()
    ]


LISTINGS: dict[Kind, Callable[[], list[dict[str, Any]]]] = {
    Kind.METHODS: _methods,
    Kind.DATASETS: _datasets,
    Kind.METRICS: _metrics,
    Kind.PROFILES: _profiles,
    Kind.SEGMENTERS: _segmenters,
    Kind.PROTOCOLS: _protocols,
    Kind.DEGRADATIONS: _degradations,
    Kind.DETECTION_PROTOCOLS: _detection_protocols,
}


def _facts(name: str) -> dict[str, Any]:
    """The card of whatever has this name, as plain values without empty entries."""
    from uaabench.core import registry, weights
    from uaabench.metrics.profiles import PROFILES, having, metrics

    methods = registry.method_cards()
    plugins = {metric.name.lower(): metric for metric in registry.extra_metrics().values()}
    key = name.lower()
    if key in methods:
        shipped = weights.shipped_card(key)
        facts = _plain(methods[key]) | ({"shipped weights": _plain(shipped)} if shipped else {})
        return facts | ({"profile of this name": _profile_facts(key)} if key in PROFILES else {})
    if having(name):
        return _metric_facts(name)
    if key in plugins:
        return _plain(plugins[key])
    if key in PROFILES:
        return _profile_facts(key)
    if key in registry.dataset_names():
        return _plain(registry.dataset_class(key).card)
    raise unknown_name("card", name, [*methods, *metrics(), *plugins, *PROFILES, *registry.dataset_names()])


def _profile_facts(name: str) -> dict[str, Any]:
    """The card of a profile, with the names of its metrics."""
    from uaabench.metrics.profiles import PROFILES

    return _plain(PROFILES[name]) | {"metrics": list(PROFILES[name].metrics)}


def _metric_facts(name: str) -> dict[str, Any]:
    """What a metric is, and what each profile computes under its name."""
    from uaabench.metrics import catalogue

    metric = catalogue.definition(name)
    facts: dict[str, Any] = {
        "name": metric.name,
        "title": metric.title,
        "formula": metric.formula,
        "range": f"{metric.range[0]:g} to {metric.range[1]:g}",
        "better": "higher" if metric.higher_is_better else "lower",
        "noise can improve it": "yes" if metric.gameable_by_noise else "no",
        "smallest image": f"{metric.min_size}x{metric.min_size}",
        "undefined": metric.undefined,
        "reference": metric.reference,
    }
    facts["in profile"] = {
        variant.profile.name: {
            "computes": variant.rule,
            "on real images": variant.distance,
            "equals": variant.checks,
        }
        for variant in catalogue.variants(name)
    }
    return {key: value for key, value in facts.items() if value}


def _plain(card: Any) -> dict[str, Any]:
    """A card as JSON values; functions and empty entries are left out."""
    values = {
        key: value for key, value in asdict(card).items() if value not in (None, "", {}, ()) and not callable(value)
    }
    plain: dict[str, Any] = json.loads(json.dumps(values, default=str))
    return plain


def _text(value: Any) -> str:
    """A value of a card for people: a line for each entry of a table, commas between those of a list."""
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_text(entry)}" for key, entry in value.items() if entry not in ("", {}))
    return ", ".join(map(_text, value)) if isinstance(value, list) else str(value)
