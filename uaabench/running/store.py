"""The run directory: what is kept where, how a unit is marked as done, and how records are appended and collected.

    R/manifest.json                            the run: configuration, versions, hashes
    R/fuse/<data set>/<method>-<key>/          <pair>.png, unit.json, failures.json, done
    R/score/<data set>/<method>-<key>/         records-<n>.jsonl, unit.json, failures.json, done
    R/segment/<data set>/<method>-<key>/       confusion.jsonl, <pair>.png, unit.json, failures.json, done
    R/records.parquet                          all records of the run, one value a row
    R/confusion.parquet                        the confusion matrices of all segmented pairs
    R/report/                                  results.csv, .md, .json, .tex

A unit's folder is named by the hash of everything its result depends on, so finished work is found again by looking.
Its marker `done` is written last, and never while a pair of it has failed.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uaabench.core.errors import UsageError
from uaabench.judges.segmentation import kept
from uaabench.judges.segmentation.judge import name_of
from uaabench.metrics.profiles import Value
from uaabench.running.plan import Plan, Unit, judged_together, judges

if TYPE_CHECKING:
    import pandas as pd

RECORD_COLUMNS = (
    "run",
    "method",
    "track",
    "dataset",
    "split",
    "scope",
    "pair",
    "class",
    "metric",
    "profile",
    "value",
    "status",
    "reason",
)


@dataclass(frozen=True)
class Failure:
    """Why a stage has no result for a pair, in one sentence."""

    stage: str
    method: str
    dataset: str
    pair: str
    reason: str


def open_run(folder: Path) -> Path:
    """Make the run directory, or say why it cannot be written.

    Raises:
        UsageError: The folder cannot be made or written.
    """
    probe = folder / ".writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"Cannot write the run directory {folder}: {error.strerror or error}; choose another with --out."
        ) from error
    return folder


def write_json(path: Path, content: Any) -> None:
    """Write JSON that is complete or not there at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, path)


def read_json(path: Path) -> Any:
    """Read JSON, or None where there is no such file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def is_done(run: Path, unit: Unit) -> bool:
    """Whether a unit was finished earlier."""
    return (run / unit.folder / "done").is_file()


def begin(run: Path, unit: Unit) -> Path:
    """Make the folder of a unit and say in it what it holds."""
    folder = run / unit.folder
    folder.mkdir(parents=True, exist_ok=True)
    facts = {
        "stage": unit.stage,
        "key": unit.key,
        "method": unit.method.label,
        "weights": unit.method.weights.sha256,
        "dataset": unit.dataset.label,
        "split": unit.dataset.split,
        "index": unit.dataset.index,
    }
    if unit.judge:
        facts |= {"judge": name_of([unit.judge]), "segmenter": unit.judge.file.sha256}
    write_json(folder / "unit.json", facts)
    return folder


def finish(run: Path, unit: Unit, failures: Sequence[Failure]) -> None:
    """Keep the failures of a unit, or mark it as done when there are none."""
    folder = run / unit.folder
    if failures:
        write_json(folder / "failures.json", [asdict(failure) for failure in failures])
        return
    (folder / "failures.json").unlink(missing_ok=True)
    write_json(folder / "done", {"key": unit.key})


def discard(run: Path, units: Iterable[Unit]) -> None:
    """Forget what was computed for these units (`--fresh`)."""
    for unit in units:
        shutil.rmtree(run / unit.folder, ignore_errors=True)


def artefact(run: Path, unit: Unit, pair: str) -> Path:
    """Where the fused image of a pair lies."""
    return run / unit.artefacts / f"{pair}.png"


def append_scores(file: Path, pair: str, values: Sequence[Value]) -> None:
    """Append the values of one pair as one line, so that a killed run leaves whole pairs behind."""
    scores = {value.metric: [_finite(value.value), value.status, value.reason] for value in values}
    append_line(file, json.dumps({"pair": pair, "values": scores}))


def append_line(file: Path, line: str) -> None:
    """Append one line, and have it on the disk when this returns."""
    with file.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def mend(file: Path) -> None:
    """Cut off what a crash left of a last line, before more is appended."""
    if not file.is_file():
        return
    content = file.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with file.open("r+b") as stream:
            stream.truncate(whole)


def read_scores(run: Path, unit: Unit) -> dict[str, dict[str, tuple[float | None, str, str]]]:
    """Read the `append_scores` lines of a unit by pair, each of its files being written by one worker.

    A last line that is not whole is left out: it may just be in the making. Of two lines for a pair the one without a
    failed metric counts.
    """
    scores: dict[str, dict[str, tuple[float | None, str, str]]] = {}
    for file in sorted((run / unit.folder).glob("records*.jsonl")):
        content = file.read_bytes()
        for line in content[: content.rfind(b"\n") + 1].splitlines():
            entry = json.loads(line)
            values = {name: tuple(value) for name, value in entry["values"].items()}
            if entry["pair"] not in scores or _is_whole(values):
                scores[entry["pair"]] = values
    return scores


def read_matrices(file: Path) -> dict[str, list[list[int]]]:
    """The confusion matrix of each pair in a `confusion.jsonl`; a last line that is not whole is left out."""
    if not file.is_file():
        return {}
    content = file.read_bytes()
    entries = map(json.loads, content[: content.rfind(b"\n") + 1].splitlines())
    return {entry["pair"]: entry["matrix"] for entry in entries}


def scored_pairs(run: Path, unit: Unit) -> set[str]:
    """The pairs of a score unit that no metric has failed on; the others are scored again."""
    return {pair for pair, values in read_scores(run, unit).items() if _is_whole(values)}


def _is_whole(values: Mapping[str, tuple[float | None, str, str]]) -> bool:
    return all(status != "failed" for _, status, _ in values.values())


def _finite(value: float) -> float | None:
    """JSON has no NaN: an undefined value is kept as null."""
    return None if math.isnan(value) else value


def consolidate(run: Path, plan: Plan) -> pd.DataFrame:
    """Collect the records of all units of a plan into one long table, and write it and all matrices as Parquet.

    Returns:
        One row per method, data set, pair and metric in plan order; for a pair without a fused image one row with
        status `failed` and an empty metric.
    """
    import pandas as pd

    rows = [row for unit in plan.score for row in _unit_rows(run, unit, plan)]
    rows += [row for units in judged_together(plan.segment) for row in _segment_rows(run, units, plan)]
    records = pd.DataFrame(rows, columns=list(RECORD_COLUMNS))
    partial = run / "records.parquet.partial"
    records.to_parquet(partial, index=False)
    os.replace(partial, run / "records.parquet")
    kept.write(run, [row for units in judged_together(plan.segment) for row in _matrix_rows(run, units, plan)])
    return records


def _whose(unit: Unit, plan: Plan) -> dict[str, Any]:
    """The columns that say what the records of a unit are of."""
    return {
        "run": plan.key[:12],
        "method": unit.method.label,
        "track": unit.method.weights.track,
        "dataset": unit.dataset.label,
        "split": unit.dataset.split,
    }


def _segment_rows(run: Path, units: Sequence[Unit], plan: Plan) -> Iterator[dict[str, Any]]:
    """The records of one method on one data set, over all seeds of its judges."""
    from uaabench.judges.segmentation.records import records

    known = judges(units)
    runs = [read_matrices(run / unit.folder / "confusion.jsonl") for unit in units]
    by_seed = {judge.seed: matrices for judge, matrices in zip(known, runs, strict=True)}
    for row in records(by_seed, known[0].protocol):
        yield {**_whose(units[0], plan), "pair": "", "profile": name_of(known), **row}


def _matrix_rows(run: Path, units: Sequence[Unit], plan: Plan) -> Iterator[dict[str, Any]]:
    """The confusion matrices of one method on one data set, of all its judges."""
    for row in kept.rows(judges(units), [read_matrices(run / unit.folder / "confusion.jsonl") for unit in units]):
        yield {**_whose(units[0], plan), **row}


def _unit_rows(run: Path, unit: Unit, plan: Plan) -> Iterator[dict[str, Any]]:
    common = {**_whose(unit, plan), "scope": "pair", "class": "", "profile": plan.profile.name}
    scores = read_scores(run, unit)
    failures = {failure.pair: failure.reason for failure in read_failures(run, [unit.artefacts, unit.folder])}
    for pair in unit.dataset.pairs:
        values: Mapping[str, tuple[float | None, str, str]] = scores.get(pair.id, {})
        if not values:
            reason = failures.get(pair.id, "not computed")
            yield {**common, "pair": pair.id, "metric": "", "value": None, "status": "failed", "reason": reason}
        for metric, (value, status, reason) in values.items():
            yield {**common, "pair": pair.id, "metric": metric, "value": value, "status": status, "reason": reason}


def read_failures(run: Path, folders: Sequence[Path]) -> list[Failure]:
    """Failures kept in the folders of units, in order."""
    kept = [read_json(run / folder / "failures.json") or [] for folder in folders]
    return [Failure(**entry) for entries in kept for entry in entries]
