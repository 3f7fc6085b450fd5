"""A measure of a whole data set that could not be had is a column that says so."""

import json

import cv2
import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def labelled(pair_folder):
    (pair_folder / "labels").mkdir()
    for number in range(4):
        cv2.imwrite(str(pair_folder / "labels" / f"{number}.png"), np.full((48, 64), number, np.uint8))
    return pair_folder


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
