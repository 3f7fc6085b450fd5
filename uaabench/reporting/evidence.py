"""What a report is made from: the records and the manifest of a run, and what its methods cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uaabench.core.errors import UsageError
from uaabench.core.interface import Metric
from uaabench.judges.segmentation import kept
from uaabench.judges.segmentation.kept import Judged
from uaabench.judges.segmentation.records import MEAN_IOU, SPREAD
from uaabench.methods import efficiency
from uaabench.metrics.profiles import Profile, profile
from uaabench.reporting.build import build_table
from uaabench.reporting.numbers import Numbers
from uaabench.reporting.table import ClassScores, DatasetHead, MethodRow, Table
from uaabench.running import store

if TYPE_CHECKING:
    import pandas as pd


def _of_no_image(_fused: object, _ir: object, _vi: object) -> float:
    """MIoU is a measure of a data set, not of an image."""
    return float("nan")


MEAN_IOU_COLUMN = Metric(
    name=MEAN_IOU,
    title="mean intersection over union of a segmenter's classes",
    compute=_of_no_image,
    higher_is_better=True,
    range=(0.0, 1.0),
    gameable_by_noise=False,
    version=1,
    reference="docs/protocols.md",
    formula="mean over classes of TP / (TP + FP + FN), summed over all pixels of the data set",
)


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

    @cached_property
    def judged(self) -> Mapping[tuple[str, str, str], Judged]:
        """What segmenters found in its images, by data set, split and method."""
        return kept.read(self.run)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Its metrics, in order."""
        measured = self.profile.look_up(self.facts["metrics"])
        return (*measured, MEAN_IOU_COLUMN) if self.numbers.has_mean_iou() else tuple(measured)

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
        table = build_table(
            self.numbers,
            methods=self.methods,
            datasets=self.datasets,
            metrics=self.metrics,
            reference=reference,
            marks_floor=marks_floor,
            efficiency=efficiency.read(cost) if cost.is_file() else (),
        )
        found = [scores for dataset in self.datasets if (scores := self._class_scores(dataset))]
        return replace(table, segmentation=found)

    def _class_scores(self, dataset: DatasetHead) -> ClassScores | None:
        """What a segmenter found in the images of a data set; None where none was asked."""
        here = self.records[(self.records["dataset"] == dataset.name) & (self.records["split"] == dataset.split)]
        per_class = here[(here["scope"] == "class") & (here["metric"] == "IoU")]
        if per_class.empty:
            return None
        iou: dict[str, dict[str, float]] = {}
        for method, name, value in per_class[["method", "class", "value"]].dropna().itertuples(index=False):
            iou.setdefault(method, {})[name] = float(value)
        overall: dict[str, dict[str, float]] = {}
        whole = here[here["scope"] == "method"]
        for method, name, value in whole[["method", "metric", "value"]].dropna().itertuples(index=False):
            overall.setdefault(method, {})[name] = float(value)
        return ClassScores(
            dataset=dataset,
            judge=str(per_class["profile"].iloc[0]),
            classes=list(dict.fromkeys(per_class["class"])),
            iou=iou,
            overall=overall,
            spread={method: found[SPREAD] for method, found in overall.items() if SPREAD in found},
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
    weights = (
        f"track {method['track']}, {method['weights']} weights {method['sha256'][:12]}" if method["sha256"] else ""
    )
    return MethodRow(
        label=method["label"],
        title=method["title"],
        kind=method["kind"],
        track=method["track"],
        weights=weights,
        bibtex=method.get("bibtex", ""),
    )
