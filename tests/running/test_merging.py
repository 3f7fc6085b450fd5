"""Runs of several machines become one, or the reason why they cannot."""

import json

import pandas as pd
import pytest

from runs import write_run
from uaabench.core.errors import UsageError
from uaabench.reporting.evidence import load
from uaabench.running.merging import merge

UAA = {"uaa": {"EN": [1.0, 2.0]}, "average": {"EN": [0.5, 0.5]}}
TARDAL = {"tardal": {"EN": [3.0, 4.0], "SD": [30.0, 40.0]}, "average": {"EN": [0.5, 0.5]}}


@pytest.fixture
def two(tmp_path):
    return [write_run(tmp_path / "uaa", UAA), write_run(tmp_path / "tardal", TARDAL)]


def test_methods_and_metrics_of_all_runs_share_a_table(two, tmp_path):
    evidence = load(merge(two, tmp_path / "both"))
    assert [method.label for method in evidence.methods] == ["uaa", "average", "tardal"]
    (section,) = evidence.table().sections
    means = {row.method.label: {name: cell.mean for name, cell in row.cells.items()} for row in section.rows}
    assert means == {
        "uaa": {"EN": 1.5, "SD": None},
        "tardal": {"EN": 3.5, "SD": 35.0},
        "average": {"EN": 0.5, "SD": None},
    }
    assert "2 not computed" in " ".join(evidence.table().notes.values())


def test_a_value_that_several_runs_have_counts_once(two, tmp_path):
    records = pd.read_parquet(merge(two, tmp_path / "both") / "records.parquet")
    assert len(records) == 4 + 6 - 2


def test_the_configuration_knows_the_methods_of_all_runs(two, tmp_path):
    config = json.loads((merge(two, tmp_path / "both") / "manifest.json").read_text())["config"]
    assert config["methods"] == ["uaa", "average", "tardal"]


def test_units_come_along(two, tmp_path):
    for run, name in zip(two, ("uaa-1", "tardal-1"), strict=True):
        (run / "fuse" / "msrs" / name).mkdir(parents=True)
        (run / "fuse" / "msrs" / name / "000.png").write_bytes(b"image")
    merged = merge(two, tmp_path / "both")
    assert sorted(path.parent.name for path in merged.rglob("*.png")) == ["tardal-1", "uaa-1"]


def test_runs_on_other_images_are_refused(two, tmp_path):
    other = write_run(tmp_path / "other", {"x": {"EN": [1.0, 1.0, 1.0]}})
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["datasets"][0]["index"] = "def"
    (other / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match="images of the data set 'msrs' are not the same"):
        merge([two[0], other], tmp_path / "both")
    assert not (tmp_path / "both").exists()


def test_one_label_with_two_weights_is_refused(two, tmp_path):
    manifest = json.loads((two[1] / "manifest.json").read_text())
    manifest["methods"].append({**manifest["methods"][0], "label": "uaa", "sha256": "f" * 64})
    (two[1] / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match="'uaa' has another sha256"):
        merge(two, tmp_path / "both")


def test_a_folder_that_holds_a_run_is_not_overwritten(two, tmp_path):
    with pytest.raises(UsageError, match="already holds a run"):
        merge(two, two[0])
    with pytest.raises(UsageError, match="at least two"):
        merge(two[:1], tmp_path / "one")
