"""Networks by name and by file: what is built, loaded and refused; mmsegmentation itself is the oracle."""

from pathlib import Path

import numpy as np
import pytest
import torch

from own_segmenter import write_segmenter
from uaabench.core import imaging
from uaabench.core.errors import UsageError, WeightsError
from uaabench.judges.segmentation.confusion import confusion, scores
from uaabench.judges.segmentation.protocols import protocol
from uaabench.judges.segmentation.segmenters import CONFIGS, Segmenter, build, config_file, resolve
from uaabench.running.entries import open_dataset

# What mmsegmentation says of its own defaults.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:mmseg")
MSRS = protocol("msrs-9")


def load(named, classes=MSRS.classes):
    return Segmenter(resolve(named), classes, torch.device("cpu"))


@pytest.mark.parametrize("name", CONFIGS)
def test_every_built_in_segmenter_is_built(name):
    assert sum(value.numel() for value in build(config_file(name), 9).parameters()) > 500_000


def test_the_shipped_segmenter_has_the_measures_of_mmsegmentation_on_the_demo():
    metric = pytest.importorskip("mmseg.evaluation").IoUMetric
    dataset, _, split = open_dataset("demo", Path())
    segmenter = load("demo")
    pairs = dataset.pairs(split)
    maps = [(segmenter.predict([dataset.read(pair).vi])[0], dataset.read_label(pair)) for pair in pairs]
    as_tensors = [tuple(torch.from_numpy(each.astype(np.int64)) for each in both) for both in maps]
    areas = [metric.intersect_and_union(predicted, label, 9, 255) for predicted, label in as_tensors]
    theirs = metric.total_area_to_metrics(*(sum(column) for column in zip(*areas, strict=True)), ["mIoU"])
    ours = scores(sum(confusion(*both, MSRS) for both in maps), MSRS)
    np.testing.assert_allclose(ours.iou, theirs["IoU"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(ours.accuracy, theirs["Acc"], rtol=0, atol=1e-6)
    assert ours.mean_iou_all == pytest.approx(float(np.nanmean(theirs["IoU"])), abs=1e-6)
    assert ours.mean_accuracy == pytest.approx(float(np.nanmean(theirs["Acc"])), abs=1e-6)
    assert ours.pixel_accuracy == pytest.approx(float(theirs["aAcc"]), abs=1e-6)


def test_the_users_own_configuration_and_checkpoint_predict_as_in_mmsegmentation(tmp_path):
    from mmseg.apis import inference_model, init_model

    named = write_segmenter(tmp_path, 9)
    dataset, _, split = open_dataset("demo", Path())
    image = dataset.read(dataset.pairs(split)[0]).vi
    plain = tmp_path / "plain.py"
    text = (tmp_path / "tiny.py").read_text()
    plain.write_text(text.replace("SyncBN", "BN").replace("num_classes=19", "num_classes=9"))
    theirs = init_model(str(plain), str(tmp_path / "tiny.pth"), device="cpu")
    expected = inference_model(theirs, np.ascontiguousarray(image[..., ::-1])).pred_sem_seg.data[0].numpy()
    (found,) = load(named).predict([image])
    assert len(np.unique(found)) > 1
    # Where two of its random outputs are all but equal, the order of summation decides.
    assert (found == expected).mean() > 0.9999


def test_the_users_own_segmenter_judges_a_run(uaabench, tmp_path):
    words = ("run", "--methods", "average", "--datasets", "demo", "--limit", "2", "--metrics", "EN", "--no-floor")
    result = uaabench(*words, "--segmenter", write_segmenter(tmp_path, 9), "--out", tmp_path / "R")
    assert result.code == 0, result.err
    assert "frozen msrs-9, tiny@tiny" in result.out
    (folder,) = (tmp_path / "R" / "segment" / "demo" / "test").iterdir()
    (first, *_) = sorted(folder.glob("*.png"))
    assert set(np.unique(imaging.read_label(first))) <= set(range(9))


def test_a_network_without_weights_is_no_judge(tmp_path):
    named = write_segmenter(tmp_path, 9)
    config = tmp_path / "tiny.py"
    for untrained in (str(config), "fast-scnn"):
        with pytest.raises(UsageError, match=f"{untrained}@CHECKPOINT"):
            resolve(untrained)
    with pytest.raises(UsageError, match="no segmenter checkpoint"):
        resolve(f"{config}@{tmp_path / 'missing.pth'}")
    (tmp_path / "tiny.pth").write_bytes(b"no checkpoint")
    with pytest.raises(WeightsError, match=r"tiny\.pth"):
        load(named)


def test_a_checkpoint_of_other_classes_is_refused(tmp_path):
    with pytest.raises(UsageError, match="tells 19 classes apart, but the data set has 9"):
        load(write_segmenter(tmp_path, 19))
