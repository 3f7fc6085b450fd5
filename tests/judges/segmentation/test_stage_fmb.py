"""Whole runs on label maps in the manner of FMB: 800x600, values 0 to 14, class 0 unlabelled.

The segmenter finds one class everywhere, so that its IoU is the share of that class among the counted pixels.
"""

import cv2
import numpy as np
import pandas as pd
import pytest

from own_segmenter import write_segmenter

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:mmseg")
VEGETATION = 6


@pytest.fixture
def labels(tmp_path):
    """Two pairs below FMB/test; returns their label maps, (2,600,800)."""
    made = []
    for number in range(2):
        rng = np.random.default_rng(number)
        blocks = rng.integers(0, 15, (6, 8)).astype(np.uint8)
        blocks[0, :3] = (0, 14, VEGETATION)
        label = np.kron(blocks, np.ones((100, 100), np.uint8))
        ir, vi = rng.integers(0, 256, (600, 800), np.uint8), rng.integers(0, 256, (600, 800, 3), np.uint8)
        for name, image in (("Infrared", ir), ("Visible", vi), ("Label", label)):
            folder = tmp_path / "FMB" / "test" / name
            folder.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / f"{number:05}.png"), image)
        made.append(label)
    return np.stack(made)


@pytest.fixture
def found(uaabench, tmp_path):
    """Run a segmenter under a protocol: its IoU of vegetation, aAcc, and the classes that have an IoU."""

    def call(segmenter, protocol):
        words = ("run", "--methods", "average", "--datasets", "fmb", "--data-root", tmp_path, "--metrics", "EN")
        out = tmp_path / protocol
        result = uaabench(*words, "--no-floor", "--segmenter", segmenter, "--protocol", protocol, "--out", out)
        assert result.code == 0, result.err
        records = pd.read_parquet(out / "records.parquet")
        iou = records[(records["scope"] == "class") & (records["metric"] == "IoU")].set_index("class")["value"]
        (pixels,) = records.loc[records["metric"] == "aAcc", "value"]
        return iou["vegetation"], pixels, set(iou.dropna().index)

    return call


# A network of mmsegmentation that was trained with reduce_zero_label knows 14 classes and calls vegetation 5.
@pytest.mark.parametrize(("outputs", "winner"), [(15, VEGETATION), (14, VEGETATION - 1)])
@pytest.mark.parametrize("name", ["fmb-14", "fmb-15"])
def test_vegetation_everywhere_has_its_share_of_the_counted_pixels(labels, found, tmp_path, outputs, winner, name):
    iou, pixels, classes = found(write_segmenter(tmp_path / "own", outputs, winner), name)
    counted = labels.size if name == "fmb-15" else (labels > 0).sum()
    assert iou == pytest.approx((labels == VEGETATION).sum() / counted)
    assert pixels == pytest.approx((labels == VEGETATION).sum() / counted)
    assert len(classes) == len(np.unique(labels)) - (name == "fmb-14")
    assert ("unlabelled" in classes) == (name == "fmb-15")


def test_label_maps_shifted_by_one_are_refused_by_value(labels, uaabench, tmp_path):
    file = tmp_path / "FMB" / "test" / "Label" / "00001.png"
    # Values 1 to 15, as an export that shifts them the wrong way writes them.
    cv2.imwrite(str(file), labels[1] + np.uint8(1))
    words = ("run", "--methods", "average", "--datasets", "fmb", "--data-root", tmp_path, "--metrics", "EN")
    segmenter = write_segmenter(tmp_path / "own", 15, VEGETATION)
    result = uaabench(*words, "--no-floor", "--segmenter", segmenter, "--out", tmp_path / "R")
    assert result.code == 3
    assert "has the value 15, but fmb-14 has classes 0 to 14" in result.err
