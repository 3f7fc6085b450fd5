"""What is known of each metric over all profiles: who computes it how, and how far their numbers are apart."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from uaabench.core.columns import Metric
from uaabench.core.errors import unknown_name
from uaabench.metrics import find
from uaabench.metrics.profiles import Profile, having, metrics

DIVERGENCE_FILE = "divergence.csv"
GOLDENS_FILE = "goldens.csv"
# Differences of golden values below this are not told apart.
COUNTS_AS_EQUAL = 1e-12


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


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """How many golden values of an implementation a metric was compared with.

    Attributes:
        implementation: Whose values.
        cases: Number of image triples.
        left_out: Number of triples for which the implementation cannot be compared.
        largest: Largest relative difference.
    """

    implementation: str
    cases: int
    left_out: int
    largest: float

    @property
    def text(self) -> str:
        """The comparison in words.

        Example:
            >>> Evidence(implementation="vifb_matlab@octave", cases=16, left_out=2, largest=1.1e-12).text
            '16 values of vifb_matlab@octave to 1e-12'
            >>> Evidence(implementation="cddfuse_float64", cases=18, left_out=0, largest=0).text
            '18 values of cddfuse_float64 to 1e-12'
        """
        return f"{self.cases} values of {self.implementation} to {max(self.largest, COUNTS_AS_EQUAL):.0e}"


@dataclass(frozen=True)
class Variant:
    """A metric as one profile computes it.

    Attributes:
        profile: The profile.
        metric: Its metric.
        divergence: How far it is from the definition; None for the profile that the others are compared with.
        evidence: What its numbers were compared with.
    """

    profile: Profile
    metric: Metric
    divergence: Divergence | None
    evidence: tuple[Evidence, ...]

    @property
    def rule(self) -> str:
        """What the profile computes."""
        return self.metric.note or "As defined."

    @property
    def distance(self) -> str:
        """How far that is from the definition, in words; empty for the profile that others are compared with."""
        return f"{self.divergence.text}, compared with {self.divergence.base}" if self.divergence else ""

    @property
    def checks(self) -> str:
        """What the numbers were compared with, in words; empty where there is nothing of the kind."""
        return "; ".join(evidence.text for evidence in self.evidence)


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
    return [
        Variant(
            profile,
            metric,
            divergences().get((metric.name, profile.name)),
            tuple(goldens().get((metric.name, profile.name), ())),
        )
        for profile, metric in found
    ]


@cache
def divergences() -> dict[tuple[str, str], Divergence]:
    """The measured divergences by metric and profile; `benchmarks/divergence.py` measures them."""
    return {
        (row["metric"], row["profile"]): Divergence(
            base=row["base"],
            low=float(row["low"]),
            median=float(row["median"]),
            high=float(row["high"]),
            n=int(row["n"]),
        )
        for row in _read(DIVERGENCE_FILE)
    }


@cache
def goldens() -> dict[tuple[str, str], list[Evidence]]:
    """The comparisons with golden values by metric and profile; `benchmarks/goldens.py` makes them."""
    found: dict[tuple[str, str], list[Evidence]] = {}
    for row in _read(GOLDENS_FILE):
        evidence = Evidence(
            implementation=row["implementation"],
            cases=int(row["cases"]),
            left_out=int(row["left_out"]),
            largest=float(row["largest"]),
        )
        found.setdefault((row["metric"], row["profile"]), []).append(evidence)
    return found


def _read(name: str) -> list[dict[str, str]]:
    with files("uaabench.metrics").joinpath(name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _percent(value: float) -> str:
    """Two significant digits with a sign, without an exponent."""
    if abs(value) >= 9.95:
        return f"{value:+.0f}"
    return f"{value:+.1f}" if abs(value) >= 0.1 else f"{value:+.1g}"
