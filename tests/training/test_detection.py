"""Training of detectors on a few pairs of the demo: what goes on, what is kept, what the card says, what is seen."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from uaabench.core import imaging
from uaabench.core.errors import DataError, UsageError, WeightsError
from uaabench.judges.detection.detectors import resolve
from uaabench.judges.detection.matching import ALL, tally
from uaabench.judges.detection.precision import AP50
from uaabench.training import detection
from uaabench.training.boxed import Crops, augmentation, boxes_of, choose, seen
from uaabench.training.detection import DetectorRecipe, train

RECIPE = DetectorRecipe(steps=4, batch=2, crop=64, checkpoint_every=2)


@pytest.fixture
def images(tmp_path):
    """Six training pairs, two of them held out."""
    file = tmp_path / "names.txt"
    file.write_text("\n".join(pair.id for pair in choose("demo", tmp_path, held_out=0).pairs[:6]))
    return choose("demo", tmp_path, on="average", names=file, held_out=2)


def test_a_training_that_goes_on_ends_bit_for_bit_where_an_undisturbed_one_does(
    tmp_path, images, one_thread, monkeypatch
):
    undisturbed = train(images, RECIPE, tmp_path / "whole").read_bytes()

    class Killed(BaseException):
        pass

    def kill(step, _loss):
        if step == 3:
            raise Killed

    monkeypatch.setattr(detection, "REPORTED", 1)
    with pytest.raises(Killed):
        train(images, RECIPE, tmp_path / "killed", report=kill)
    steps = []
    file = train(images, RECIPE, tmp_path / "killed", report=lambda step, _loss: steps.append(step))
    assert steps == [3, 4]
    assert file.read_bytes() == undisturbed
    rows = (tmp_path / "killed" / "loss.csv").read_text().splitlines()
    assert rows == (tmp_path / "whole" / "loss.csv").read_text().splitlines()
    assert len(rows) == 5


def test_the_card_says_what_it_was_trained_on_and_ap50_of_the_pairs_held_out(tmp_path, images):
    file = train(images, RECIPE, tmp_path / "judge")
    card = json.loads(file.with_suffix(".json").read_text())
    assert card["trained_on"] == "Demo train, 4 pairs, average"
    assert (card["steps"], card["seed"], card["classes"]) == (4, 0, list(images.dataset.box_classes))
    detector = resolve(str(file))
    detector.load(torch.device("cpu"))
    tallies = []
    for pair in images.held_out:
        sources = images.dataset.read(pair)
        mean = np.rint((imaging.grey(sources.vi) + sources.ir) / 2).astype(np.uint8)
        found = detector.detect(imaging.colourise(mean, sources.vi))
        tallies.append(tally(images.dataset.read_boxes(pair), found, 3, [ALL]))
    expected = AP50.of(tallies, np.ones((1, 2), np.int64), {"classes": detector.classes})[0]
    assert card["validation"] == f"AP50 {expected:.4f} on 2 pairs held out"


def test_a_finished_training_is_kept_and_its_folder_is_no_place_for_another(tmp_path, images):
    file = train(images, RECIPE, tmp_path / "judge")
    made = file.stat().st_mtime_ns
    assert train(images, RECIPE, tmp_path / "judge").stat().st_mtime_ns == made
    with pytest.raises(UsageError, match="other data or settings"):
        train(images, replace(RECIPE, seed=1), tmp_path / "judge")
    with pytest.raises(UsageError, match="'infra' is neither one of visible, infrared, average, maximum, mix nor"):
        train(replace(images, on="infra"), RECIPE, tmp_path / "other")


def test_maximum_is_that_of_luminance_and_infrared_in_the_colours_of_the_visible_image(images):
    pair = images.pairs[0]
    sources = images.dataset.read(pair)
    image = seen(images.dataset, pair, "maximum")
    brighter = np.maximum(imaging.grey(sources.vi), sources.ir)
    # Colours that leave 0..255 are cut, which changes their luminance; where none are, it is the maximum.
    inside = ((image > 0) & (image < 255)).all(axis=2)
    assert inside.mean() > 0.8
    assert np.abs(imaging.grey(image)[inside] - brighter[inside]).max() <= 1


def test_boxes_follow_their_objects_through_scaling_cropping_and_flipping(images):
    # Where there is nothing but one white rectangle, its box is that of the white pixels.
    image = np.zeros((100, 120, 3), np.uint8)
    image[40:60, 30:70] = 255
    boxes = boxes_of(images.dataset, images.pairs[0])
    corners = np.array([[30.0, 40.0, 70.0, 60.0], [0.0, 0.0, 120.0, 100.0]])
    boxes = replace(boxes, corners=corners, labels=np.array([2, 1]), ignored=np.array([False, True]))
    torch.manual_seed(0)
    crops = Crops(images, 96)
    seen_boxes = 0
    for _ in range(20):
        picture, target = crops._crop(image, boxes)
        assert picture.shape == (3, 96, 96)
        for corners, label in zip(target["boxes"].tolist(), target["labels"].tolist(), strict=True):
            seen_boxes += 1
            assert label == 2  # what is ignored is not asked for
            rows, columns = np.nonzero(picture.mean(dim=0).numpy() > picture.mean(dim=0).max().item() * 0.9)
            found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            # What lies outside the image is grey, and must not be taken for the rectangle.
            np.testing.assert_allclose(corners, found, atol=2)
    assert seen_boxes > 10
    assert augmentation(100, 120, 96) is augmentation(100, 120, 96)


def test_pairs_without_boxes_cannot_train_a_detector(pair_folder):
    with pytest.raises(DataError, match="has no boxes; a detector cannot be trained on it"):
        choose(f"own={pair_folder}", pair_folder)


def test_weights_of_other_classes_than_their_card_are_refused(tmp_path, images):
    file = train(images, RECIPE, tmp_path / "judge")
    card = json.loads(file.with_suffix(".json").read_text())
    file.with_suffix(".json").write_text(json.dumps(card | {"classes": ["person", "car"]}))
    with pytest.raises(WeightsError, match="do not fit the network of 2 classes"):
        resolve(str(file)).load(torch.device("cpu"))
    file.with_suffix(".json").unlink()
    with pytest.raises(WeightsError, match="it belongs beside its weights"):
        resolve(str(file))


def test_the_verb_trains_and_says_how_to_use_what_it_made(uaabench, tmp_path, images):
    words = ("--names", tmp_path / "names.txt", "--validate", "1", "--steps", "2", "--batch", "2", "--crop", "64")
    result = uaabench("train", "detector", "--on", "visible", *words, "--out", tmp_path / "made")
    assert result.code == 0, result.err
    assert "Validated: AP50 " in result.out
    assert (
        f"uaabench run --detector {tmp_path / 'made' / 'detector.safetensors'} --datasets demo"
        in result.out.replace("\n", "")
    )
    assert json.loads((tmp_path / "made" / "detector.json").read_text())["command"].startswith(
        "uaabench train detector"
    )
