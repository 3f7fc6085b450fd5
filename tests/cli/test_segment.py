"""`uaabench segment` on folders of label maps."""

import csv
import json

import numpy as np
import pytest

from uaabench.core import imaging


def test_miou_of_label_maps_predicted_elsewhere(uaabench, tmp_path):
    for kind, value in (("pred", 2), ("labels", 1)):
        (tmp_path / kind).mkdir()
        label = np.ones((4, 4), np.uint8)
        label[:2] = value
        imaging.write_png(tmp_path / kind / "a.png", label)
    result = uaabench("segment", "--pred", tmp_path / "pred", "--labels", tmp_path / "labels", "--protocol", "msrs-9")
    # Half of the car's pixels are found; the person is not in the ground truth.
    assert "mIoU 0.5000" in result.out
    assert "mIoU with absent classes 0.2500" in result.out


def test_a_prediction_without_a_label_map_is_refused(uaabench, tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "pred").mkdir()
    words = ("segment", "--pred", tmp_path / "pred", "--labels", tmp_path / "labels", "--protocol", "msrs-9")
    assert uaabench(*words).code == 2
    imaging.write_png(tmp_path / "pred" / "a.png", np.zeros((4, 4), np.uint8))
    assert uaabench(*words).code == 4


@pytest.fixture
def folders(tmp_path):
    """Label maps of three images, of which two were predicted; half of the pixels of a car are found in each."""
    for kind, names in (("pred", "ab"), ("labels", "abc")):
        (tmp_path / kind).mkdir()
        for name in names:
            label = np.ones((4, 4), np.uint8)
            label[:2] = 2 if kind == "pred" else 1
            imaging.write_png(tmp_path / kind / f"{name}.png", label)
    return ("segment", "--pred", tmp_path / "pred", "--labels", tmp_path / "labels", "--protocol", "msrs-9")


def test_the_table_says_how_many_of_the_label_maps_were_predicted(uaabench, folders):
    assert "msrs-9, 2 of 3 label maps" in uaabench(*folders).out


def test_json_and_csv_hold_the_same_numbers_at_full_precision(uaabench, folders, tmp_path):
    result = uaabench(*folders, "--json", "--csv", tmp_path / "miou.csv")
    content = json.loads(result.out)
    assert content["label_maps"] == {"predicted": 2, "there": 3}
    assert (content["mIoU"], content["mIoU_with_absent_classes"]) == (0.5, 0.25)
    assert content["classes"]["car"] == {"IoU": 0.5, "accuracy": 0.5}
    assert content["classes"]["person"] == {"IoU": None, "accuracy": None}
    lines = {(line["class"], line["measure"]): line["value"] for line in csv.DictReader((tmp_path / "miou.csv").open())}
    assert (lines["", "mIoU"], lines["car", "IoU"], lines["person", "IoU"]) == ("0.5", "0.5", "")


def test_options_of_folders_are_refused_for_a_run(uaabench, tmp_path):
    result = uaabench("segment", tmp_path, "--json")
    assert result.code == 2
    assert "label maps predicted elsewhere" in result.err
