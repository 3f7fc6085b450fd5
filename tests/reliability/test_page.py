"""The page and the montage show the images of their own run, wherever they are made from."""

import base64
import json
import os
import re
import shutil

import cv2
import numpy as np
import pytest


def layers(folder):
    """Mean grey value of each image of the page, by pair and layer."""
    page = (folder / "report" / "results.html").read_text()
    viewer = json.loads(re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    return {
        (pair["id"], name): float(np.mean(decode(uri)))
        for dataset in viewer["datasets"]
        for pair in dataset["pairs"]
        for name, uri in pair["layers"].items()
    }


def decode(uri):
    return cv2.imdecode(np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8), cv2.IMREAD_COLOR)


@pytest.fixture
def made(run, pair_folder, tmp_path, monkeypatch):
    """A run whose data and folder were named by relative paths."""
    monkeypatch.chdir(tmp_path)
    assert run(datasets=f"own={os.path.relpath(pair_folder)}", out=".").code == 0
    return tmp_path


def test_the_page_is_the_same_from_another_working_directory(made, uaabench, monkeypatch, tmp_path_factory):
    before = layers(made)
    assert len(before) == 4 * 4
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert uaabench("report", made).code == 0
    assert layers(made) == before


def test_the_page_shows_the_images_of_its_own_run_beside_those_of_another_plan(run, pair_folder, tmp_path):
    assert run().code == 0
    before = layers(tmp_path / "R")
    cv2.imwrite(str(pair_folder / "ir" / "0.png"), np.full((48, 64), 250, np.uint8))
    assert run().code == 0
    after = layers(tmp_path / "R")
    assert after[("0", "maximum")] > before[("0", "maximum")] + 20
    assert after[("1", "maximum")] == before[("1", "maximum")]


@pytest.mark.parametrize("what", ["ir", "vi", "fused"])
def test_an_image_that_is_no_longer_that_of_the_run_is_not_shown(run, uaabench, pair_folder, tmp_path, unit, what):
    assert run().code == 0
    image = unit("fuse", "maximum") / "0.png" if what == "fused" else pair_folder / what / "0.png"
    shutil.copyfile(image.with_name("1.png"), image)
    assert uaabench("report", tmp_path / "R").code == 0
    layer = {"ir": "infrared", "vi": "visible", "fused": "maximum"}[what]
    shown = layers(tmp_path / "R")
    assert ("0", layer) not in shown
    assert len(shown) == 4 * 4 - 1
    montage = uaabench(
        "figure", "montage", tmp_path / "R", "--pairs", "0", "--methods", "maximum", "--out", tmp_path / "m.png"
    )
    assert montage.code == 2
    assert "'0'" in montage.err
    assert not (tmp_path / "m.png").exists()
