"""`uaabench segment` on folders, and `uaabench train segmenter`."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from uaabench import imaging
from uaabench.cli.main import app
from uaabench.errors import DataError, UsageError
from uaabench.segmentation.segmenters import CONFIGS, Segmenter, build, config_file, resolve


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


@pytest.mark.parametrize("name", [name for name in CONFIGS if name != "segformer-b3"])
def test_every_built_in_segmenter_is_built(name):
    assert sum(value.numel() for value in build(config_file(name), 9).parameters()) > 500_000


@pytest.mark.slow
def test_a_training_that_was_stopped_goes_on_and_its_export_segments(tmp_path):
    from uaabench.plan import open_dataset
    from uaabench.segmentation.protocols import protocol
    from uaabench.training.segmentation import SegmenterRecipe, TrainingImages, train

    dataset, _, _ = open_dataset("demo", tmp_path)
    pairs = dataset.pairs("train")[:4]
    recipe = SegmenterRecipe(steps=6, batch=2, crop=(64, 64), checkpoint_every=3)
    data = TrainingImages(dataset, pairs, "visible", protocol("msrs-9"), "a test")
    steps = []
    train(data, recipe, tmp_path / "again", report=lambda step, _: steps.append(step))
    assert steps == [6]
    first = tmp_path / "again" / "mmengine"
    # What a kill after the third step leaves behind.
    (first / "iter_6.pth").unlink()
    (first / "last_checkpoint").write_text(str(first / "iter_3.pth"))
    (tmp_path / "again" / "segmenter.safetensors").unlink()
    file = train(data, recipe, tmp_path / "again")
    card = json.loads(file.with_suffix(".json").read_text())
    assert card["steps"] == 6
    assert card["classes"][1] == "car"
    found = resolve(str(file))
    import torch

    segmenter = Segmenter(found, protocol("msrs-9").classes, torch.device("cpu"))
    odd = np.zeros((75, 101, 3), np.uint8)
    images = [dataset.read(pairs[0]).vi, odd, dataset.read(pairs[1]).vi]
    together = segmenter.predict(images)
    assert [label.shape for label in together] == [image.shape[:2] for image in images]
    for image, label in zip(images, together, strict=True):
        assert (segmenter.predict([image])[0] == label).mean() > 0.999
    with pytest.raises(UsageError, match="other data or settings"):
        train(replace(data, on="infrared"), recipe, tmp_path / "again")
