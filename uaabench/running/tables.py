"""The tables of a run on disk: their names, their columns, and Parquet files that are written as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from uaabench.core import files
from uaabench.core.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

RECORDS, TALLIES = "records.parquet", "tallies.parquet"
RECORD_COLUMNS = (
    "run", "method", "track", "dataset", "split", "scope", "pair", "class", "metric", "profile", "value", "status",
    "reason",
)  # fmt: skip
TALLY_COLUMNS = ("stage", "dataset", "split", "method", "judge", "setting", "number", "pair", "tally")


def write_table(path: Path, table: pd.DataFrame) -> str:
    """Replace a Parquet file as a whole; its SHA-256.

    Raises:
        StorageError: It cannot be written.
    """
    with files.replacing(path) as aside:
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
