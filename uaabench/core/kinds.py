"""What kinds of things have names, and which of each come with the package."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

from uaabench.core.columns import Metric
from uaabench.core.interface import DatasetCard, FusionDataset, FusionMethod, MethodCard

BUILTIN_DATASETS = {
    "msrs": "uaabench.datasets.msrs:MSRS",
    "fmb": "uaabench.datasets.fmb:FMB",
    "m3fd": "uaabench.datasets.m3fd:M3FD",
    "llvip": "uaabench.datasets.llvip:LLVIP",
    "roadscene": "uaabench.datasets.roadscene:RoadScene",
    "tno": "uaabench.datasets.tno:TNO",
    "demo": "uaabench.datasets.demo:Demo",
    "folder": "uaabench.datasets.folder:Folder",
}
# In the order in which a run carries them out; those of plugins follow.
BUILTIN_STAGES = {
    "fuse": "uaabench.running.stages.fuse:Fuse",
    "score": "uaabench.running.stages.score:Score",
    "segment": "uaabench.judges.segmentation.stage:Segment",
    "detect": "uaabench.judges.detection.stage:Detect",
    "flicker": "uaabench.judges.temporal.stage:Flicker",
}
# What each pixel of an image contributes to what a segmenter sees there: (H,W) in 0..255 to (H,W), not negative.
PIXEL_ATTRIBUTION = "uaabench.baselines.uaa.pixelwise:attribution_map"
BUILTIN_PROFILES = "uaabench.metrics.profiles:PROFILES"
KIND_ORDER = ("trivial", "classical", "learned", "precomputed")


@dataclass(frozen=True)
class Thing:
    """Something that has a name.

    Attributes:
        name: Its name.
        value: The class or object itself, or the `module:attribute` it is imported from.
        origin: Where it comes from, in words.
        sources: Gives the SHA-256 by file of its code; of what comes with the package, whose versions tell, nothing.
    """

    name: str
    value: Any
    origin: str = "built in"
    sources: Callable[[], dict[str, str]] = dict


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of things that have names.

    Attributes:
        word: What messages call one.
        contract: Base of its classes, or the class that its objects are of; `module:Name` where that is not in core.
        card: What kind of card its classes carry; None for those that have a name themselves.
        of_classes: Whether its things are classes, not objects.
        group: The entry points that name such things in installed packages.
        builtin: Gives those that come with the package; a name may stand for several variants.
    """

    word: str
    contract: type | str
    card: type | None
    group: str
    builtin: Callable[[], Iterable[Thing]]
    of_classes: bool = True

    @property
    def base(self) -> type:
        """The contract itself."""
        found: type = import_object(self.contract) if isinstance(self.contract, str) else self.contract
        return found


def import_object(target: str) -> Any:
    """Import what a card names as `module:attribute`."""
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


def package_folders() -> list[Path]:
    """Folders of the package: the harness, the methods and the data sets, which lie apart in a checkout."""
    return [Path(str(package_files(name))) for name in ("uaabench", "uaabench.baselines", "uaabench.datasets")]


@cache
def builtin_cards() -> dict[str, MethodCard]:
    """Cards of the methods that come with the package, by name: trivial ones first, then classical and learned."""
    folder = Path(str(package_files("uaabench.baselines")))
    cards = [MethodCard.read(path) for path in sorted(folder.glob("*.toml"))]
    return {card.name: card for card in sorted(cards, key=lambda card: KIND_ORDER.index(card.kind))}


def _builtin_methods() -> Iterator[Thing]:
    return (Thing(card.name, card.implementation) for card in builtin_cards().values())


def _builtin_datasets() -> Iterator[Thing]:
    return (Thing(name, target) for name, target in BUILTIN_DATASETS.items())


def _builtin_stages() -> Iterator[Thing]:
    return (Thing(name, target) for name, target in BUILTIN_STAGES.items())


def _builtin_metrics() -> Iterator[Thing]:
    profiles = import_object(BUILTIN_PROFILES).values()
    return (Thing(metric.name, metric) for profile in profiles for metric in profile.metrics.values())


KINDS = {
    "method": Kind(
        word="method", contract=FusionMethod, card=MethodCard, group="uaabench.methods", builtin=_builtin_methods
    ),
    "dataset": Kind(
        word="data set", contract=FusionDataset, card=DatasetCard, group="uaabench.datasets", builtin=_builtin_datasets
    ),
    "metric": Kind(
        word="metric",
        contract=Metric,
        card=None,
        group="uaabench.metrics",
        builtin=_builtin_metrics,
        of_classes=False,
    ),
    "stage": Kind(
        word="stage",
        contract="uaabench.running.stage:Stage",
        card=None,
        group="uaabench.stages",
        builtin=_builtin_stages,
    ),
}
