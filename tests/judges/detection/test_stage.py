"""The detect stage, with a detector that is told what to find: what matters is what is counted, kept and said."""

import contextlib
import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest

from uaabench.core.boxes import Detections
from uaabench.core.errors import WeightsError
from uaabench.core.paths import cache_folder
from uaabench.datasets.demo import Demo
from uaabench.judges.detection import detectors
from uaabench.judges.detection.detector import Detector


class Told(Detector):
    """Finds bright spots of images, and so depends on nothing but the image and its `shift`."""

    def __init__(self, named):
        self.name = f"told {named}"
        self.classes = ("", "Car", "Person") if "few" in named else ("cat", "Car", "Person", "bicycle")
        if "cats" in named:
            self.classes = ("cat",)
        self.key = {"named": named}
        self._broken, self._nan = "broken" in named, "nan" in named

    def load(self, device, precision="fp32"):
        if self._broken:
            raise WeightsError("The file of the detector is broken; get it anew.")

    def detect(self, image):
        rows, columns = np.mgrid[0 : image.shape[0] - 40 : 30, 0 : image.shape[1] - 30 : 20].reshape(2, -1)
        brightness = np.array([image[y : y + 40, x : x + 30].mean() for y, x in zip(rows, columns, strict=True)])
        corners = np.stack([columns, rows, columns + 30, rows + 40], axis=1).astype(float)
        scores = brightness / 256 * (np.nan if self._nan else 1)
        return Detections(corners, rows // 30 % len(self.classes), scores)


@pytest.fixture(autouse=True)
def _detectors(monkeypatch):
    monkeypatch.setattr(detectors, "resolve", Told)


@pytest.fixture
def run(uaabench, tmp_path):
    def call(*extra, methods="average", datasets="demo", detector="some"):
        words = ("run", "--methods", methods, "--datasets", datasets, "--limit", "3", "--out", tmp_path / "R")
        judges = ("--segmenter", "none", "--detector", detector)
        return uaabench(*words, "--metrics", "EN", "--no-floor", *judges, *extra)

    return call


def records(folder):
    table = pd.read_parquet(folder / "records.parquet")
    return table[table["scope"] != "pair"].set_index(["scope", "class", "metric"])["value"]


def unit_folder(tmp_path, method="average"):
    (folder,) = (tmp_path / "R" / "detect" / "demo" / "test").glob(f"{method}-*")
    return folder


def test_ap_stands_in_the_table_and_is_that_of_the_kept_coco_files(run, tmp_path):
    coco, cocoeval = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    result = run()
    assert result.code == 0, result.err
    assert "AP50 and AP on Demo: frozen demo-det-3, told some." in " ".join(result.out.split())
    folder = unit_folder(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()):
        true = coco.COCO(str(folder / "boxes.json"))
        found = true.loadRes(str(folder / "detections.json"))
        evaluation = cocoeval.COCOeval(true, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    kept = records(tmp_path / "R")
    ours = [kept["method", "", name] for name in ("AP", "AP50", "AP75", "AR")]
    assert ours == pytest.approx([*evaluation.stats[:3], evaluation.stats[8]], abs=1e-9)
    assert ours[1] > 0
    assert kept["method", "", "AP50 low"] <= kept["method", "", "AP50"] <= kept["method", "", "AP50 high"]
    by_class = evaluation.eval["precision"][0, :, :, 0, 2].mean(axis=0)
    assert [kept["class", name, "AP50"] for name in ("person", "bike", "car")] == pytest.approx(by_class, abs=1e-9)
    # The boxes are those of the data set, all of them.
    demo = Demo(cache_folder() / "demo-v2")
    drawn = sum(len(demo.read_boxes(pair).labels) for pair in demo.pairs("test")[:3])
    assert len(true.anns) == drawn
    assert [image["file_name"] for image in true.imgs.values()] == [f"{pair.id}.png" for pair in demo.pairs("test")[:3]]


def test_a_class_that_the_detector_cannot_know_is_left_out_and_said(run, tmp_path):
    result = run(detector="few")
    assert "bike left out, which this detector does not know" in " ".join(result.out.split())
    kept = records(tmp_path / "R")
    assert np.isnan(kept["class", "bike", "AP50"])
    expected = (kept["class", "person", "AP50"] + kept["class", "car", "AP50"]) / 2
    assert kept["method", "", "AP50"] == pytest.approx(expected)
    refused = run(detector="cats")
    assert refused.code == 2
    assert "finds cat, and none of person, bike, car" in refused.err


def test_finished_pairs_are_kept_and_missing_ones_are_made(run, tmp_path):
    run()
    folder, before = unit_folder(tmp_path), records(tmp_path / "R")
    lines = (folder / "results-0.jsonl").read_text().splitlines(keepends=True)
    (folder / "results-0.jsonl").write_text(lines[0] + lines[1][:50])
    (folder / "detections.json").unlink()
    assert run().code == 0
    assert (folder / "results.jsonl").read_text() == lines[0]
    assert len((folder / "results-0.jsonl").read_text().splitlines()) == 2
    pd.testing.assert_series_equal(records(tmp_path / "R"), before)
    assert (folder / "detections.json").is_file()


@pytest.mark.parametrize(("detector", "words"), [("broken", "file of the detector is broken"), ("nan", "NaN")])
def test_a_detector_that_fails_fails_its_stage_only(run, tmp_path, detector, words):
    result = run(detector=detector)
    assert result.code == 3
    assert words in result.err
    assert (tmp_path / "R" / "report" / "results.csv").is_file()


def test_a_broken_box_file_fails_its_pair_and_data_without_boxes_have_a_reason(run, tmp_path, pair_folder):
    shutil.copytree(pair_folder, tmp_path / "plain")
    (pair_folder / "boxes").mkdir()
    for name, text in zip("0123", ("0 .5 .5 .4 .4", "nonsense", "", ""), strict=True):
        (pair_folder / "boxes" / f"{name}.txt").write_text(text)
    (pair_folder / "boxes" / "classes.txt").write_text("person\n")
    result = run(datasets=f"mine={pair_folder},plain={tmp_path / 'plain'}")
    assert result.code == 3
    assert "boxes/1.txt is no file of boxes: line 1" in result.err
    table = pd.read_csv(tmp_path / "R" / "report" / "results.csv")
    rows = table[table["metric"] == "AP50"].set_index("dataset")
    assert rows.loc["mine", "n"] == 2
    assert "3 not judged: no label map or boxes" in result.out
    refused = run(datasets=f"plain={tmp_path / 'plain'}")
    assert refused.code == 2
    assert "no data set of this run has boxes" in refused.err


def test_other_boxes_or_another_detector_are_another_judge(run, uaabench, tmp_path):
    run()
    gate = uaabench("check", tmp_path / "R", "--reference", tmp_path / "R")
    assert (gate.code, "of 3 values 0 are worse" in gate.out) == (0, True)
    assert "AP50" in uaabench("compare", tmp_path / "R", tmp_path / "R").out
    run("--out", tmp_path / "S", detector="other")
    gate = uaabench("check", tmp_path / "S", "--reference", tmp_path / "R")
    assert gate.code == 1
    assert "told some" in gate.out


def test_each_method_is_judged_by_its_own_detectors_in_the_protocol_retrain(run, tmp_path):
    for method in ("average", "visible"):
        for seed in (0, 1):
            folder = tmp_path / "judges" / method / f"seed-{seed}"
            folder.mkdir(parents=True)
            (folder / "detector.safetensors").touch()
    result = run(methods="average,visible", detector=tmp_path / "judges")
    assert result.code == 0, result.err
    assert "retrain demo-det-3, mean of seeds 0, 1" in " ".join(result.out.split())
    shutil.rmtree(tmp_path / "judges" / "visible" / "seed-1")
    assert run(methods="average,visible", detector=tmp_path / "judges").code == 2
    refused = run(methods="average,maximum", detector=tmp_path / "judges")
    assert "judges/maximum/detector.safetensors" in refused.err


def test_a_run_is_judged_later_by_the_verb_and_none_switches_the_stage_off(run, uaabench, tmp_path):
    assert run(detector="none").code == 0
    assert not (tmp_path / "R" / "detect").exists()
    result = uaabench("detect", tmp_path / "R", "--detector", "some")
    assert result.code == 0, result.err
    assert "AP50" in result.out
    assert uaabench("detect", tmp_path / "R", "--protocol", "llvip-det-1").code == 2


def test_the_page_has_the_boxes_and_says_what_their_colours_mean(run, tmp_path):
    run()
    page = (tmp_path / "R" / "report" / "results.html").read_text()
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    (dataset,) = data["datasets"]
    (overlay,) = set(dataset["legends"]) - {"Labels"}
    assert overlay == "detected in Average"
    assert [entry["name"] for entry in dataset["legends"][overlay]] == ["person", "bike", "car", "true box (dashed)"]
    assert all(overlay in pair["overlays"] for pair in dataset["pairs"])
    assert "AP50 of each class: Demo test, 3 of 16 pairs" in page


def test_a_detector_that_cannot_be_run_in_bf16_is_refused_in_one_sentence(run):
    result = run("--judge-precision", "bf16")
    assert result.code == 2
    assert "The detector told some cannot be run in bf16: what runs its file takes the arithmetic that" in result.err


def test_a_detector_is_given_the_precision_it_was_asked_for_and_is_named_by_it(run, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(Told, "precisions", ("fp32", "bf16"))
    monkeypatch.setattr(Told, "load", lambda _self, _device, precision="fp32": given.append(precision))
    assert run(detector="usual").code == 0
    result = run("--judge-precision", "bf16", detector="usual")
    assert given == ["fp32", "bf16"]
    assert "frozen demo-det-3, told usual in bf16." in " ".join(result.out.split())
    assert len(list((tmp_path / "R" / "detect" / "demo" / "test").glob("average-*"))) == 2


def test_a_detector_gets_images_of_one_size_in_batches_where_it_takes_them(run, tmp_path, monkeypatch):
    seen, detect_all = [], Told.detect_all

    def watched(self, images):
        seen.append(len(images))
        return detect_all(self, images)

    monkeypatch.setattr(Told, "detect_all", watched)
    assert run("--batch", 2).code == 0
    one = records(tmp_path / "R")
    monkeypatch.setattr(Told, "takes_batches", True)
    assert run("--batch", 2).code == 0
    assert seen == [1, 1, 1, 2, 2]
    pd.testing.assert_series_equal(records(tmp_path / "R"), one)
