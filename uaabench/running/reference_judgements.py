"""What judges found of reference rows: measures of whole data sets, such as mIoU, with the tallies behind them.

They lie beside the values of a reference, of one judge for each stage. They are drawn into a run whose stage, measures
and judge are the same, so that intervals, paired tests and classes work with them as with those of the run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uaabench.core import files
from uaabench.core.errors import DataError
from uaabench.running import stage as stages
from uaabench.running.tables import RECORD_COLUMNS, TALLY_COLUMNS, read_table, tallies_of, write_table

if TYPE_CHECKING:
    import pandas as pd

Facts = Mapping[str, Any]
# What the entry of a judge in a manifest says beside its name and setting, or of the pairs of the run: those are told
# one by one by `truth`.
_OF_THE_RUN = ("method", "dataset", "split", "boxes_sha256")


@dataclass(frozen=True)
class Judgements:
    """What the judges of some methods found on one split of a data set.

    Attributes:
        facts: For each stage an entry as of `judges`.
        records: Records of scope `method` and `class`, with a column `stage`.
        tallies: Tallies of the pairs.
    """

    facts: Sequence[Facts]
    records: pd.DataFrame
    tallies: pd.DataFrame

    def value(self, method: str, measure: str) -> float:
        """A measure of one method over all pairs; NaN where there is none."""
        rows = self.records[(self.records["method"] == method) & (self.records["metric"] == measure)]
        return float(rows["value"].iloc[0]) if len(rows) else math.nan

    def of(self, facts: Sequence[Facts]) -> Judgements:
        """Those of the stages and methods that some entries name."""
        named = {(entry["stage"], label) for entry in facts for label in entry["methods"]}
        return Judgements(facts, *(_rows(table, named) for table in (self.records, self.tallies)))


def judges(run: Facts, dataset: Facts) -> Iterator[dict[str, Any]]:
    """By what a run judges a data set.

    Args:
        run: Its manifest.
        dataset: The entry of the data set there.

    Yields:
        For each stage and judge: `stage`, `version`, `measures` with their versions, `judge` (its name and setting),
        the `methods` that it judged and `truth`, for each pair the hash of what it is compared with; None where the
        manifest is too old to say so.
    """

    def here(entry: Facts) -> bool:
        return (entry["dataset"], entry["split"]) == (dataset["label"], dataset["split"])

    for entry in run["stages"]:
        common = {
            "stage": entry["name"],
            "version": entry["version"],
            "measures": {measure["name"]: measure["version"] for measure in entry["measures"]},
            "truth": next((truth["pairs"] for truth in entry.get("truth", ()) if here(truth)), None),
        }
        found: list[tuple[dict[str, Any], list[str]]] = []
        for judge in filter(here, entry["judges"]):
            named = {name: value for name, value in judge.items() if name not in _OF_THE_RUN}
            methods = next((methods for known, methods in found if known == named), None)
            if methods is None:
                found.append((named, [judge["method"]]))
            else:
                methods.append(judge["method"])
        yield from ({**common, "judge": named, "methods": methods} for named, methods in found)


def joined(earlier: Judgements | None, fresh: Judgements, stay: Collection[str]) -> Judgements:
    """What a reference has of some methods, and what a run adds; where the judge is another one, the run alone.

    Args:
        earlier: What the reference has.
        fresh: What was taken over from a run.
        stay: Methods whose rows are what they were.
    """
    import pandas as pd

    if earlier is None:
        return fresh
    new = {entry["stage"]: entry for entry in fresh.facts}
    kept, facts = [], []
    for entry in earlier.facts:
        ours = new.pop(entry["stage"], None)
        judged_anew = ours["methods"] if ours else []
        methods = [name for name in entry["methods"] if name in stay and name not in judged_anew]
        if ours is not None and unlike(entry, ours):
            methods = []
        if methods:
            kept.append({**entry, "methods": methods})
        if methods or judged_anew:
            facts.append({**(ours or entry), "methods": [*methods, *judged_anew]})
    old = earlier.of(kept)
    records, tallies = (
        pd.concat([before, after], ignore_index=True)
        for before, after in ((old.records, fresh.records), (old.tallies, fresh.tallies))
    )
    return Judgements([*facts, *new.values()], records, tallies)


def unlike(kept: Facts, ours: Facts) -> str:
    """Why what one judge found cannot stand beside what another did: the end of a sentence, empty where it can."""
    if (kept["version"], kept["measures"]) != (ours["version"], ours["measures"]):
        return "it was computed by another version"
    if ours["truth"] is None:
        return "the run does not say what it was compared with; give its command again"
    if any(kept["truth"].get(pair) != found for pair, found in ours["truth"].items()):
        return "it was compared with other label maps or boxes"
    if kept["judge"] != ours["judge"]:
        return f"it is by '{_described(kept)}', and here judges '{_described(ours)}'"
    return ""


def _described(entry: Facts) -> str:
    name, weights = entry["judge"]["name"], entry["judge"].get("weights")
    return f"{name}, weights {weights[:12]}" if weights else str(name)


def lacking(kept: Sequence[Facts], ours: Facts, labels: Sequence[str]) -> tuple[list[str], str]:
    """The rows of which a reference does not have what a run measures, and why.

    Args:
        kept: By what the reference was judged.
        ours: An entry of `judges` of the run.
        labels: The rows.
    """
    theirs = next((entry for entry in kept if entry["stage"] == ours["stage"]), None)
    if theirs is None:
        return list(labels), "nothing was judged so"
    if reason := unlike(theirs, ours):
        return list(labels), reason
    return [label for label in labels if label not in theirs["methods"]], "they were not judged"


def draw(
    judgements: Judgements | None, run: Facts, dataset: Facts, rows: Mapping[str, str], pairs: Collection[str]
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """What judges found of some rows, where those of a run are the same.

    Args:
        judgements: What the reference has.
        run: The manifest of the run.
        dataset: The entry of the data set there.
        rows: The track of each row by its label.
        pairs: The pairs of the run.

    Returns:
        Records and tallies as a run would have them, and sentences on what is not there.
    """
    import pandas as pd

    place, notes = {"dataset": dataset["label"], "split": dataset["split"]}, []
    tables: list[tuple[pd.DataFrame, pd.DataFrame]] = []
    for ours in judges(run, dataset):
        without, why = lacking(judgements.facts if judgements else (), ours, list(rows))
        if without:
            whose = f"'{without[0]}'" if len(without) == 1 else f"{len(without)} rows, for example '{without[0]}'"
            notes.append(f"The reference has no {' and '.join(ours['measures'])} of {whose}: {why}.")
        here = [label for label in rows if label not in without]
        if not here or judgements is None:
            continue
        found = judgements.of([{**ours, "methods": here}])
        shared = found.tallies["pair"].isin(pairs)
        tallies = found.tallies[shared].assign(**place, setting=_setting(run, dataset, ours))
        records = found.records if shared.all() else _summed(ours, run, tallies)
        records = records.assign(run="reference", track=records["method"].map(rows), **place)
        tables.append((records[list(RECORD_COLUMNS)], tallies[list(TALLY_COLUMNS)]))
    if not tables:
        return pd.DataFrame(columns=list(RECORD_COLUMNS)), pd.DataFrame(columns=list(TALLY_COLUMNS)), notes
    records, tallies = (pd.concat(some, ignore_index=True) for some in zip(*tables, strict=True))
    return records, tallies, notes


def _setting(run: Facts, dataset: Facts, ours: Facts) -> str:
    """The setting of the judge of a run on a data set, as tallies have it: they are as if the run had made them."""
    entry = next(entry for entry in run["stages"] if entry["name"] == ours["stage"])
    judge = next(
        judge
        for judge in entry["judges"]
        if (judge["dataset"], judge["split"], judge["method"])
        == (dataset["label"], dataset["split"], ours["methods"][0])
    )
    return json.dumps(
        {name: value for name, value in judge.items() if name not in ("method", "dataset", "split", "name")}
    )


def _summed(ours: Facts, run: Facts, tallies: pd.DataFrame) -> pd.DataFrame:
    """The records of the tallies of a part of the pairs."""
    import pandas as pd

    options = {entry["name"]: entry["options"] for entry in run["stages"]}
    stage = stages.make(ours["stage"], options)
    return pd.DataFrame(
        {"method": method, **row}
        for (_, _, _, method), found in tallies_of(tallies).items()
        for row in stage.summary(found)
    )


def read(reference: Path, facts: Facts) -> Judgements | None:
    """What was judged of a reference; None where nothing was.

    Args:
        reference: Its JSON file.
        facts: What that holds.

    Raises:
        DataError: A file is missing, broken or not the one the facts are of.
    """
    if not facts.get("judged"):
        return None
    tables = [read_bound(_path(reference, name), digest) for name, digest in facts["judged_sha256"].items()]
    return Judgements(facts["judged"], *tables)


def write(reference: Path, judgements: Judgements) -> dict[str, Any]:
    """Write what was judged beside a reference; the facts that its JSON file needs.

    Raises:
        StorageError: A file cannot be written.
    """
    if not judgements.facts:
        return {}
    tables = {"measures": judgements.records, "tallies": judgements.tallies}
    digests = {
        name: write_table(_path(reference, name), table.reset_index(drop=True), small=True)
        for name, table in tables.items()
    }
    return {"judged": list(judgements.facts), "judged_sha256": digests}


def read_bound(path: Path, digest: str) -> pd.DataFrame:
    """A table of a reference, which must be the one that its JSON file is of.

    Raises:
        DataError: It is missing, broken or another one.
    """
    try:
        found = files.sha256(path)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror or error}; install uaabench again.") from error
    if found != digest:
        raise DataError(f"{path} is not the file that the JSON file beside it describes; install uaabench again.")
    return read_table(path)


def _path(reference: Path, name: str) -> Path:
    return reference.with_name(f"{reference.stem}-{name}.parquet")


def _rows(table: pd.DataFrame, named: Collection[tuple[str, str]]) -> pd.DataFrame:
    keys = table[["stage", "method"]].itertuples(index=False, name=None)
    return table[[key in named for key in keys]]
