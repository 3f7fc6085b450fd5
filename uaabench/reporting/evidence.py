"""What a report is made from: the records and the manifest of a run, and what its methods cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uaabench import efficiency, store
from uaabench.errors import UsageError
from uaabench.metrics.profiles import Profile, profile
from uaabench.reporting.build import build_table
from uaabench.reporting.numbers import Numbers
from uaabench.reporting.table import DatasetHead, MethodRow, Table

if TYPE_CHECKING:
    import pandas as pd

    from uaabench.interface import Metric


@dataclass(frozen=True)
class Evidence:
    """A run as it lies in its directory; needs neither the data nor the artefacts.

    Attributes:
        run: The run directory.
        facts: Its manifest.
        records: Its records.
        numbers: Its values.
        profile: Convention of its metrics.
    """

    run: Path
    facts: dict[str, Any]
    records: pd.DataFrame
    numbers: Numbers
    profile: Profile

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Its metrics, in order."""
        return tuple(self.profile.look_up(self.facts["metrics"]))

    @property
    def datasets(self) -> list[DatasetHead]:
        """Its data sets, in order."""
        return [
            DatasetHead(name=entry["label"], title=entry["title"], split=entry["split"], planned=entry["pairs"])
            for entry in self.facts["datasets"]
        ]

    @property
    def methods(self) -> list[MethodRow]:
        """Its methods, in order."""
        return [_row(entry) for entry in self.facts["methods"]]

    def table(self, reference: str = "", *, marks_floor: bool = False) -> Table:
        """The table of the run; see `build_table` for the arguments."""
        cost = self.run / "efficiency.json"
        return build_table(
            self.numbers,
            methods=self.methods,
            datasets=self.datasets,
            metrics=self.metrics,
            reference=reference,
            marks_floor=marks_floor,
            efficiency=efficiency.read(cost) if cost.is_file() else (),
        )


def load(run: Path) -> Evidence:
    """Read what a run left.

    Raises:
        UsageError: The folder holds no records, or they were made by another version of the profile.
    """
    import pandas as pd

    facts = store.read_json(run / "manifest.json")
    records = run / "records.parquet"
    if facts is None or not records.is_file():
        raise UsageError(f"{run} holds no records of a run; name the folder that was given as --out.")
    named = facts["profile"]
    convention = profile(named["name"])
    if convention.version != named["version"]:
        raise UsageError(
            f"The records of {run} are of profile {named['name']} version {named['version']}, but this uaabench "
            f"computes version {convention.version}; run 'uaabench score {run}' first."
        )
    table = pd.read_parquet(records)
    return Evidence(run, facts, table, Numbers(table, convention.name, convention.version), convention)


def _row(method: dict[str, Any]) -> MethodRow:
    weights = f"{method['weights']} weights {method['sha256'][:12]}" if method["sha256"] else ""
    return MethodRow(
        label=method["label"],
        title=method["title"],
        kind=method["kind"],
        track=method["track"],
        weights=weights,
        bibtex=method.get("bibtex", ""),
    )
