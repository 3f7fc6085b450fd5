"""What the Python interface gives back: a run, or an evaluation, as data frames and as a table that shows itself."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from rich.console import Console

from uaabench.metrics.profiles import Profile
from uaabench.reporting import frames
from uaabench.reporting.build import build_table, table_of
from uaabench.reporting.failures import failure_lines
from uaabench.reporting.notebook import notebook
from uaabench.reporting.numbers import Numbers
from uaabench.reporting.table import Table
from uaabench.reporting.terminal import print_table
from uaabench.running.evaluation import DATASET, METHOD
from uaabench.running.evidence import DatasetHead, MethodRow, Run
from uaabench.running.units import Failure


@dataclass(frozen=True, repr=False)
class RunResult:
    """What `uaabench.run` gives back; in a notebook it shows itself as its table.

    Attributes:
        evidence: The run as it lies in its directory: manifest and records.
        model: The table that every report format shows.
        failures: Each pair for which a stage has no result, with the reason; empty where all went well.
        report_files: The reports that were written.
    """

    evidence: Run
    model: Table
    failures: tuple[Failure, ...]
    report_files: tuple[Path, ...]

    @property
    def folder(self) -> Path:
        """The run directory."""
        return self.evidence.folder

    @property
    def table(self) -> pd.DataFrame:
        """The means: rows (dataset, split, method), a column for each metric, NaN for a mean that does not exist."""
        return frames.means(self.model)

    @property
    def tidy(self) -> pd.DataFrame:
        """One row for each data set, method and metric: mean, interval, n, mark and, where n is short, the reason."""
        return frames.tidy(self.model)

    @property
    def records(self) -> pd.DataFrame:
        """Every single value, or the reason why there is none: `records.parquet` of the run."""
        return self.evidence.records

    @property
    def retention(self) -> pd.DataFrame:
        """What degraded input leaves of each number: rows (dataset, split, metric, degradation, method)."""
        return frames.retention(self.model)

    def versus(self, reference: str) -> pd.DataFrame:
        """Compare every method with one of them, pair by pair.

        Args:
            reference: Label of the method that the others are compared with.

        Returns:
            Rows (dataset, split, method, metric): the mean difference on the same pairs with its paired interval, the
            p-value of Wilcoxon's test after Holm's correction, the share of the pairs won, and a verdict.

        Raises:
            UsageError: There is no such method in this run.
        """
        return frames.versus(table_of(self.evidence, reference))

    def __repr__(self) -> str:
        return f"{_text(self.model, self.failures)}\nRun directory: {self.folder}"

    def _repr_html_(self) -> str:
        return notebook(self.model, failure_lines(self.failures))


@dataclass(frozen=True, repr=False)
class Evaluation:
    """What `uaabench.evaluate` gives back; in a notebook it shows itself as a table.

    Attributes:
        model: The table, with the fused images as its only row.
        records: Every single value, or the reason why there is none, with the columns of those of a run.
    """

    model: Table
    records: pd.DataFrame

    @property
    def means(self) -> pd.DataFrame:
        """One row for each metric: mean over the pairs with a value, interval, n, and why n is short."""
        columns = {"mean": "mean", "ci_low": "low", "ci_high": "high", "n": "n", "n_planned": "planned"}
        found = frames.tidy(self.model).set_index("metric")
        return found[[*columns, "reason"]].rename(columns=columns)

    @property
    def pairs(self) -> pd.DataFrame:
        """One row for each pair: status (ok, undefined or failed), reason, and a column for each metric."""
        known = self.records[self.records["metric"] != ""]
        values = known.pivot(index="pair", columns="metric", values="value").astype(float).rename_axis(columns=None)
        told = self._told
        facts = pd.DataFrame({"status": told["status"].map(_worst), "reason": told["reason"].map(_joined)})
        return facts.join(values.reindex(columns=[metric.name for metric in self.model.metrics]))

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Each pair that was not scored as a whole, with the reason; empty where all went well."""
        told = self.pairs.loc[lambda pairs: pairs["status"] == "failed", "reason"]
        return tuple(Failure("score", METHOD, DATASET, "", str(pair), reason) for pair, reason in told.items())

    @property
    def _told(self) -> pd.DataFrame:
        """By pair, in order, the lists of what its records say."""
        named = self.records["metric"].where(self.records["metric"] == "", self.records["metric"] + ": ")
        said = (named + self.records["reason"]).where(self.records["reason"] != "", "")
        return self.records.assign(reason=said).groupby("pair", sort=False)[["status", "reason"]].agg(list)

    def __repr__(self) -> str:
        return _text(self.model, self.failures)

    def _repr_html_(self) -> str:
        return notebook(self.model, failure_lines(self.failures))


def evaluation_of(records: pd.DataFrame, profile: Profile, metrics: Sequence[str], title: str) -> Evaluation:
    """Make the table of an evaluation by the rules of every other table; its only row is not marked.

    Args:
        records: From `uaabench.running.evaluation.score`.
        profile: The convention of the numbers.
        metrics: Names of the metrics, in order.
        title: How the row is called.
    """
    table = build_table(
        Numbers(records, profile.name, profile.version),
        methods=[MethodRow(label=METHOD, title=title, kind="precomputed")],
        datasets=[DatasetHead(name=DATASET, title="Images", split="", planned=records["pair"].nunique())],
        metrics=profile.look_up(metrics),
    )
    (section,) = table.sections
    rows = [
        replace(row, cells={name: replace(cell, mark=None) for name, cell in row.cells.items()}) for row in section.rows
    ]
    return Evaluation(replace(table, sections=[replace(section, rows=rows)]), records)


def _worst(statuses: Sequence[str]) -> str:
    return next((status for status in ("failed", "undefined") if status in statuses), "ok")


def _joined(reasons: Sequence[str]) -> str:
    return "; ".join(reason for reason in reasons if reason)


def _text(table: Table, failures: Sequence[Failure]) -> str:
    """The table as on a terminal without styles, with what failed below it."""
    printed = io.StringIO()
    # In a notebook rich would show the text by itself instead of writing it.
    print_table(table, Console(file=printed, force_jupyter=False, force_terminal=False))
    return "\n".join([printed.getvalue().rstrip(), *failure_lines(failures)])
