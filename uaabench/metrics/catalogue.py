"""What is known of each metric over all profiles: who computes it how, and how far their numbers are apart."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from uaabench.errors import unknown_name
from uaabench.interface import Metric
from uaabench.metrics import find
from uaabench.metrics.profiles import Profile, having, metrics

DIVERGENCE_FILE = "divergence.csv"


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """How far the numbers of a profile are from those of another on the same real images, in percent of the latter.

    Attributes:
        base: Name of the profile that is compared with.
        low: Smallest difference over the images; negative where this profile's number is the smaller.
        median: Median difference.
        high: Largest difference.
        n: Number of images.
    """

    base: str
    low: float
    median: float
    high: float
    n: int

    @property
    def text(self) -> str:
        """The range in words.

        Example:
            >>> Divergence(base="uaabench", low=-9.04, median=12.3, high=58.0, n=8).text
            '-9.0 to +58 %, median +12 %'
            >>> Divergence(base="uaabench", low=0, median=0, high=1e-9, n=8).text
            'the same'
        """
        if max(abs(self.low), abs(self.high)) < 1e-5:
            return "the same"
        return f"{_percent(self.low)} to {_percent(self.high)} %, median {_percent(self.median)} %"


@dataclass(frozen=True)
class Variant:
    """A metric as one profile computes it; the divergence is None for the profile that others are compared with."""

    profile: Profile
    metric: Metric
    divergence: Divergence | None


def definition(name: str) -> Metric:
    """The metric of this name, as published where the profile `uaabench` has it.

    Raises:
        UsageError: No profile has such a metric.
    """
    return find(name, metrics())


def variants(name: str) -> list[Variant]:
    """All profiles that have a metric of this name, with what they compute.

    Raises:
        UsageError: There is none.
    """
    profiles = having(name)
    if not profiles:
        raise unknown_name("metric", name, metrics())
    found = [(profile, find(name, profile.metrics)) for profile in profiles]
    return [Variant(profile, metric, divergences().get((metric.name, profile.name))) for profile, metric in found]


@cache
def divergences() -> dict[tuple[str, str], Divergence]:
    """The measured divergences by metric and profile; `benchmarks/divergence.py` measures them."""
    file = files("uaabench.metrics").joinpath(DIVERGENCE_FILE)
    with file.open(encoding="utf-8") as stream:
        return {
            (row["metric"], row["profile"]): Divergence(
                base=row["base"],
                low=float(row["low"]),
                median=float(row["median"]),
                high=float(row["high"]),
                n=int(row["n"]),
            )
            for row in csv.DictReader(stream)
        }


def _percent(value: float) -> str:
    """Two significant digits with a sign, without an exponent."""
    if abs(value) >= 9.95:
        return f"{value:+.0f}"
    return f"{value:+.1f}" if abs(value) >= 0.1 else f"{value:+.1g}"
