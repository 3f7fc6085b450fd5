"""The confusion matrices of a run, in one file beside its records: what two runs are compared by.

MIoU has no value for a pair, so that its paired comparison needs the matrices themselves.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from uaabench.judges.segmentation.confusion import Matrix
from uaabench.judges.segmentation.judge import Judge, name_of
from uaabench.judges.segmentation.protocols import Protocol

FILE = "confusion.parquet"
WHERE = ["dataset", "split", "method"]


@dataclass(frozen=True)
class Judged:
    """What the judges of one method found on one data set.

    Attributes:
        judge: Their name and, where one judges all methods, the hash of its weights.
        protocol: Which classes count.
        pairs: Ids of the pairs that all of them have segmented, in order.
        matrices: For each judge (N,C,C), the confusion matrix of each of those pairs.
    """

    judge: str
    protocol: Protocol
    pairs: tuple[str, ...]
    matrices: tuple[Matrix, ...]

    def on(self, pairs: Sequence[str]) -> tuple[Matrix, ...]:
        """The matrices of some of the pairs."""
        indices = [self.pairs.index(pair) for pair in pairs]
        return tuple(of_judge[indices] for of_judge in self.matrices)


def rows(judges: Sequence[Judge], runs: Sequence[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    """A row for each pair and judge of one method, without the columns that say of which method and data set."""
    first = judges[0]
    weights = f", weights {first.file.sha256[:12]}" if first.way == "frozen" else ""
    for number, (judge, matrices) in enumerate(zip(judges, runs, strict=True)):
        for pair, matrix in matrices.items():
            yield {
                "judge": name_of(judges) + weights,
                "protocol": judge.protocol.name,
                "counts_zero": judge.protocol.counts_zero,
                "number": number,
                "pair": pair,
                "matrix": np.ravel(matrix).tolist(),
            }


def write(run: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """Write the matrices of a run; without any, none are left from an earlier call."""
    import pandas as pd

    file, partial = run / FILE, run / (FILE + ".partial")
    if not entries:
        file.unlink(missing_ok=True)
        return
    pd.DataFrame(entries).to_parquet(partial, index=False)
    os.replace(partial, file)


def read(run: Path) -> dict[tuple[str, str, str], Judged]:
    """The matrices of a run by data set, split and method; nothing where none were kept."""
    import pandas as pd

    if not (run / FILE).is_file():
        return {}
    table = pd.read_parquet(run / FILE)
    return {(str(d), str(s), str(m)): _judged(part) for (d, s, m), part in table.groupby(WHERE)}


def _judged(rows: Any) -> Judged:
    """From the rows of one method on one data set."""
    by_judge = [dict(zip(part["pair"], part["matrix"], strict=True)) for _, part in rows.groupby("number")]
    pairs = sorted(set.intersection(*map(set, by_judge)))
    first = rows.iloc[0]
    side = int(len(first["matrix"]) ** 0.5)
    matrices = [
        np.array([found[pair] for pair in pairs], np.int64).reshape(len(pairs), side, side) for found in by_judge
    ]
    protocol = Protocol(name=first["protocol"], classes=("",) * side, counts_zero=bool(first["counts_zero"]))
    return Judged(first["judge"], protocol, tuple(pairs), tuple(matrices))
