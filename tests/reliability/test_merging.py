"""A row of a merged run stands for one thing, and its numbers are those of one run."""

import json

import numpy as np
import pandas as pd
import pytest

from runs import change_manifest, change_records, dataset_facts, method_facts, write_run, write_tallies
from uaabench.core.errors import UsageError
from uaabench.judges.segmentation.stage import Segment
from uaabench.reporting.build import table_of
from uaabench.running.evidence import load
from uaabench.running.merging import merge
from uaabench.running.tables import tallies_of, tally_table
from uaabench.statistics.resampling import value_of

VALUES = {"uaa": {"EN": [1.0, 2.0]}}
CHANGES = {
    "sha256": "f" * 64, "version": 2, "options": {"stretch": False}, "source": "f" * 64, "precision": "bf16", "seed": 1,
    "device": "cuda", "kind": "classical",
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("dataset", ["msrs", "tno"])
def test_a_label_that_stands_for_two_things_is_refused_whatever_the_data_sets(tmp_path, name, dataset):
    one = write_run(tmp_path / "one", VALUES)
    other = write_run(tmp_path / "other", VALUES, dataset=dataset)
    change_manifest(other, methods=[method_facts("uaa", **{name: CHANGES[name]})])
    with pytest.raises(UsageError, match=r"'uaa' has another .* in .*other than in .*one"):
        merge([one, other], tmp_path / "both")
    assert not (tmp_path / "both").exists()


def test_images_fused_elsewhere_may_lie_in_a_folder_for_each_data_set(tmp_path):
    runs = [write_run(tmp_path / name, VALUES, dataset=name) for name in ("msrs", "tno")]
    for run in runs:
        change_manifest(run, methods=[method_facts("uaa", kind="precomputed", folder=f"/{run.name}")])
    assert len(load(merge(runs, tmp_path / "both")).datasets) == 2


@pytest.mark.parametrize("name", ["index", "labels", "classes"])
def test_a_data_set_that_stands_for_two_things_is_refused(tmp_path, name):
    one, other = (write_run(tmp_path / name, VALUES) for name in ("one", "other"))
    change_manifest(
        other, datasets=[dataset_facts("msrs", 2, **{name: ["another"] if name == "classes" else "another"})]
    )
    with pytest.raises(UsageError, match="of the data set 'msrs test' are not the same"):
        merge([one, other], tmp_path / "both")


SETTING = {"protocol": "msrs-9", "classes": ["a", "b"], "counts_zero": True, "seeds": [None], "weights": "f" * 64}


def judged(folder, tallies):
    """A run with a measure whose records say what its tallies come to."""
    write_run(folder, VALUES)
    write_tallies(folder, "uaa", Segment, "judge", SETTING, tallies)
    (found,) = tallies_of(tally_table(folder)).values()
    (measure,) = Segment.measures
    rows = [{**dict.fromkeys(pd.read_parquet(folder / "records.parquet").columns, ""), "value": value, "status": "ok",
             "method": "uaa", "dataset": "msrs", "split": "test", "scope": "method", "metric": name, "profile": "judge"}
            for name, value in (("mIoU", value_of(measure, found)), ("mIoU pairs", len(tallies)))]  # fmt: skip
    change_records(folder, pd.concat([pd.read_parquet(folder / "records.parquet"), pd.DataFrame(rows)]))
    return folder


def test_a_measure_and_the_tallies_it_is_computed_of_come_from_one_run(tmp_path):
    """The first run lacks a pair that the second one has: its own number, of its own pairs, counts everywhere."""
    whole = [np.diag([5, 5]).tolist(), [[1, 9], [9, 1]]]
    runs = [judged(tmp_path / "part", whole[:1]), judged(tmp_path / "whole", whole)]
    merged = load(merge(runs, tmp_path / "both"))
    (tallies,) = merged.tallies.values()
    (section,) = table_of(merged).sections
    cell = section.rows[0].cells["mIoU"]
    assert (cell.n, cell.mean) == (len(tallies.pairs), value_of(Segment.measures[0], tallies)) == (1, 1.0)


def test_a_merge_that_was_cut_short_is_made_whole_by_the_next_one(tmp_path):
    one, other = (write_run(tmp_path / name, VALUES) for name in ("one", "other"))
    change_manifest(other, methods=[method_facts("uaa"), method_facts("mine")])
    unit = json.loads((one / "manifest.json").read_text())["units"][0]["folder"]
    (one / unit).mkdir(parents=True)
    for name in ("000.png", "001.png", "results.jsonl"):
        (one / unit / name).write_text(name)
    (tmp_path / "both" / unit).mkdir(parents=True)
    (tmp_path / "both" / unit / "000.png").write_text("half")
    merge([one, other], tmp_path / "both")
    kept = {path.name: path.read_text() for path in (tmp_path / "both" / unit).iterdir()}
    assert kept == {name: name for name in ("000.png", "001.png", "results.jsonl")}


def test_compare_says_that_precision_seed_and_device_differ(uaabench, tmp_path):
    runs = [write_run(tmp_path / name, {"uaa": {"EN": [1.0, 2.0, 3.0]}}) for name in ("one", "other")]
    change_manifest(runs[1], methods=[method_facts("uaa", precision="bf16", seed=7, device="cuda")])
    out = uaabench("compare", *runs).out
    for what, old, new in (("precision", "fp32", "bf16"), ("seed", "0", "7"), ("device", "cpu", "cuda")):
        assert f"uaa has other {what}: {old} before, {new} now." in out
