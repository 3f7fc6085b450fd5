"""`uaabench train judges`: every method is fused, every seed trained, nothing twice."""

import json

import numpy as np
import pytest

from uaabench.core import imaging
from uaabench.training.images import choose

TINY = ("--steps", "2", "--batch", "2", "--crop", "64", "--validate", "1")


@pytest.fixture
def train(uaabench, tmp_path):
    names = tmp_path / "names.txt"
    pairs = choose("demo", tmp_path, held_out=0).pairs[:4]
    names.write_text("\n".join(pair.id for pair in pairs))

    def call(*words, methods="average,visible"):
        common = ("--dataset", "demo:train", "--names", names, "--no-floor", "--out", tmp_path / "judges")
        return uaabench("train", "judges", "--methods", methods, *common, *TINY, *words)

    return call


def test_each_method_and_seed_has_a_segmenter_that_run_judges_by(train, uaabench, tmp_path):
    result = train("--seeds", "0,1")
    assert result.code == 0, result.err
    for method in ("average", "visible"):
        cards = [
            json.loads((tmp_path / "judges" / method / f"seed-{seed}" / "segmenter.json").read_text())
            for seed in (0, 1)
        ]
        assert [card["seed"] for card in cards] == [0, 1]
        assert cards[0]["sha256"] != cards[1]["sha256"]
        assert cards[0]["trained_on"] == f"Demo train, 3 pairs, fused by {method}"
        assert cards[0]["validation"].endswith("on 1 pairs held out (msrs-9)")
    words = ("--datasets", "demo", "--limit", "2", "--metrics", "EN", "--no-floor", "--out", tmp_path / "R")
    result = uaabench("run", "--methods", "average,visible", *words, "--segmenter", tmp_path / "judges")
    assert result.code == 0, result.err
    assert "mean of seeds 0, 1" in result.out


def test_what_was_trained_is_kept_and_what_is_missing_is_made(train, tmp_path, one_thread):
    train()
    kept, lost = (tmp_path / "judges" / name / "seed-0" / "segmenter.safetensors" for name in ("average", "visible"))
    before, content = kept.stat().st_mtime_ns, lost.read_bytes()
    lost.unlink()
    result = train()
    assert result.code == 0, result.err
    assert "average, seed 0: trained earlier" in result.out
    assert kept.stat().st_mtime_ns == before
    assert lost.read_bytes() == content


def test_judges_may_be_moved_before_a_seed_is_added(train, tmp_path):
    train(methods="average")
    (tmp_path / "judges").rename(tmp_path / "elsewhere")
    result = train("--seeds", "0,1", "--out", tmp_path / "elsewhere", methods="average")
    assert result.code == 0, result.err
    assert "average, seed 0: trained earlier" in result.out
    assert (tmp_path / "elsewhere" / "average" / "seed-1" / "segmenter.safetensors").is_file()


def test_a_method_whose_images_fail_is_said_and_the_others_are_trained(train, tmp_path):
    (tmp_path / "mine").mkdir()
    first = choose("demo", tmp_path, held_out=0).pairs[0]
    imaging.write_png(tmp_path / "mine" / f"{first.id}.png", np.zeros((8, 8), np.uint8))
    result = train(methods=f"average,mine={tmp_path / 'mine'}")
    assert result.code == 3
    assert "'mine' has no image for this pair" in result.err
    assert (tmp_path / "judges" / "average" / "seed-0" / "segmenter.safetensors").is_file()
    assert not (tmp_path / "judges" / "mine").exists()


def test_seeds_that_are_no_numbers_are_refused(train):
    result = train("--seeds", "0,one")
    assert result.code == 2
    assert "such as 0,1,2" in result.err


def test_each_method_has_a_detector_that_run_judges_by(train, uaabench, tmp_path):
    result = train("--task", "detection", "--seeds", "0,1")
    assert result.code == 0, result.err
    assert f"--detector {tmp_path / 'judges'} --no-floor" in result.out
    card = json.loads((tmp_path / "judges" / "average" / "seed-1" / "detector.json").read_text())
    assert card["trained_on"] == "Demo train, 3 pairs, fused by average"
    assert card["validation"].endswith("on 1 pairs held out")
    other = json.loads((tmp_path / "judges" / "visible" / "seed-1" / "detector.json").read_text())
    assert other["sha256"] != card["sha256"]
    assert "trained earlier" in train("--task", "detection", "--seeds", "0,1").out
    words = ("--datasets", "demo", "--limit", "2", "--metrics", "EN", "--no-floor", "--segmenter", "none")
    result = uaabench(
        "run", "--methods", "average,visible", *words, "--detector", tmp_path / "judges", "--out", tmp_path / "R"
    )
    assert result.code == 0, result.err
    assert "retrain demo-det-3" in result.out
    assert "mean of seeds 0, 1" in result.out


def test_what_is_of_segmenters_is_refused_for_detectors(train):
    result = train("--task", "detection", "--segmenter", "fast-scnn")
    assert result.code == 2
    assert "--segmenter is of segmenters; leave it out" in result.err
    assert train("--task", "pose").code == 2
