"""How many golden values each metric of each profile was compared with, and the largest difference; kept for the docs.

    python benchmarks/goldens.py ORACLE

ORACLE holds oracle.csv, the values of independent implementations, and triples/, the images. What is left out of the
comparison, and why, stands in tests/support/oracle_exceptions.csv; the tests compare the same cases.
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from oracle import GOLDENS, Golden, cases, difference, read_triple
from uaabench.metrics import catalogue
from uaabench.metrics.profiles import profile

OUTPUT = Path(catalogue.__file__).with_name(catalogue.GOLDENS_FILE)


def rows(folder: Path, golden: Golden) -> list[list[object]]:
    """Per metric: how many cases were compared, how many left out, and the largest relative difference."""
    convention = profile(golden.profile)
    by_triple = defaultdict(list)
    for case in cases(folder, golden):
        by_triple[case.triple].append(case)
    compared: dict[str, list[float]] = defaultdict(list)
    left_out: dict[str, int] = defaultdict(int)
    for triple, found in by_triple.items():
        fused, sources = read_triple(folder, triple)
        scene = convention.prepare(sources)
        for case in found:
            if case.tolerance is None:
                left_out[case.metric] += 1
                continue
            (value,) = scene.score(fused, [convention.metrics[case.metric]])
            compared[case.metric].append(difference(value.value, case.expected))
    return [
        [golden.profile, name, golden.implementation, len(values), left_out[name], f"{max(values):.1e}"]
        for name, values in compared.items()
    ]


def main(folder: Path) -> None:
    with OUTPUT.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["profile", "metric", "implementation", "cases", "left_out", "largest"])
        for golden in GOLDENS:
            writer.writerows(rows(folder, golden))
    print(f"Written: {OUTPUT}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
