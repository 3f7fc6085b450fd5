"""The methods of a data set are scored together: once per pair, in shares, and without one disturbing the others."""

import numpy as np
import pandas as pd
import pytest

from uaabench.core import imaging
from uaabench.core.columns import Metric
from uaabench.core.interface import Sources
from uaabench.metrics.profiles.cddfuse import CDDFUSE
from uaabench.running import config, pipeline, plan, store
from uaabench.running.stages.score import Score

PLUGIN = """
from pathlib import Path
from uaabench.core.columns import Metric
from uaabench.core.interface import Sources

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
            planned, store.open_run(tmp_path / "R"), device="cpu", on_pair=lambda *_: None, **options
        )

    return carry_out


def records(folder):
    frame = pd.read_parquet(folder / "records.parquet")
    return frame.drop(columns="run").sort_values(["method", "pair", "metric"], ignore_index=True)


def test_what_a_metric_computes_of_the_sources_is_computed_once_for_all_methods(make_plan, carry_out, tmp_path):
    plugin = tmp_path / "means.py"
    plugin.write_text(PLUGIN.format(log=str(tmp_path / "log")))
    assert carry_out(make_plan(plugins=[plugin], metrics=["Means"])) == []
    # For each of 4 pairs: 2 sources, and the images of 6 methods.
    assert (tmp_path / "log").read_text() == "x" * 4 * (2 + 6)


def test_the_methods_of_a_data_set_are_scored_together(make_plan, pair_folder):
    planned = make_plan(datasets=[f"mine={pair_folder}", f"again={pair_folder}"])
    groups = Score().groups(planned.units["score"])
    assert [{unit.dataset.label for unit in group} for group in groups] == [{"mine"}, {"again"}]
    assert sum(map(len, groups)) == len(planned.units["score"])


@pytest.mark.slow
def test_any_number_of_shares_gives_the_same_records(make_plan, carry_out, tmp_path):
    carry_out(make_plan())
    in_one = records(tmp_path / "R")
    planned = make_plan(jobs=3)
    carry_out(planned, fresh=True)
    for name in ("fuse", "score"):
        folder = tmp_path / "R" / planned.units[name][0].folder
        assert len(list(folder.glob("results-*.jsonl"))) == 3
    pd.testing.assert_frame_equal(records(tmp_path / "R"), in_one)


def test_a_run_goes_on_from_results_of_another_number_of_shares(make_plan, carry_out, tmp_path):
    planned = make_plan()
    carry_out(planned)
    whole = records(tmp_path / "R")
    for unit in planned.units["score"]:
        folder = tmp_path / "R" / unit.folder
        first, second, *_ = (folder / "results-0.jsonl").read_text().splitlines(keepends=True)
        # Killed while writing.
        (folder / "results-0.jsonl").write_text(first)
        (folder / "results-1.jsonl").write_text(second[:30])
    carry_out(make_plan())
    pd.testing.assert_frame_equal(records(tmp_path / "R"), whole)


def test_an_artefact_that_is_not_what_was_fused_fails_its_method_only(make_plan, carry_out, tmp_path):
    planned = make_plan()
    carry_out(planned, stages=("fuse",))
    broken = planned.units["score"][0]
    imaging.write_png(store.artefact(tmp_path / "R", broken, "2"), np.zeros((48, 64), np.uint8))
    (failure,) = carry_out(planned, stages=("score",))
    assert (failure.method, failure.pair) == (broken.method.label, "2")
    assert "is not the image that was fused" in failure.reason
    # The whole command makes it anew, and its values with it.
    assert carry_out(planned) == []


def test_an_image_fused_anew_is_scored_anew(make_plan, carry_out, tmp_path):
    planned = make_plan()
    carry_out(planned)
    whole = records(tmp_path / "R")
    unit = planned.units["score"][0]
    imaging.write_png(store.artefact(tmp_path / "R", unit, "2"), np.zeros((48, 64), np.uint8))
    carry_out(planned)
    pd.testing.assert_frame_equal(records(tmp_path / "R"), whole)


def test_a_failed_metric_is_computed_again_and_then_counts(make_plan, carry_out, tmp_path):
    planned = make_plan()
    carry_out(planned)
    whole = records(tmp_path / "R")
    run, unit = tmp_path / "R", planned.units["score"][0]
    known = store.results(run, unit)
    values = {**known["0"].value["values"], "SD": [None, "failed", "ZeroDivisionError"]}
    store.begin(run, unit, {pair: result for pair, result in known.items() if pair != "0"})
    store.append(run, unit, 0, "0", store.Result({**known["0"].value, "values": values}, "SD: ZeroDivisionError"))
    assert [failure.pair for failure in store.failures(run, [unit])] == ["0"]
    assert carry_out(planned) == []
    pd.testing.assert_frame_equal(records(tmp_path / "R"), whole)


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
