"""The committed golden values: metrics of small synthetic triples, each with where it is from.

    python tests/support/golden_values.py ORACLE

writes them anew: for the triples of the oracle those of its double-precision implementations, for the others those of
the literal formulas; what piq computes is recorded from piq, which pins it and proves nothing.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from literal.profiles import compute
from literal.triples import TRIPLES
from oracle import GOLDENS, TOLERANCE, cases
from uaabench.core.interface import Sources
from uaabench.metrics.profiles import PROFILES

FILE = Path(__file__).with_name("golden_values.csv")
LITERAL = "literal"
# They need weights that nothing downloads; Quse has a network in single precision, and tests of its own.
LEFT_OUT = {"LPIPS", "DISTS", "Quse"}
BY_PIQ = ("FSIM", "GMSD", "VSI", "HaarPSI")
# The oracle computes these in single precision.
SINGLE = {"ivif_zoo", "cddfuse_ssim255"}
LARGE_ONLY = {"MS-SSIM"}


@dataclass(frozen=True)
class GoldenValue:
    """One value; NaN where the metric is undefined."""

    profile: str
    metric: str
    triple: str
    value: float
    source: str

    @property
    def tolerance(self) -> float:
        """Relative; the literal formulas are of the same precision, other implementations round in other places."""
        return 1e-9 if self.source == LITERAL else TOLERANCE


def read() -> list[GoldenValue]:
    with FILE.open(encoding="utf-8") as file:
        return [GoldenValue(**{**row, "value": float(row["value"] or "nan")}) for row in csv.DictReader(file)]


def triples_of(metric: str) -> tuple[str, ...]:
    """The triples for which a metric has values of its literal formula."""
    return ("large",) if metric in LARGE_ONLY else ("grey", "colour")


def literal() -> Iterator[GoldenValue]:
    for name, profile in PROFILES.items():
        for metric in profile.metrics:
            if metric in (*BY_PIQ, *LEFT_OUT):
                continue
            for triple in triples_of(metric):
                yield GoldenValue(name, metric, triple, compute(name, metric, *TRIPLES[triple]()), LITERAL)


def of_the_oracle(folder: Path) -> Iterator[GoldenValue]:
    for golden in GOLDENS:
        for case in cases(folder, golden) if golden.implementation not in SINGLE else ():
            if case.triple in TRIPLES and case.tolerance == TOLERANCE:
                yield GoldenValue(golden.profile, case.metric, case.triple, case.expected, golden.implementation)


def of_piq() -> Iterator[GoldenValue]:
    profile = PROFILES["uaabench"]
    for triple in ("grey", "colour"):
        fused, ir, vi = TRIPLES[triple]()
        for found in profile.score(fused, Sources(ir, vi), profile.select(BY_PIQ)):
            yield GoldenValue("uaabench", found.metric, triple, found.value, f"piq {version('piq')}")


def write(folder: Path) -> None:
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["profile", "metric", "triple", "value", "source"])
        goldens = [*literal(), *of_piq(), *of_the_oracle(folder)]
        for golden in sorted(goldens, key=lambda golden: list(PROFILES).index(golden.profile)):
            value = "" if math.isnan(golden.value) else repr(float(golden.value))
            writer.writerow([golden.profile, golden.metric, golden.triple, value, golden.source])
    print(f"Written: {FILE}")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
