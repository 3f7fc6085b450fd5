"""The golden values: which implementation stands for which profile, and where it cannot be compared and why."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from uaabench.core import imaging
from uaabench.core.interface import Sources
from uaabench.metrics.profiles import profile

EXCEPTIONS = Path(__file__).with_name("oracle_exceptions.csv")
# What counts as equal: relative, with room for the last digits of numbers that are all but zero.
TOLERANCE = 1e-6
ALL_BUT_ZERO = 1e-9


@dataclass(frozen=True)
class Golden:
    """An implementation that a profile equals: for all metrics of the same name, or for the named ones.

    `metrics` maps names of the implementation to those of the profile, where it is not all that both have; the values
    times `scale` are expected.
    """

    profile: str
    implementation: str
    metrics: dict[str, str] | None = None
    scale: float = 1.0


def named(*names: str) -> dict[str, str]:
    return {name: name for name in names}


FMI = {"FMI_pixel": "FMI_edge", "FMI_dct": "FMI_dct", "FMI_w": "FMI_w"}
GOLDENS = (
    Golden("cddfuse", "cddfuse_float64"),
    Golden("cddfuse-ssim255", "cddfuse_ssim255"),
    Golden("vifb", "vifb_matlab@octave"),
    Golden("tang", "tang_matlab@octave"),
    Golden("tang-legacy", "tang_matlab_pre202303@octave"),
    Golden("tang-legacy", "tang_published_matlab_2022"),
    # The port converts to floating point later than the toolbox does for all metrics but these.
    Golden("tang-legacy", "port_matlab_uint8_saturating", named("SD", "VIF")),
    Golden("ivif-zoo", "ivif_zoo"),
    Golden("uaabench", "han_viff_matlab@octave"),
    Golden("uaabench", "zliu_metricChen@octave"),
    Golden("uaabench", "zliu_metricChenBlum@octave"),
    Golden("uaabench", "port_fast_fmi", FMI),
    Golden("uaabench", "tang_matlab@octave", named("EN", "SD", "SF", "VIF", "Qabf", "CC") | {"Nabf_argfixed": "Nabf"}),
    Golden("uaabench", "cddfuse_float64", named("AG", "MSE", "SCD")),
    Golden("uaabench", "cddfuse_float64", named("MI"), scale=1 / math.log(2)),  # nats to bits
    Golden("uaabench", "skimage_gauss255", named("SSIM"), scale=1 / 2),  # sum to mean
    Golden("uaabench", "bfliu_published_matlab", named("EN", "Qabf", "Nabf", "Qcb", "Qcv", "CE") | FMI),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One golden value; without a tolerance it is not compared, for the reason given. NaN means undefined."""

    metric: str
    triple: str
    expected: float
    tolerance: float | None
    reason: str


def cases(folder: Path, golden: Golden) -> Iterator[Case]:
    """The golden values of an implementation that its profile has to equal."""
    known = profile(golden.profile).metrics
    with (folder / "oracle.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["implementation"] == golden.implementation]
    for row in rows:
        name = (
            row["metric"].replace("_SSIM", "-SSIM") if golden.metrics is None else golden.metrics.get(row["metric"], "")
        )
        if name not in known:
            continue
        value = float(row["value"] or "nan") * golden.scale
        expected = value if math.isfinite(value) else math.nan
        tolerance, reason = _exception(golden.implementation, row["metric"], row["triple"])
        yield Case(name, row["triple"], expected, tolerance, reason)


def _exception(implementation: str, metric: str, triple: str) -> tuple[float | None, str]:
    with EXCEPTIONS.open() as file:
        for row in csv.DictReader(file):
            if (row["implementation"], row["metric"]) == (implementation, metric) and fnmatch(triple, row["triple"]):
                return float(row["tolerance"]) if row["tolerance"] else None, row["reason"]
    return TOLERANCE, ""


def read_triple(folder: Path, name: str) -> tuple[imaging.ByteImage, Sources]:
    """A fused image and its sources."""
    fused, ir, vi = (imaging.read_rgb(folder / "triples" / name / f"{kind}.png") for kind in ("fused", "ir", "vi"))
    return fused, Sources(imaging.grey(ir).astype("uint8"), vi)


def difference(value: float, expected: float) -> float:
    """Relative difference of two numbers; 0 where both are undefined or all but zero, infinite where one is."""
    if math.isnan(value) or math.isnan(expected):
        return 0.0 if math.isnan(value) and math.isnan(expected) else math.inf
    gap = abs(value - expected)
    return 0.0 if gap <= ALL_BUT_ZERO * 1e-3 else gap / max(abs(expected), ALL_BUT_ZERO)
