"""Runs of several machines become one, or the reason why they cannot."""

import json

import pandas as pd
import pytest

from runs import change_manifest, method_facts, write_run
from uaabench.core.errors import UsageError
from uaabench.reporting.build import table_of
from uaabench.running.evidence import load
from uaabench.running.merging import merge

UAA = {"uaa": {"EN": [1.0, 2.0]}, "average": {"EN": [0.5, 0.5]}}
TARDAL = {"tardal": {"EN": [3.0, 4.0], "SD": [30.0, 40.0]}, "average": {"EN": [0.5, 0.5]}}


@pytest.fixture
def two(tmp_path):
    return [write_run(tmp_path / "uaa", UAA), write_run(tmp_path / "tardal", TARDAL)]


def test_methods_and_metrics_of_all_runs_share_a_table(two, tmp_path):
    evidence = load(merge(two, tmp_path / "both"))
    assert [method.label for method in evidence.methods] == ["uaa", "average", "tardal"]
    (section,) = table_of(evidence).sections
    means = {row.method.label: {name: cell.mean for name, cell in row.cells.items()} for row in section.rows}
    assert means == {
        "uaa": {"EN": 1.5, "SD": None},
        "tardal": {"EN": 3.5, "SD": 35.0},
        "average": {"EN": 0.5, "SD": None},
    }
    assert "2 not computed" in " ".join(table_of(evidence).notes.values())


def test_a_value_that_several_runs_have_counts_once(two, tmp_path):
    records = pd.read_parquet(merge(two, tmp_path / "both") / "records.parquet")
    assert len(records) == 4 + 6 - 2


def test_the_configuration_knows_the_methods_of_all_runs(two, tmp_path):
    config = json.loads((merge(two, tmp_path / "both") / "manifest.json").read_text())["config"]
    assert config["methods"] == ["uaa", "average", "tardal"]


def test_units_come_along(two, tmp_path):
    for run, name in zip(two, ("uaa-1", "tardal-1"), strict=True):
        (run / "fuse" / "msrs" / "test" / name).mkdir(parents=True)
        (run / "fuse" / "msrs" / "test" / name / "000.png").write_bytes(b"image")
    merged = merge(two, tmp_path / "both")
    assert sorted(path.parent.name for path in merged.rglob("*.png")) == ["tardal-1", "uaa-1"]


def test_runs_on_other_images_are_refused(two, tmp_path):
    other = write_run(tmp_path / "other", {"x": {"EN": [1.0, 1.0, 1.0]}})
    facts = json.loads((other / "manifest.json").read_text())["datasets"][0]
    change_manifest(other, datasets=[{**facts, "index": "def"}])
    with pytest.raises(UsageError, match="images of the data set 'msrs test' are not the same"):
        merge([two[0], other], tmp_path / "both")
    assert not (tmp_path / "both").exists()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"sha256": "f" * 64}, "another weights"),
        ({"precision": "bf16"}, "another precision"),
        ({"seed": 1}, "another seed"),
        ({"compiled": True}, "another compiling"),
        ({"batch": 8}, "another batch size"),
        ({"source": "f" * 64}, "another plug-in source"),
        ({}, "other images"),
    ],
)
def test_one_label_that_stands_for_two_things_is_refused(two, tmp_path, change, what):
    content = json.loads((two[1] / "manifest.json").read_text())
    unit = {**content["units"][0], "method": "uaa", "key": "another key"}
    methods = [*content["methods"], method_facts("uaa", **change)]
    change_manifest(two[1], methods=methods, units=[*content["units"], unit])
    with pytest.raises(UsageError, match=f"'uaa' has {what} in .*tardal than in .*uaa"):
        merge(two, tmp_path / "both")
    assert not (tmp_path / "both").exists()


def test_a_folder_that_holds_a_run_is_not_overwritten(two, tmp_path):
    with pytest.raises(UsageError, match="already holds a run"):
        merge(two, two[0])
    with pytest.raises(UsageError, match="at least two"):
        merge(two[:1], tmp_path / "one")
