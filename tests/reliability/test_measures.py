"""A measure of a whole data set that could not be had is a column that says so."""

import json
import re
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def judge(uaabench, labelled, tmp_path):
    def call(out="R"):
        words = ("--methods", "average", "--no-floor", "--metrics", "EN", "--protocol", "msrs-9", "--segmenter", "demo")
        return uaabench("run", *words, "--datasets", f"own={labelled}", "--out", tmp_path / out)

    return call


@pytest.mark.parametrize("broken", [4, 1])
def test_a_column_whose_label_maps_failed_stays_and_says_why(judge, uaabench, labelled, tmp_path, broken):
    assert judge("whole").code == 0
    for number in range(broken):
        (labelled / "labels" / f"{number}.png").write_bytes(b"no image")
    result = judge()
    assert result.code == 3
    assert "segment average on own all" in result.err
    row = pd.read_csv(tmp_path / "R" / "report" / "results.csv").set_index("metric").loc["mIoU"]
    assert (row["n"], row["n_planned"]) == (4 - broken, 4)
    assert pd.isna(row["mean"]) == (broken == 4)
    for name in ("results.md", "results.tex", "results.html"):
        text = (tmp_path / "R" / "report" / name).read_text()
        assert "mIoU" in text, name
        assert f"n = {4 - broken} of 4" in text, name
    cells = json.loads((tmp_path / "R" / "report" / "results.json").read_text())["datasets"][0]["rows"][0]["values"]
    assert cells["mIoU"]["n"] == 4 - broken
    assert cells["mIoU"]["reason"]
    compared = uaabench("compare", tmp_path / "R", tmp_path / "whole")
    assert compared.code == 2
    assert "label maps of the data set" in compared.err


@pytest.mark.parametrize("kind", ["prediction", "label map"])
def test_a_label_map_that_is_no_longer_that_of_the_run_is_not_shown(uaabench, labelled, tmp_path, kind):
    place = tmp_path / "MSRS" / "test"
    shutil.copytree(labelled, place)
    words = ("--methods", "average", "--no-floor", "--metrics", "EN", "--segmenter", "demo", "--out", tmp_path / "R")
    assert uaabench("run", *words, "--datasets", "msrs", "--data-root", tmp_path).code == 0
    (folder,) = (tmp_path / "R" / "segment" / "msrs" / "test").glob("average-*")
    folder = folder if kind == "prediction" else place / "labels"
    assert len(overlays(tmp_path / "R")) == 4
    cv2.imwrite(str(folder / "0.png"), np.full((48, 64), 5, np.uint8))
    assert uaabench("report", tmp_path / "R").code == 0
    assert overlays(tmp_path / "R") == {"1", "2", "3"}


def overlays(folder):
    """Pairs of the page over whose images all overlays lie that any pair has."""
    page = (folder / "report" / "results.html").read_text()
    viewer = json.loads(re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    pairs = viewer["datasets"][0]["pairs"]
    most = max(len(pair["overlays"]) for pair in pairs)
    return {pair["id"] for pair in pairs if len(pair["overlays"]) == most > 0}
