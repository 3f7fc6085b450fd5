"""Comparing two runs on the same pairs, and the gate that fails when a run got worse than its reference.

A value changed for the worse only when it is worse by more than its tolerance *and* the paired 95 % interval of the
difference excludes zero: the first keeps rounding of another processor from failing a build, the second the noise of
a few images. Runs are compared only where a difference means something: one profile, the same images, the same classes.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from uaabench.core.errors import StorageError, UsageError, unknown_name
from uaabench.core.files import write_json
from uaabench.core.interface import Metric
from uaabench.judges.segmentation import kept
from uaabench.judges.segmentation.confusion import difference_interval, mean_iou
from uaabench.judges.segmentation.records import MEAN_IOU
from uaabench.reporting import files
from uaabench.reporting.evidence import Evidence, load
from uaabench.reporting.table import DatasetHead
from uaabench.running import store
from uaabench.statistics import compare_pairs, holm

Verdict = Literal["same", "worse", "better", "missing"]
# Entries of a manifest that name places on the machine of the run, or the way it was called there.
PRIVATE = ("argv", "data_root", "plugins", "root", "folder", "platform")
# What a reference consists of.
REFERENCE_FILES = ("manifest.json", "records.parquet", kept.FILE, "reference.json", "report")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a mean may move before it counts: in the unit of the metric, or as a share of the reference's mean."""

    amount: float
    is_share: bool

    def around(self, mean: float) -> float:
        """The tolerance of a metric whose reference has this mean."""
        return self.amount * abs(mean) if self.is_share else self.amount

    @classmethod
    def parse(cls, text: str) -> Tolerance:
        """Read `0.002` or `0.5%`.

        Raises:
            UsageError: It is no number, or a negative one.
        """
        try:
            amount = float(text.removesuffix("%"))
        except ValueError:
            amount = math.nan
        if not 0 <= amount < math.inf:
            raise UsageError(f"'{text}' is no tolerance; write a number such as 0.002, or a share such as 0.5%.")
        return cls(amount / 100, True) if text.endswith("%") else cls(amount, False)


@dataclass(frozen=True)
class Tolerances:
    """A tolerance for each metric: its own, or else the general one of 0.2 % of the reference's mean."""

    general: Tolerance = Tolerance(0.002, True)
    by_metric: dict[str, Tolerance] = field(default_factory=dict)

    def of(self, metric: str) -> Tolerance:
        """The tolerance of a metric."""
        return self.by_metric.get(metric, self.general)

    @classmethod
    def parse(cls, entries: Iterable[str], metrics: Sequence[Metric]) -> Tolerances:
        """Read entries such as `qabf=0.002`, `sd=1%`, or `0.5%` for all other metrics.

        Raises:
            UsageError: An entry names no metric of the run, or has no number.
        """
        names = {metric.name.lower(): metric.name for metric in metrics}
        found = cls()
        for entry in entries:
            name, has_name, text = entry.rpartition("=")
            tolerance = Tolerance.parse(text)
            if not has_name:
                found = replace(found, general=tolerance)
            elif name.lower() not in names:
                raise unknown_name("metric of the reference", name, names.values())
            else:
                found.by_metric[names[name.lower()]] = tolerance
        return found


@dataclass(frozen=True, kw_only=True)
class Change:
    """One metric of one method on one data set, in two runs.

    Attributes:
        dataset: Label of the data set.
        split: Its split.
        method: Label of the method.
        metric: Name of the metric.
        before: Mean of the reference over the pairs for which both runs have a value; None if there are none.
        after: Mean of the run over them.
        difference: After minus before.
        low: Lower end of the paired 95 % interval of the difference; None for a single pair.
        high: Its upper end.
        n: Number of those pairs.
        p_value: Of the Wilcoxon signed-rank test, after Holm's correction over all changes; None if there are none,
            and for mIoU, which has no value for a pair.
        win_rate: Share of those pairs on which the run is better, a tie counting one half; None likewise.
        tolerance: How far the mean may get worse, in the unit of the metric.
        verdict: same, worse, better, or missing where the run lacks a value that the reference has.
        reason: What is missing.
    """

    dataset: str
    split: str
    method: str
    metric: str
    before: float | None = None
    after: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    p_value: float | None = None
    win_rate: float | None = None
    tolerance: float = 0.0
    verdict: Verdict = "same"
    reason: str = ""

    @property
    def fails(self) -> bool:
        """Whether the gate fails because of it."""
        return self.verdict in ("worse", "missing")

    @property
    def where(self) -> str:
        """Data set, method and metric, for example `msrs uaa Qabf`."""
        return f"{self.dataset} {self.method} {self.metric}"

    @property
    def sentence(self) -> str:
        """What changed, in one sentence."""
        if self.verdict == "missing" or self.before is None or self.after is None or self.difference is None:
            return f"{self.where} is missing: {self.reason}."
        interval = f", 95 % interval [{self.low:+.4f}, {self.high:+.4f}]" if self.low is not None else ""
        return (
            f"{self.where} is {self.verdict}: {self.before:.4f} before, {self.after:.4f} now, difference "
            f"{self.difference:+.4f}{interval}, tolerance {self.tolerance:.4g}, n = {self.n}."
        )


def changes(run: Evidence, reference: Evidence, tolerances: Tolerances | None = None) -> list[Change]:
    """Compare a run with its reference: every metric of every method and data set that the reference has.

    Args:
        run: The new run.
        reference: What it is compared with.
        tolerances: How far a mean may get worse; 0.2 % of the reference's mean unless given.

    Raises:
        UsageError: The two are of different profiles, images or classes, or a data set has a single pair.
    """
    refuse_unlike(run, reference)
    tolerances = tolerances or Tolerances()
    found = [
        _change(run, reference, dataset, method.label, metric, tolerances.of(metric.name))
        for dataset in reference.datasets
        for method in reference.methods
        for metric in reference.metrics
        if len(reference.numbers.values(dataset, method.label, metric.name))
    ]
    found += [
        _mean_iou_change(run, reference, dataset, method.label, tolerances.of(MEAN_IOU))
        for dataset in reference.datasets
        for method in reference.methods
        if (dataset.name, dataset.split, method.label) in reference.judged
    ]
    corrected = holm([math.nan if change.p_value is None else change.p_value for change in found])
    return [
        change if change.p_value is None else replace(change, p_value=p_value)
        for change, p_value in zip(found, corrected, strict=True)
    ]


def refuse_unlike(run: Evidence, reference: Evidence) -> None:
    """Refuse two runs whose numbers cannot be compared.

    Raises:
        UsageError: They differ in profile or version, or in the images or classes of a data set that both have.
    """
    here, there = (evidence.facts["profile"] for evidence in (run, reference))
    if here != there:
        raise UsageError(
            f"{run.run} has profile {here['name']} version {here['version']} but {reference.run} has {there['name']} "
            f"version {there['version']}; score one of them again: uaabench score RUN --profile {there['name']}"
        )
    known = {entry["label"]: entry for entry in run.facts["datasets"]}
    for entry in reference.facts["datasets"]:
        other = known.get(entry["label"], entry)
        for name, what in (("index", "images"), ("classes", "classes")):
            if name in entry and name in other and entry[name] != other[name]:
                raise UsageError(
                    f"The {what} of the data set '{entry['label']}' are not the same in {run.run} ({other['pairs']} "
                    f"pairs) and {reference.run} ({entry['pairs']} pairs); run both on the same data and --limit."
                )


def _change(
    run: Evidence, reference: Evidence, dataset: DatasetHead, method: str, metric: Metric, tolerance: Tolerance
) -> Change:
    before = reference.numbers.values(dataset, method, metric.name)
    after = run.numbers.values(dataset, method, metric.name)
    common = before.index.intersection(after.index)
    where = Change(dataset=dataset.name, split=dataset.split, method=method, metric=metric.name, n=len(common))
    lost = before.index.difference(after.index)
    if len(common) == 0:
        return replace(where, verdict="missing", reason=_absent(run, dataset, method))
    if len(before) == 1:
        raise UsageError(
            f"The reference has a single pair of '{dataset.name}', of which no interval can be computed; "
            "make a reference with more pairs."
        )
    old, new = before[common].to_numpy(), after[common].to_numpy()
    test = compare_pairs(new, old, higher_is_better=metric.higher_is_better)
    has_interval = math.isfinite(test.difference.low)
    judged = replace(
        where,
        before=float(old.mean()),
        after=float(new.mean()),
        difference=test.difference.mean,
        low=test.difference.low if has_interval else None,
        high=test.difference.high if has_interval else None,
        p_value=test.p_value,
        win_rate=test.win_rate,
        tolerance=tolerance.around(float(old.mean())),
    )
    if len(lost):
        return replace(judged, verdict="missing", reason=f"no value for {len(lost)} pairs, such as {lost[0]}")
    return replace(judged, verdict=_judge(judged, higher_is_better=metric.higher_is_better))


def _mean_iou_change(
    run: Evidence, reference: Evidence, dataset: DatasetHead, method: str, tolerance: Tolerance
) -> Change:
    """MIoU has no values of pairs: its interval comes from the matrices of both runs, and there is no test."""
    place = (dataset.name, dataset.split, method)
    before, after = reference.judged[place], run.judged.get(place)
    where = Change(dataset=dataset.name, split=dataset.split, method=method, metric=MEAN_IOU)
    if after is None:
        return replace(where, verdict="missing", reason=_absent(run, dataset, method))
    if after.judge != before.judge:
        reason = f"it was judged by '{before.judge}' and now by '{after.judge}'"
        return replace(where, verdict="missing", reason=reason)
    if lost := sorted(set(before.pairs) - set(after.pairs)):
        return replace(where, verdict="missing", reason=f"no value for {len(lost)} pairs, such as {lost[0]}")
    old, new = before.matrices, after.on(before.pairs)
    low, high = difference_interval(old, new, before.protocol)
    was, now = mean_iou(old, before.protocol), mean_iou(new, before.protocol)
    judged = replace(
        where,
        before=was,
        after=now,
        difference=now - was,
        low=low if math.isfinite(low) else None,
        high=high if math.isfinite(high) else None,
        n=len(before.pairs),
        tolerance=tolerance.around(was),
    )
    return replace(judged, verdict=_judge(judged, higher_is_better=True))


def _judge(change: Change, *, higher_is_better: bool) -> Verdict:
    if change.difference is None or change.low is None or change.high is None:
        return "same"
    excludes_zero = change.low > 0 or change.high < 0
    if abs(change.difference) <= change.tolerance or not excludes_zero:
        return "same"
    return "better" if (change.difference > 0) == higher_is_better else "worse"


def _absent(run: Evidence, dataset: DatasetHead, method: str) -> str:
    if dataset.name not in {entry.name for entry in run.datasets}:
        return f"the run has no data set {dataset.name}"
    if method not in {entry.label for entry in run.methods}:
        return f"the run has no method {method}"
    return "the run has no value for any pair"


def remarks(run: Evidence, reference: Evidence) -> Iterator[str]:
    """What else differs between two runs: weights, versions, methods only the new one has; and what is not compared."""
    if reference.numbers.has_mean_iou() and not reference.judged:
        yield f"mIoU is not compared, as {reference.run} keeps no {kept.FILE}; make that run anew."
    known = {entry["label"]: entry for entry in reference.facts["methods"]}
    for entry in run.facts["methods"]:
        other = known.get(entry["label"])
        if other is None:
            yield f"{entry['label']} is new: the reference does not have it."
            continue
        for name, what in (("sha256", "weights"), ("version", "version"), ("options", "options")):
            if entry[name] != other[name]:
                old, new = (str(side[name])[:12] or "none" for side in (other, entry))
                yield f"{entry['label']} has other {what}: {old} before, {new} now."


def write_reference(run: Evidence, folder: Path, reason: str) -> list[Path]:
    """Make a run the new reference: its manifest without places, its records, its tables, and why.

    The new reference is made beside the old one and takes its place as a whole; when that fails, the old one stays.
    Other files in the folder, such as a README, are kept.

    Args:
        run: The run.
        folder: The reference; made where it is missing.
        reason: Why the reference changes; kept in `reference.json` with the reasons of earlier changes.

    Raises:
        UsageError: The run is empty, a pair of it has failed, it is the reference itself, or the folder holds
            something else than a reference.
        StorageError: The folder cannot be written.
    """
    _refuse_as_reference(run, folder)
    earlier = (store.read_json(folder / "reference.json") or {}).get("history", [])
    entry = {"date": datetime.now(UTC).date().isoformat(), "reason": reason, "plan": run.facts["plan"]}
    place = folder.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent, ignore_cleanup_errors=True) as beside:
            made, old = Path(beside) / "new", Path(beside) / "old"
            if place.is_dir():
                shutil.copytree(place, made, symlinks=True, ignore=shutil.ignore_patterns(*REFERENCE_FILES))
            made.mkdir(exist_ok=True)
            write_json(made / "manifest.json", _public(run.facts))
            shutil.copyfile(run.run / "records.parquet", made / "records.parquet")
            if run.judged:
                shutil.copyfile(run.run / kept.FILE, made / kept.FILE)
            write_json(made / "reference.json", {"history": [*earlier, entry]})
            names = [path.name for path in files.write(files.texts(load(made).table()), made / "report")]
            _swap(made, place, old)
    except OSError as error:
        raise StorageError.of(folder, error) from error
    return [folder / "report" / name for name in names]


def _refuse_as_reference(run: Evidence, folder: Path) -> None:
    """Refuse a run of which no reference can be made, and a folder that holds more than one."""
    if run.records.empty:
        raise UsageError(f"{run.run} holds no value; a reference must have some, so score the run first.")
    if (run.records["status"] == "failed").any():
        raise UsageError(f"Pairs of {run.run} have failed; a reference must be complete, so mend them first.")
    here, there = run.run.resolve(), folder.resolve()
    if here == there or there in here.parents:
        raise UsageError(
            f"The reference {folder} would take the place of the run {run.run} and keeps no images; name another "
            "--reference."
        )
    if folder.exists() and not (folder / "reference.json").is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder} holds something else than a reference written by --update, and would be replaced; name another "
            "--reference."
        )


def _swap(made: Path, place: Path, old: Path) -> None:
    """Put a new folder in the place of the old one, and the old one back where that fails."""
    if not place.exists():
        made.rename(place)
        return
    place.rename(old)
    try:
        made.rename(place)
    except BaseException:
        old.rename(place)
        raise


def _public(facts: Any) -> Any:
    """A manifest without what only concerns the machine of the run."""
    if isinstance(facts, dict):
        return {name: _public(value) for name, value in facts.items() if name not in PRIVATE}
    return [_public(value) for value in facts] if isinstance(facts, list) else facts


def as_json(found: Sequence[Change], notes: Sequence[str]) -> str:
    """JSON object: whether the gate passed, every change, and remarks; `schema` is raised when an entry changes."""
    content = {
        "schema": 1,
        "passed": not any(change.fails for change in found),
        "changes": [asdict(change) for change in found],
        "remarks": list(notes),
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_junit(found: Sequence[Change]) -> str:
    """JUnit XML: a test case for each metric of each method and data set, failed where the gate fails."""
    from xml.etree import ElementTree

    failures = sum(change.fails for change in found)
    suite = ElementTree.Element(
        "testsuite", name="uaabench check", tests=str(len(found)), failures=str(failures), errors="0"
    )
    for change in found:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"{change.dataset}.{change.method}", name=change.metric, time="0"
        )
        if change.fails:
            ElementTree.SubElement(case, "failure", message=change.sentence, type=change.verdict)
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def as_annotations(found: Iterable[Change]) -> Iterator[str]:
    """GitHub workflow commands: an error for each failure of the gate, a notice for each improvement."""
    for change in found:
        if change.verdict != "same":
            level = "error" if change.fails else "notice"
            yield f"::{level} title=uaabench {_command(change.where, ':,')}::{_command(change.sentence)}"


def _command(text: str, also: str = "") -> str:
    """A text in a workflow command, whose marks in it are written by their numbers."""
    return "".join(f"%{ord(c):02X}" if c in "%\r\n" + also else c for c in text)
