"""The methods of a data set are scored together: once per pair, in shares, and without one disturbing the others."""

import json

import numpy as np
import pandas as pd
import pytest

from uaabench.core import imaging
from uaabench.core.interface import Metric, Sources
from uaabench.metrics.profiles.cddfuse import CDDFUSE
from uaabench.running import config, pipeline, plan, store
from uaabench.running.stages.fuse import Runtime
from uaabench.running.stages.score import divide, score_share

PLUGIN = """
from pathlib import Path
from uaabench.core.interface import Metric, Sources

LOG = Path({log!r})

def features(image):
    with LOG.open("a") as log:
        log.write("x")
    return image.mean()

MEANS = Metric(
    name="Means", title="means", compute=lambda fused, ir, vi: fused - ir - vi, features=features,
    higher_is_better=True, range=(-510, 255), gameable_by_noise=False, version=1, reference="",
)
"""


@pytest.fixture
def make_plan(pair_folder):
    def make(**entries):
        given = {"methods": ["laplacian"], "datasets": [f"mine={pair_folder}"], "device": "cpu"}
        return plan.make(config.build(given | entries), "cpu")

    return make


@pytest.fixture
def carry_out(tmp_path):
    def carry_out(planned, **options):
        return pipeline.carry_out(
            planned, store.open_run(tmp_path / "R"), device="cpu", on_pair=lambda _stage: None, **options
        )

    return carry_out


def records(folder):
    frame = pd.read_parquet(folder / "records.parquet")
    return frame.drop(columns="run").sort_values(["method", "pair", "metric"], ignore_index=True)


def test_what_a_metric_computes_of_the_sources_is_computed_once_for_all_methods(make_plan, carry_out, tmp_path):
    plugin = tmp_path / "means.py"
    plugin.write_text(PLUGIN.format(log=str(tmp_path / "log")))
    assert carry_out(make_plan(plugins=[plugin], metrics=["Means"])) == []
    # For each of 4 pairs: 2 sources, and the images of 5 methods.
    assert (tmp_path / "log").read_text() == "x" * 4 * (2 + 5)


def test_shares_cover_every_pair_of_every_data_set_once(make_plan, pair_folder):
    planned = make_plan(datasets=[f"mine={pair_folder}", f"again={pair_folder}"])
    shares = divide(planned.score, 3)
    assert [share.number for share in shares] == [0, 1, 2, 0, 1, 2]
    assert all(len({unit.dataset.label for unit in share.units}) == 1 for share in shares)
    assert [[pair.id for pair in share.pairs] for share in shares[:3]] == [["0", "3"], ["1"], ["2"]]


def test_any_number_of_shares_gives_the_same_records(make_plan, carry_out, tmp_path):
    carry_out(make_plan())
    in_one = records(tmp_path / "R")
    carry_out(make_plan(jobs=3), fresh=True)
    unit = make_plan().score[0]
    assert len(list((tmp_path / "R" / unit.folder).glob("records-*.jsonl"))) == 3
    pd.testing.assert_frame_equal(records(tmp_path / "R"), in_one)


def test_a_share_writes_nothing_but_its_own_records(make_plan, carry_out, tmp_path):
    # Two workers that wrote any other file of a unit they share would now and then stumble over each other.
    planned = make_plan()
    carry_out(planned, stages=("fuse",))
    folders = [store.begin(tmp_path / "R", unit) for unit in planned.score]
    for folder in folders:
        (folder / "unit.json").unlink()
    share = divide(planned.score, 2)[1]
    runtime = Runtime(tmp_path / "R", "cpu", planned.config.precision, planned.config.seed, threads=1)
    assert score_share(share, planned.profile, planned.metrics, runtime, lambda: None) == []
    assert [[file.name for file in folder.iterdir()] for folder in folders] == [["records-1.jsonl"]] * len(folders)


def test_a_run_goes_on_from_records_of_another_number_of_shares(make_plan, carry_out, tmp_path):
    planned = make_plan()
    carry_out(planned)
    whole = records(tmp_path / "R")
    for unit in planned.score:
        folder = tmp_path / "R" / unit.folder
        (folder / "done").unlink()
        first, *_ = (folder / "records-0.jsonl").read_text().splitlines(keepends=True)
        (folder / "records-0.jsonl").write_text(first + '{"pair": "1", "val')  # killed while writing
    carry_out(make_plan(jobs=2))
    assert all(store.is_done(tmp_path / "R", unit) for unit in planned.score)
    pd.testing.assert_frame_equal(records(tmp_path / "R"), whole)


def test_an_unreadable_artefact_fails_its_method_only(make_plan, carry_out, tmp_path):
    planned = make_plan()
    carry_out(planned, stages=("fuse",))
    broken, *others = planned.score
    store.artefact(tmp_path / "R", broken, "2").write_bytes(b"no image")
    failures = carry_out(planned, stages=("score",))
    assert [(failure.method, failure.pair) for failure in failures] == [(broken.method.label, "2")]
    assert not store.is_done(tmp_path / "R", broken)
    assert all(store.is_done(tmp_path / "R", unit) for unit in others)


def test_an_artefact_of_another_size_says_so_and_the_others_count(make_plan, carry_out, tmp_path):
    planned = make_plan()
    carry_out(planned, stages=("fuse",))
    imaging.write_png(store.artefact(tmp_path / "R", planned.score[1], "0"), np.zeros((50, 50), np.uint8))
    (failure,) = carry_out(planned, stages=("score",))
    assert failure.method == planned.score[1].method.label
    assert "The fused image is 50x50" in failure.reason


def test_a_failed_metric_is_computed_again_and_then_counts(make_plan, carry_out, tmp_path):
    planned = make_plan()
    carry_out(planned)
    unit = planned.score[0]
    folder = tmp_path / "R" / unit.folder
    (folder / "done").unlink()
    lines = [json.loads(line) for line in (folder / "records-0.jsonl").read_text().splitlines()]
    lines[0]["values"]["SD"] = [None, "failed", "ZeroDivisionError"]
    (folder / "records-0.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert store.scored_pairs(tmp_path / "R", unit) == {"1", "2", "3"}
    assert carry_out(planned) == []
    assert store.scored_pairs(tmp_path / "R", unit) == {"0", "1", "2", "3"}


def test_metrics_share_features_of_one_function():
    calls = []

    def features(image):
        calls.append(image)
        return image

    def metric(name):
        return Metric(
            name=name, title=name, compute=lambda fused, ir, vi: 1.0, features=features, higher_is_better=True,
            range=(0, 1), gameable_by_noise=False, version=1, reference="",
        )  # fmt: skip

    image = np.zeros((4, 4), np.uint8)
    CDDFUSE.score(image, Sources(image, image), [metric("one"), metric("two")])
    assert len(calls) == 3
