"""How far the profiles are apart on the same images; writes the figures that `uaabench show` and the docs print.

    python benchmarks/divergence.py TRIPLES

TRIPLES holds a folder per triple with ir.png, vi.png and fused.png; synthetic ones (syn_*) are left out, as nobody
publishes numbers of them. Each profile is compared with `uaabench`, or where that has no such metric with `cddfuse`.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from uaabench.core import imaging
from uaabench.core.interface import Sources
from uaabench.metrics import catalogue
from uaabench.metrics.profiles import PROFILES, metrics, profile

OUTPUT = Path(catalogue.__file__).with_name(catalogue.DIVERGENCE_FILE)


def values(folder: Path) -> dict[tuple[str, str], float]:
    """Value by (metric, profile) for one triple."""
    sources = Sources(imaging.read_grey(folder / "ir.png"), imaging.read_rgb(folder / "vi.png"))
    fused = imaging.read_rgb(folder / "fused.png")
    return {
        (value.metric, entry.name): value.value
        for entry in PROFILES.values()
        for value in entry.score(fused, sources, entry.select(["all"]))
    }


def rows(triples: Path) -> list[list[object]]:
    measured = [values(folder) for folder in sorted(triples.iterdir()) if not folder.name.startswith("syn_")]
    found: list[list[object]] = []
    for name in metrics():
        having = [
            entry.name for entry in PROFILES.values() if name in entry.metrics and (name, entry.name) in measured[0]
        ]
        base = next((entry for entry in ("uaabench", "cddfuse", *having) if entry in having), None)
        for other in having:
            if other == base:
                continue
            pairs = np.array([[entry[name, other], entry[name, base]] for entry in measured])
            pairs = pairs[np.isfinite(pairs).all(axis=1)]
            percent = 100 * (pairs[:, 0] - pairs[:, 1]) / np.abs(pairs[:, 1])
            spread = (
                float(np.format_float_positional(p, 3, fractional=False)) for p in np.percentile(percent, [0, 50, 100])
            )
            found.append([name, profile(other).name, base, *spread, len(pairs)])
    return found


def main(triples: Path) -> None:
    with OUTPUT.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["metric", "profile", "base", "low", "median", "high", "n"])
        writer.writerows(rows(triples))
    print(f"Written: {OUTPUT}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
