"""Records and tallies of a run are tables that are written and read as a whole."""

import hashlib
from types import SimpleNamespace

import pandas as pd
import pytest

from uaabench.core.errors import DataError
from uaabench.core.weights import ResolvedWeights
from uaabench.running import records, stage, store, tables
from uaabench.running.stage import Stage
from uaabench.running.store import Result
from uaabench.statistics.resampling import Tallies
from units import make_unit


class Measuring(Stage):
    """Keeps a tally of each pair, and says nothing of measures beside."""

    name = "look"
    doing = "Looking"
    measures = ("a measure",)

    def units(self, planning):
        return []

    def work(self, share, runtime):
        yield from ()

    def judge(self, units):
        return f"judge of {units[0].method.label}", {"classes": ["a", "b"]}

    def records(self, run, units):
        yield stage.record("method", "Bright", 0.5, "look")
        yield stage.record("class", "Bright", 0.25, "look", of_class="car")


class Plain(Measuring):
    """Measures nothing of a whole data set."""

    name = "plain"
    measures = ()

    def records(self, run, units):
        yield {"scope": "pair", "pair": "a", "class": "", "metric": "EN", "profile": "p", "value": None,
               "status": "failed", "reason": "too dark"}  # fmt: skip


@pytest.fixture
def collected(tmp_path):
    """A run of two methods, of which the first has two judges; and the hashes of its tables."""
    units = [make_unit("look", key="1"), make_unit("look", key="2"), make_unit("look", "theirs")]
    for unit in units:
        store.begin(tmp_path, unit, {})
        for number, pair in enumerate("cba" if unit.key == "2" else "ab"):
            store.append(tmp_path, unit, 0, pair, Result({"tally": [number, {"n": unit.key}]}))
    plain = make_unit("plain", key="3")
    object.__setattr__(plain.method, "weights", ResolvedWeights(track="official"))
    stages = (Measuring(), Plain())
    plan = SimpleNamespace(key="k" * 64, stages=stages, units={"look": units, "plain": [plain]})
    return records.collect(tmp_path, plan)


def test_records_stand_in_the_order_of_the_plan_with_what_they_are_of(collected, tmp_path):
    table = pd.read_parquet(tmp_path / "records.parquet")
    assert list(table) == [
        "run", "method", "track", "dataset", "split", "scope", "pair", "class", "metric", "profile", "value", "status",
        "reason",
    ]  # fmt: skip
    assert set(table["run"]) == {"k" * 12}
    rows = table[["method", "track", "dataset", "split", "scope", "class", "metric", "status", "reason"]]
    assert [tuple(row) for row in rows.to_numpy()] == [
        ("mine", "", "data", "test", "method", "", "Bright", "ok", ""),
        ("mine", "", "data", "test", "class", "car", "Bright", "ok", ""),
        ("theirs", "", "data", "test", "method", "", "Bright", "ok", ""),
        ("theirs", "", "data", "test", "class", "car", "Bright", "ok", ""),
        ("mine", "official", "data", "test", "pair", "", "EN", "failed", "too dark"),
    ]
    assert table["value"].tolist()[:4] == [0.5, 0.25, 0.5, 0.25]


def test_the_hashes_are_those_of_the_files(collected, tmp_path):
    assert collected == {
        name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in ("records.parquet", "tallies.parquet")
    }


def test_tallies_are_read_as_they_were_kept(collected, tmp_path):
    table = pd.read_parquet(tmp_path / "tallies.parquet")
    assert list(table) == [
        "stage", "dataset", "split", "method", "judge", "setting", "number", "pair", "tally",
    ]  # fmt: skip
    setting = {"classes": ["a", "b"]}
    of_first = ([0, {"n": "1"}], [1, {"n": "1"}])
    of_second = ([2, {"n": "2"}], [1, {"n": "2"}])
    theirs = ([0, {"n": "0123456789"}], [1, {"n": "0123456789"}])
    assert tables.tallies_of(tables.tally_table(tmp_path)) == {
        ("look", "data", "test", "mine"): Tallies("judge of mine", setting, ("a", "b"), (of_first, of_second)),
        ("look", "data", "test", "theirs"): Tallies("judge of theirs", setting, ("a", "b"), (theirs,)),
    }


def test_a_run_without_tallies_has_none(tmp_path):
    assert tables.tallies_of(tables.tally_table(tmp_path)) == {}


@pytest.mark.parametrize("content", [None, b"", b"PAR1" * 10])
def test_a_table_that_is_missing_or_broken_is_named_with_what_mends_it(tmp_path, content):
    path = tmp_path / "records.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        tables.read_table(path)
    said = str(caught.value)
    assert said.startswith(f"{path} cannot be read: ")
    assert said.endswith("; give the command of the run again.")
    assert "\n" not in said
    assert len(said) < 300 + len(str(path))


def test_a_table_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "a.parquet"
    table = pd.DataFrame({"a": [1.5, None]}, index=[7, 8])
    digest = tables.write_table(path, table)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.parquet"]
    pd.testing.assert_frame_equal(tables.read_table(path), table.reset_index(drop=True))
