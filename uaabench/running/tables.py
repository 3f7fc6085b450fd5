"""The tables of a run on disk: their names, their columns, and Parquet files that are written as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uaabench.core import files
from uaabench.core.errors import DataError
from uaabench.statistics.resampling import Tallies

if TYPE_CHECKING:
    import pandas as pd

RECORDS, TALLIES = "records.parquet", "tallies.parquet"
RECORD_COLUMNS = (
    "run", "method", "track", "dataset", "split", "scope", "pair", "class", "metric", "profile", "value", "status",
    "reason",
)  # fmt: skip
TALLY_COLUMNS = ("stage", "dataset", "split", "method", "judge", "setting", "number", "pair", "tally")
# Of what a table holds tallies: stage, data set, split and method.
Place = tuple[str, str, str, str]


def write_table(path: Path, table: pd.DataFrame, *, small: bool = False) -> str:
    """Replace a Parquet file as a whole; its SHA-256.

    Args:
        path: The file.
        table: What it shall hold.
        small: Whether size matters more than time.

    Raises:
        StorageError: It cannot be written.
    """
    with files.replacing(path) as aside:
        if small:
            table.to_parquet(aside, index=False, compression="zstd", compression_level=19)
        else:
            table.to_parquet(aside, index=False)
        return files.sha256(aside)


def read_table(path: Path) -> pd.DataFrame:
    """Read a Parquet file of a run.

    Raises:
        DataError: It is missing or broken.
    """
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except Exception as error:  # Arrow raises what it likes on a broken file
        raise DataError(
            f"{path} cannot be read: {' '.join(str(error).split())[:200]}; give the command of the run again."
        ) from error


def tally_table(run: Path) -> pd.DataFrame:
    """The tallies of a run, a row for each stage, method, judge and pair; empty where there are none.

    Raises:
        DataError: The file is broken.
    """
    import pandas as pd

    path = run / TALLIES
    return read_table(path) if path.is_file() else pd.DataFrame(columns=list(TALLY_COLUMNS))


def tallies_of(table: pd.DataFrame) -> dict[Place, Tallies]:
    """Tallies by stage, data set, split and method."""
    return {
        (str(stage), str(dataset), str(split), str(method)): _tallies(part)
        for (stage, dataset, split, method), part in table.groupby(["stage", "dataset", "split", "method"])
    }


def _tallies(rows: Any) -> Tallies:
    """From the rows of one stage of one method on one data set."""
    by_judge = [dict(zip(part["pair"], part["tally"], strict=True)) for _, part in rows.groupby("number")]
    pairs = sorted(set.intersection(*map(set, by_judge)))
    first = rows.iloc[0]
    texts = [[one[pair] for pair in pairs] for one in by_judge]
    return Tallies(
        str(first["judge"]),
        json.loads(first["setting"]),
        tuple(pairs),
        tuple(tuple(json.loads(text) for text in one) for one in texts),
    )
