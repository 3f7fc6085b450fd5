"""The run directory: what is kept where, and what of it is believed.

    R/manifest.json                                  the run: configuration, versions, hashes; written last
    R/lock                                           there while a process works in the directory
    R/<stage>/<data set>/<split>/<method>-<key8>/    unit.json, results.jsonl, results-<n>.jsonl; images
    R/records.parquet                                all records of the run, one value a row
    R/tallies.parquet                                what judges found in each pair, for measures of whole data sets
    R/report/                                        the tables

A unit's folder is named by the hash of everything its result depends on, so finished work is found again by looking. A
unit is finished when each of its pairs has a result, and nothing but the results says so: a line that was cut,
changed, lost or belongs to another unit is no result, and its pair is worked on again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uaabench.core import files
from uaabench.core.errors import DataError, StorageError, UsageError
from uaabench.running.units import Failure, Unit

RESULTS = "results.jsonl"
# Bytes of results files whose content is kept in memory, where it takes some times as much.
MOST_KEPT = 100_000_000
Holds = Callable[[str, Any], bool]


@dataclass(frozen=True, slots=True)
class Result:
    """What a unit keeps of one pair: a value, or a reason why it is missing or lacks a part."""

    value: Any
    reason: str = ""


def open_run(folder: Path) -> Path:
    """Make the run directory, or say why it cannot be written.

    Raises:
        StorageError: The folder cannot be made or written.
    """
    probe = folder / f".writable-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StorageError(
            f"Cannot write the run directory {folder}: {error.strerror or error}; choose another with --out."
        ) from error
    return folder


def read_json(path: Path) -> Any:
    """Read JSON, or None where there is no such file.

    Raises:
        DataError: The file is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path} cannot be read: {' '.join(str(error).split())}; give the command of the run again, or copy the "
            "file from where it was whole."
        ) from error


def begin(run: Path, unit: Unit, kept: Mapping[str, Result]) -> None:
    """Make the folder of a unit, say in it what it holds, and keep of its earlier results just these.

    Raises:
        StorageError: The folder cannot be written.
    """
    folder = run / unit.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError.of(folder, error) from error
    facts = {
        "stage": unit.stage,
        "key": unit.key,
        "method": unit.method.label,
        "weights": unit.method.weights.sha256,
        "dataset": unit.dataset.label,
        "split": unit.dataset.split,
        "index": unit.dataset.index,
    }
    files.write_json(folder / "unit.json", facts)
    lines = [_line(unit, pair, result) for pair, result in kept.items()]
    files.write_text(folder / RESULTS, "".join(line + "\n" for line in lines))
    for file in (*folder.glob("results-*.jsonl"), *folder.glob(".*.partial*")):
        file.unlink(missing_ok=True)


def append(run: Path, unit: Unit, share: int | str, pair: str, result: Result) -> None:
    """Keep the result of one pair, and have it on the disk when this returns; each share writes a file of its own.

    Raises:
        StorageError: It cannot be written.
    """
    file = run / unit.folder / f"results-{share}.jsonl"
    try:
        with file.open("a+b") as stream:
            stream.seek(max(stream.seek(0, os.SEEK_END) - 1, 0))
            # Half a line that a death or a full disk left must not take this one along.
            start = "" if stream.read(1) in (b"", b"\n") else "\n"
            stream.write(f"{start}{_line(unit, pair, result)}\n".encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise StorageError.of(file, error) from error


def results(run: Path, unit: Unit) -> dict[str, Result]:
    """The results of a unit by pair, in the order of its pairs; what is no whole line of this unit is left out.

    Of several lines for a pair one without a reason counts.
    """
    found = read_results(run / unit.folder, unit.key)
    return {pair.id: found[pair.id] for pair in unit.dataset.pairs if pair.id in found}


def read_results(folder: Path, key: str) -> Mapping[str, Result]:
    """The results by pair that lie in the folder of the unit of a key, in no order; see `results`."""
    marked = tuple((file, files.fingerprint(file)) for file in sorted(folder.glob("results*.jsonl")))
    return _parsed(key, marked)


Marked = tuple[tuple[Path, tuple[int, int, int] | None], ...]
# What was read lately, by key and files, each with the fingerprint that tells whether it was written to since. Results
# are asked for several times, by the unit itself and by those that read its artefacts, but there may be millions.
_read: OrderedDict[tuple[str, Marked], Mapping[str, Result]] = OrderedDict()


def _parsed(key: str, marked: Marked) -> Mapping[str, Result]:
    """What whole lines some files hold."""
    known = _read.pop((key, marked), None)
    found = _read[key, marked] = _parse(key, marked) if known is None else known
    while len(_read) > 1 and sum(map(_size, _read)) > MOST_KEPT:
        _read.popitem(last=False)
    return found


def _size(read: tuple[str, Marked]) -> int:
    """Bytes of the files that were read."""
    return sum(fingerprint[0] for _, fingerprint in read[1] if fingerprint)


def _parse(key: str, marked: Marked) -> dict[str, Result]:
    found: dict[str, Result] = {}
    for file, _ in marked:
        try:
            lines = file.read_bytes().splitlines()
        except OSError:
            continue
        for line in lines:
            entry = _entry(key, line)
            if entry and (entry[0] not in found or not entry[1].reason):
                found[entry[0]] = entry[1]
    return found


def finished(run: Path, unit: Unit, holds: Holds) -> dict[str, Result]:
    """The results that are whole and still stand: `holds` says whether what a value stands for is what it was."""
    known = results(run, unit).items()
    return {pair: result for pair, result in known if not result.reason and holds(pair, result.value)}


def _line(unit: Unit, pair: str, result: Result) -> str:
    content = json.dumps([pair, result.value, result.reason], allow_nan=False)
    return json.dumps({"check": _check(unit.key, content), "result": content})


def _entry(key: str, line: bytes) -> tuple[str, Result] | None:
    try:
        # A text is read faster than bytes, whose encoding would be guessed.
        entry = json.loads(line.decode())
        content = entry["result"]
        if entry["check"] != _check(key, content):
            return None
        pair, value, reason = json.loads(content)
        return pair, Result(value, reason)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _check(key: str, content: str) -> str:
    """What binds a line to its unit and its content."""
    return hashlib.sha256(f"{key}{content}".encode()).hexdigest()[:16]


def failures(run: Path, units: Iterable[Unit]) -> list[Failure]:
    """The pairs of some units that have failed, with reasons, in their order."""
    return [
        Failure(unit.stage, unit.method.label, unit.dataset.label, unit.dataset.split, pair, result.reason)
        for unit in units
        for pair, result in results(run, unit).items()
        if result.reason
    ]


def missing(run: Path, units: Iterable[Unit]) -> list[Failure]:
    """The pairs of some units that have neither a result nor a reason, although there is what it would be made of."""
    reason = "not computed; give the command of the run again"
    return [
        Failure(unit.stage, unit.method.label, unit.dataset.label, unit.dataset.split, pair.id, reason)
        for unit in units
        for known, there in [(results(run, unit), ready(run, unit))]
        for pair in unit.dataset.pairs
        if pair.id in there and pair.id not in known
    ]


def ready(run: Path, unit: Unit) -> set[str]:
    """The pairs that a unit can work on: those with an artefact, where it reads one."""
    return set(artefact_hashes(run, unit)) if unit.fused else {pair.id for pair in unit.dataset.pairs}


def discard(run: Path, units: Iterable[Unit]) -> None:
    """Forget what was computed for these units (`--fresh`)."""
    for unit in units:
        shutil.rmtree(run / unit.folder, ignore_errors=True)


def artefact(run: Path, unit: Unit, pair: str) -> Path:
    """Where the fused image of a pair lies."""
    return run / unit.artefacts / f"{pair}.png"


def file_facts(path: Path) -> dict[str, Any]:
    """What is kept of a file that belongs to a result: its SHA-256 and its fingerprint.

    Raises:
        DataError: It cannot be read.
    """
    try:
        return {"sha256": files.sha256(path), "fingerprint": files.fingerprint(path)}
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror or error}.") from error


def is_unchanged(path: Path, facts: Mapping[str, Any]) -> bool:
    """Whether a file is what `file_facts` said of it; its content is read only where its fingerprint differs."""
    now = files.fingerprint(path)
    if now is None:
        return False
    try:
        return bool(list(now) == facts["fingerprint"] or files.sha256(path) == facts["sha256"])
    except OSError:
        return False


def state(run: Path, unit: Unit) -> str:
    """A digest of what tells whether anything in the folder of a unit was written to, added or removed."""
    try:
        with os.scandir(run / unit.folder) as entries:
            return files.digest(sorted((entry.name, files.state(entry)) for entry in entries))
    except OSError:
        return ""


def artefact_hashes(run: Path, unit: Unit) -> dict[str, str]:
    """SHA-256 of the artefacts that a unit reads, by pair; of pairs that were fused."""
    known = results(run, unit.fused or unit).items()
    return {pair: result.value["sha256"] for pair, result in known if not result.reason}


def verified_artefact(run: Path, unit: Unit, pair: str, sha256: str) -> Path:
    """The artefact of a pair, after a look at its content.

    Raises:
        DataError: It is gone, or another than the one that was fused.
    """
    path = artefact(run, unit, pair)
    if file_facts(path)["sha256"] != sha256:
        raise DataError(f"{path} is not the image that was fused; run the whole command again, which makes it anew.")
    return path


def refuse_absent(run: Path, units: Sequence[Unit]) -> None:
    """Refuse to go on from units of which a run holds nothing: their data, weights or versions have changed.

    Raises:
        UsageError: A unit has no result at all, although there is what it would be made of.
    """
    for unit in units:
        if not results(run, unit) and ready(run, unit):
            raise UsageError(
                f"{run} holds nothing of '{unit.name}' as it is now: its images, label maps, weights, options or "
                "version are not those of the run any more; bring them back, or give the whole command of the run in "
                "a new folder. What the run held is untouched."
            )
