"""The comparison table as pandas data frames, at full precision."""

from __future__ import annotations

import pandas as pd

from uaabench.reporting.csv_table import COLUMNS, rows
from uaabench.reporting.table import Table

KEY = ["dataset", "split", "method"]
VERSUS = ["difference", "difference_low", "difference_high", "p_holm", "win_rate", "verdict"]


def means(table: Table) -> pd.DataFrame:
    """The means: rows (dataset, split, method), a column for each metric, NaN for a mean that does not exist."""
    found = {
        (section.dataset.name, section.dataset.split, row.method.label): {
            metric.name: row.cells[metric.name].mean for metric in table.metrics
        }
        for section in table.sections
        for row in section.rows
    }
    index = pd.MultiIndex.from_tuples(list(found), names=KEY)
    return pd.DataFrame(list(found.values()), index, [metric.name for metric in table.metrics], dtype=float)


def tidy(table: Table) -> pd.DataFrame:
    """One row for each data set, method and metric, with the columns of `results.csv` and, last, the reason.

    Numbers that do not exist are NaN; mark, verdict and reason are empty where there is none.
    """
    found = pd.DataFrame(list(rows(table)), columns=list(COLUMNS))
    words = ["mark", "vs", "verdict"]
    numbers = ["mean", "ci_low", "ci_high", "mean_rank", *VERSUS[:-1]]
    found = found.fillna(dict.fromkeys(words, "")).astype(dict.fromkeys(numbers, float) | dict.fromkeys(words, str))
    cells = (row.cells for section in table.sections for row in section.rows)
    return found.assign(reason=[by_name[metric.name].reason for by_name in cells for metric in table.metrics])


def retention(table: Table) -> pd.DataFrame:
    """What degraded input leaves: rows (dataset, split, metric, degradation, method), where split is the clean one.

    Columns: `retention` with `low` and `high`, whether it is a ratio, `n`, the `clean` value, and the ranks on both.
    """
    found = [
        {
            "dataset": kept.dataset.name,
            "split": kept.dataset.split,
            "metric": kept.metric.name,
            "degradation": kind,
            "method": row.method.label,
            "retention": one.value,
            "low": one.low,
            "high": one.high,
            "is_ratio": kept.as_ratio,
            "n": one.n,
            "clean": row.clean,
            "clean_rank": row.clean_rank,
            "rank": one.rank,
        }
        for kept in table.retention
        for row in kept.rows
        for kind, one in row.by_kind.items()
    ]
    numbers = ["retention", "low", "high", "clean", "clean_rank", "rank"]
    key = ["dataset", "split", "metric", "degradation", "method"]
    return (
        pd.DataFrame(found, columns=[*key, *numbers[:3], "is_ratio", "n", *numbers[3:]])
        .astype(dict.fromkeys(numbers, float))
        .set_index(key)
    )


def versus(table: Table) -> pd.DataFrame:
    """The paired differences to the reference of a table: rows (dataset, split, method, metric).

    Columns as in `results.csv`: the difference with its interval, p after Holm's correction, win rate and verdict.
    """
    found = tidy(table).set_index([*KEY, "metric"])
    return found.loc[found["vs"] != "", VERSUS]
