"""The detector that comes with the package: what its card says, and that it keeps to it."""

import re

import numpy as np
import pytest
import torch

from uaabench.core.errors import UsageError, WeightsError
from uaabench.judges.detection import trained
from uaabench.judges.detection.detectors import resolve
from uaabench.judges.detection.inference import run
from uaabench.judges.detection.matching import ALL, tally
from uaabench.judges.detection.precision import AP50
from uaabench.training.boxed import boxes_of, choose, seen


@pytest.fixture
def demo():
    detector = resolve("demo")
    detector.load(torch.device("cpu"))
    return detector


def test_the_shipped_detector_has_at_most_two_megabytes_and_never_saw_the_test_split():
    assert trained.shipped_names() == ["demo"]
    assert trained.shipped("demo").stat().st_size <= 2_000_000
    card = trained.read_card(trained.shipped("demo"))
    assert card.classes == ("person", "bike", "car")
    assert card.trained_on.startswith("Demo train, 64 pairs")


@pytest.mark.parametrize("way", ["visible", "infrared", "average", "maximum"])
def test_its_card_states_ap50_on_the_test_split(demo, tmp_path, way):
    images = choose("demo:test", tmp_path, held_out=0)
    tallies = [
        tally(boxes_of(images.dataset, pair), demo.detect(seen(images.dataset, pair, way)), 3, [ALL])
        for pair in images.pairs
    ]
    found = AP50.of(tallies, np.ones((1, len(tallies)), np.int64), {"classes": demo.classes})[0]
    stated = re.search(rf"{way} (0\.\d+)", trained.read_card(trained.shipped("demo")).validation)
    assert found == pytest.approx(float(stated[1]), abs=0.01)


def test_detections_are_within_the_image_whatever_its_size(demo):
    generator = np.random.default_rng(0)
    for height, width in ((240, 320), (75, 101), (33, 32), (1, 1)):
        image = generator.integers(0, 256, (height, width, 3), np.uint8)
        found = demo.detect(image)
        assert len(found.scores) == len(found.labels) == len(found.corners) <= 100
        assert (found.corners >= 0).all()
        assert (found.corners <= [width, height, width, height]).all()
        assert (found.scores > 0.05).all()


def test_the_same_image_has_the_same_detections(demo):
    image = np.random.default_rng(1).integers(0, 256, (64, 96, 3), np.uint8)
    first, second = demo.detect(image), demo.detect(image)
    np.testing.assert_array_equal(first.corners, second.corners)
    np.testing.assert_array_equal(first.scores, second.scores)


def test_scores_that_are_not_finite_are_refused(demo):
    class Broken(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, images):
            box = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
            return [{"boxes": box, "labels": torch.tensor([0]), "scores": torch.tensor([float("nan")])}]

    with pytest.raises(WeightsError, match="NaN or infinite"):
        run(Broken(), [np.zeros((8, 8, 3), np.uint8)], "fp32")


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("dmo", r"no detector 'dmo'; did you mean 'demo'"),
        ("missing.safetensors", "no trained detector missing.safetensors"),
        ("judges/", "is no detector; name a card"),
        ("../../weights.pth", "is no detector; name a card"),
        ("", "no detector ''"),
    ],
)
def test_a_name_that_is_nothing_is_one_sentence(named, message):
    with pytest.raises(UsageError, match=message):
        resolve(named)


def test_weights_other_than_those_of_the_card_are_refused(tmp_path):
    file = tmp_path / "demo.safetensors"
    content = bytearray(trained.shipped("demo").read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    file.with_suffix(".json").write_bytes(trained.shipped("demo").with_suffix(".json").read_bytes())
    with pytest.raises(WeightsError, match="they were changed or not copied completely"):
        resolve(str(file)).load(torch.device("cpu"))


def test_several_images_at_once_have_the_detections_that_each_has_alone(demo):
    generator = np.random.default_rng(0)
    images = [generator.integers(0, 256, (64, 96, 3), np.uint8) for _ in range(3)]
    for alone, together in zip(map(demo.detect, images), demo.detect_all(images), strict=True):
        assert (alone.labels == together.labels).all()
        assert np.abs(alone.corners - together.corners).max(initial=0) < 1e-3
        assert np.abs(alone.scores - together.scores).max(initial=0) < 1e-4


def test_bf16_moves_confidences_a_little():
    image = np.random.default_rng(0).integers(0, 256, (128, 192, 3), np.uint8)
    exact, short = resolve("demo"), resolve("demo")
    exact.load(torch.device("cpu"))
    short.load(torch.device("cpu"), "bf16")
    found, near = exact.detect(image), short.detect(image)
    assert len(found.scores) > 0
    best = found.scores.max()
    # bfloat16 has 8 bits: 2^-8 of a value, and so a few hundredths after a network.
    assert 0 < abs(near.scores.max() - best) < 0.05
