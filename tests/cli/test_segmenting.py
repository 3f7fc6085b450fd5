"""`uaabench segment` on folders, and `uaabench train segmenter`."""

import numpy as np
from typer.testing import CliRunner

from uaabench.cli.main import app
from uaabench.core import imaging
from uaabench.core.errors import DataError, UsageError


def run(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def test_miou_of_label_maps_predicted_elsewhere(tmp_path):
    for kind, value in (("pred", 2), ("labels", 1)):
        (tmp_path / kind).mkdir()
        label = np.ones((4, 4), np.uint8)
        label[:2] = value
        imaging.write_png(tmp_path / kind / "a.png", label)
    result = run("segment", "--pred", tmp_path / "pred", "--labels", tmp_path / "labels", "--protocol", "msrs-9")
    # Half of the car's pixels are found; the person is not in the ground truth.
    assert "mIoU 0.5000" in result.output
    assert "mIoU with absent classes 0.2500" in result.output


def test_a_prediction_without_a_label_map_is_refused(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "pred").mkdir()
    words = ("segment", "--pred", tmp_path / "pred", "--labels", tmp_path / "labels", "--protocol", "msrs-9")
    assert isinstance(run(*words).exception, UsageError)
    imaging.write_png(tmp_path / "pred" / "a.png", np.zeros((4, 4), np.uint8))
    assert isinstance(run(*words).exception, DataError)
