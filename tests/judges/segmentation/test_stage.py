"""The segment stage, with a segmenter of random weights: what matters is what is counted, kept and said."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from own_segmenter import write_segmenter
from uaabench.core import imaging
from uaabench.judges.segmentation.confusion import MEAN_IOU, confusion, scores
from uaabench.judges.segmentation.protocols import protocol
from uaabench.judges.segmentation.segmenters import Segmenter, SegmenterCard, build, config_file
from uaabench.statistics.resampling import Tallies, estimate
from uaabench.training.segmentation import export


def random_segmenter(folder, seed=0):
    import torch

    torch.manual_seed(seed)
    card = SegmenterCard(
        name="random",
        network="resnet18-segformer",
        classes=protocol("msrs-9").classes,
        trained_on="nothing",
        protocol="msrs-9",
        steps=0,
        seed=seed,
        recipe="none",
    )
    folder.mkdir(parents=True, exist_ok=True)
    return export(folder / "segmenter.safetensors", build(config_file("resnet18-segformer"), 9), card)


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
    return random_segmenter(tmp_path_factory.mktemp("segmenter"))


@pytest.fixture
def run(uaabench, tmp_path, segmenter):
    def call(*extra, methods="average"):
        words = ("run", "--methods", methods, "--datasets", "demo", "--limit", "3", "--out", tmp_path / "R")
        return uaabench(*words, "--metrics", "EN", "--no-floor", "--detector", "none", "--segmenter", segmenter, *extra)

    return call


def records(folder):
    table = pd.read_parquet(folder / "records.parquet")
    return table[table["scope"] != "pair"].set_index(["scope", "class", "metric"])["value"]


def test_miou_stands_in_the_table_and_is_that_of_the_kept_label_maps(run, tmp_path):
    result = run()
    assert result.code == 0, result.err
    assert "mIoU" in result.out
    assert "frozen msrs-9, random" in result.out
    (folder,) = (tmp_path / "R" / "segment" / "demo" / "test").glob("average-*")
    from uaabench.running.entries import open_dataset

    dataset, _, _ = open_dataset("demo", tmp_path)
    pairs = {pair.id: pair for pair in dataset.pairs("test")}
    kept = [(imaging.read_label(file), pairs[file.stem]) for file in sorted(folder.glob("*.png"))]
    assert len(kept) == 3
    matrix = sum(confusion(predicted, dataset.read_label(pair), protocol("msrs-9")) for predicted, pair in kept)
    expected = scores(matrix, protocol("msrs-9"))
    found = records(tmp_path / "R")
    stages = {entry["name"]: entry for entry in json.loads((tmp_path / "R" / "manifest.json").read_text())["stages"]}
    (judge,) = stages["segment"]["judges"]
    assert (judge["name"], judge["trained_on"]) == ("frozen msrs-9, random", "nothing")
    assert found["method", "", "mIoU"] == pytest.approx(expected.mean_iou)
    assert found["method", "", "aAcc"] == pytest.approx(expected.pixel_accuracy)
    assert found["class", "car", "IoU"] == pytest.approx(expected.iou[1])
    assert found["method", "", "mIoU low"] <= found["method", "", "mIoU"] <= found["method", "", "mIoU high"]
    table = pd.read_csv(tmp_path / "R" / "report" / "results.csv")
    (mean,) = table.loc[table["metric"] == "mIoU", "mean"]
    assert mean == pytest.approx(expected.mean_iou)


def test_finished_pairs_are_kept_and_missing_ones_are_made(run, tmp_path):
    # Of random outputs, a smaller batch may decide another one here and there; this network finds cars everywhere.
    cars = ("--segmenter", write_segmenter(tmp_path / "own", 9, winner=1))
    assert run(*cars).code == 0
    (folder,) = (tmp_path / "R" / "segment" / "demo" / "test").glob("average-*")
    lines = (folder / "results-0.jsonl").read_text().splitlines(keepends=True)
    # What a kill in the middle of the second line leaves behind.
    (folder / "results-0.jsonl").write_text(lines[0] + lines[1][:20])
    before = records(tmp_path / "R")
    assert run(*cars).code == 0
    assert (folder / "results.jsonl").read_text() == lines[0]
    assert len((folder / "results-0.jsonl").read_text().splitlines()) == 2
    pd.testing.assert_series_equal(records(tmp_path / "R"), before)


def test_scoring_anew_keeps_what_was_segmented(run, uaabench, tmp_path):
    run()
    before = records(tmp_path / "R")
    assert uaabench("score", tmp_path / "R", "--fresh").code == 0
    pd.testing.assert_series_equal(records(tmp_path / "R"), before)


def test_a_broken_segmenter_fails_its_stage_only(run, tmp_path, segmenter):
    broken = tmp_path / "broken.safetensors"
    shutil.copy(segmenter, broken)
    card = json.loads(segmenter.with_suffix(".json").read_text())
    broken.with_suffix(".json").write_text(json.dumps(card | {"sha256": "0" * 64}))
    result = run("--segmenter", broken)
    assert result.code == 3
    assert "SHA-256" in result.err
    assert (tmp_path / "R" / "report" / "results.csv").is_file()


def test_a_segmenter_of_other_classes_is_refused_by_name(run, tmp_path, segmenter):
    other = tmp_path / "other.safetensors"
    shutil.copy(segmenter, other)
    card = json.loads(segmenter.with_suffix(".json").read_text())
    other.with_suffix(".json").write_text(json.dumps(card | {"classes": ["a", "b"]}))
    result = run("--segmenter", other)
    assert result.code == 3
    assert "train one on it" in result.err


def test_data_without_labels_have_a_reason_and_no_zero(uaabench, pair_folder, tmp_path, segmenter):
    words = ("run", "--methods", "average", "--datasets", f"demo,mine={pair_folder}", "--limit", "2", "--no-floor")
    result = uaabench(*words, "--metrics", "EN", "--segmenter", segmenter, "--out", tmp_path / "R")
    assert result.code == 0, result.err
    table = pd.read_csv(tmp_path / "R" / "report" / "results.csv")
    (row,) = table[(table["dataset"] == "mine") & (table["metric"] == "mIoU")].to_dict("records")
    assert np.isnan(row["mean"])
    assert "2 not judged: no label map" in result.out


def test_each_method_is_judged_by_its_own_segmenter_in_the_protocol_retrain(run, tmp_path, segmenter):
    for label in ("average", "visible"):
        shutil.copytree(segmenter.parent, tmp_path / "judges" / label)
    result = run("--segmenter", tmp_path / "judges", methods="average,visible")
    assert result.code == 0, result.err
    assert "retrain msrs-9, resnet18-segformer" in result.out
    result = run("--segmenter", tmp_path / "judges", methods="average,maximum")
    assert result.code == 2
    assert "judges/maximum/segmenter.safetensors" in result.err


def kept_matrices(folder):
    lines = (folder / "results-0.jsonl").read_text().splitlines()
    results = {pair: value for pair, value, _ in (json.loads(json.loads(line)["result"]) for line in lines)}
    return np.stack([results[pair]["tally"] for pair in sorted(results)])


def test_the_mean_over_seeds_stands_in_the_table_with_its_spread_below(run, tmp_path):
    for label in ("average", "visible"):
        for seed in (0, 1):
            random_segmenter(tmp_path / "judges" / label / f"seed-{seed}", seed)
    result = run("--segmenter", tmp_path / "judges", methods="average,visible")
    assert result.code == 0, result.err
    assert "retrain msrs-9, resnet18-segformer, mean of seeds 0, 1" in result.out
    folders = sorted((tmp_path / "R" / "segment" / "demo" / "test").glob("average-seed-*"))
    matrices = [kept_matrices(folder) for folder in folders]
    by_seed = [scores(of_seed.sum(axis=0), protocol("msrs-9")).mean_iou for of_seed in matrices]
    assert by_seed[0] != by_seed[1]
    table = pd.read_parquet(tmp_path / "R" / "records.parquet")
    table = table[(table["method"] == "average") & (table["scope"] == "method")].set_index("metric")["value"]
    assert table["mIoU"] == pytest.approx(sum(by_seed) / 2)
    # The standard deviation of two numbers is their distance over the root of two.
    spread = abs(by_seed[0] - by_seed[1]) / 2**0.5
    assert table["mIoU standard deviation over seeds"] == pytest.approx(spread)
    assert [table["mIoU of seed 0"], table["mIoU of seed 1"]] == pytest.approx(by_seed)
    tallies = Tallies("", {"counts_zero": True}, ("0", "1", "2"), tuple(tuple(one) for one in matrices))
    expected = estimate(MEAN_IOU, tallies)
    assert (table["mIoU low"], table["mIoU high"]) == (expected.low, expected.high)
    said = " ".join(result.out.split())
    assert "standard deviation over seeds: Visible" in said
    assert f"Average {spread:.4f})" in said


def test_methods_that_would_be_judged_by_other_seeds_are_refused(run, tmp_path):
    for label, seeds in (("average", (0, 1)), ("visible", (0,))):
        for seed in seeds:
            random_segmenter(tmp_path / "judges" / label / f"seed-{seed}", seed)
    result = run("--segmenter", tmp_path / "judges", methods="average,visible")
    assert result.code == 2
    assert "'visible' would be judged by 'retrain msrs-9, resnet18-segformer, seed 0'" in result.err
    (tmp_path / "judges" / "visible" / "seed-1").mkdir()
    result = run("--segmenter", tmp_path / "judges", methods="average,visible")
    assert result.code == 2
    assert "visible/seed-1/segmenter.safetensors" in result.err


def test_the_gate_and_compare_take_miou_from_the_matrices_of_both_runs(run, uaabench, tmp_path):
    run()
    gate = uaabench("check", tmp_path / "R", "--reference", tmp_path / "R")
    assert (gate.code, "of 2 values 0 are worse" in gate.out) == (0, True)
    assert "mIoU" in uaabench("compare", tmp_path / "R", tmp_path / "R").out
    run("--segmenter", random_segmenter(tmp_path / "other", 1), "--out", tmp_path / "other-run")
    gate = uaabench("check", tmp_path / "other-run", "--reference", tmp_path / "R")
    assert gate.code == 1
    assert "it was judged by 'frozen msrs-9, random, weights" in gate.out
    merged = uaabench("merge", tmp_path / "R", tmp_path / "other-run", "--out", tmp_path / "both")
    assert (merged.code, "segment one of them again" in merged.err) == (2, True)
    assert uaabench("merge", tmp_path / "R", tmp_path / "R", "--out", tmp_path / "both").code == 0
    assert uaabench("check", tmp_path / "both", "--reference", tmp_path / "R").code == 0


def test_none_switches_the_stage_off(run, tmp_path):
    assert run("--segmenter", "none").code == 0
    assert not (tmp_path / "R" / "segment").exists()


def test_a_folder_of_the_name_of_a_shipped_segmenter_is_not_taken_for_it(uaabench, tmp_path, monkeypatch):
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)
    words = ("run", "--methods", "average", "--datasets", "demo", "--limit", "2", "--no-floor", "--metrics", "EN")
    result = uaabench(*words, "--segmenter", "demo", "--out", tmp_path / "R")
    assert result.code == 0, result.err
    assert "frozen msrs-9, resnet18-segformer on mix" in result.out
    assert uaabench(*words, "--segmenter", "./demo", "--out", tmp_path / "S").code == 2


def test_a_segmenter_in_bf16_is_named_so_and_is_not_the_one_in_fp32(run, tmp_path):
    own = ("--segmenter", write_segmenter(tmp_path / "own", 9))
    assert run(*own).code == 0
    result = run(*own, "--judge-precision", "bf16")
    assert result.code == 0, result.err
    assert "frozen msrs-9, tiny@tiny in bf16." in " ".join(result.out.split())
    assert len(list((tmp_path / "R" / "segment" / "demo" / "test").glob("average-*"))) == 2
    assert "--judge-precision bf16" in json.loads((tmp_path / "R" / "manifest.json").read_text())["command"]


def test_images_of_one_size_are_segmented_in_batches_that_their_number_decides(run, tmp_path, monkeypatch):
    seen = []
    predict = Segmenter.predict

    def watched(self, images):
        seen.append(len(images))
        return predict(self, images)

    monkeypatch.setattr(Segmenter, "predict", watched)
    result = run("--segmenter", write_segmenter(tmp_path / "own", 9, winner=1), "--batch", 2)
    assert result.code == 0, result.err
    assert seen == [2, 2]
    (folder,) = (tmp_path / "R" / "segment" / "demo" / "test").glob("average-*")
    lines = [json.loads(json.loads(line)["result"]) for line in (folder / "results-0.jsonl").read_text().splitlines()]
    assert [value["batch"] for _, value, _ in lines] == [2, 2, 2]
