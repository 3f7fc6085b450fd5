"""Training the segmenter of roads: crops, loss, resuming, and what is written and read."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from uaabench.baselines.uaa.road import CLASSES, RoadSegmenter
from uaabench.baselines.uaa.roads import shipped, train
from uaabench.baselines.uaa.roads.crops import DrawingSampler
from uaabench.baselines.uaa.roads.drawings import CAR, PERSON, UNKNOWN, Drawing
from uaabench.baselines.uaa.segmenter import build_segmenter
from uaabench.core import weights
from uaabench.core.errors import UsageError, WeightsError


def drawing(name, *versions):
    """Images of 40x60 whose left third is a car and whose right third is unknown; grey levels tell versions apart."""
    classes = np.zeros((40, 60), np.uint8)
    classes[:, :20], classes[:, 40:] = CAR, UNKNOWN
    images = {version: np.full((40, 60), 60 + 90 * number, np.uint8) for number, version in enumerate(versions)}
    maps = dict.fromkeys((*versions, "fusion"), classes)
    return Drawing(name, images, maps)


@pytest.fixture
def groups():
    return {"camvid": [drawing("camvid a", "visible")], "msrs": [drawing("msrs b", "infrared", "visible")]}


@pytest.fixture
def recipe():
    changes = {"steps": 4, "batch": 2, "crop": 32, "shares": {"camvid": 1, "msrs": 1}, "checkpoint_every": 2}
    return train.read_recipe("road", changes)


def test_crops_are_images_and_the_classes_that_belong_to_them(groups, recipe):
    image, classes = DrawingSampler(groups, recipe.shares, 32, seed=0).batch(6)
    assert image.shape == (6, 1, 32, 32)
    assert classes.shape == (6, 32, 32)
    assert image.min() >= 0
    assert image.max() <= 1
    assert set(classes.unique().tolist()) <= {0, CAR, UNKNOWN}
    assert (classes == CAR).any()


def test_only_groups_with_a_share_are_drawn_from(groups):
    groups["msrs"] = [drawing("msrs c", "infrared", "visible")]
    for found in groups["msrs"][0].maps.values():
        found[:] = PERSON
    _, classes = DrawingSampler(groups, {"camvid": 0, "msrs": 1}, 32, seed=0).batch(8)
    assert (classes == PERSON).all()


def test_a_share_of_nothing_is_refused(groups):
    with pytest.raises(UsageError, match="nothing to train on from demo; set its share to 0"):
        DrawingSampler(groups, {"camvid": 1, "demo": 1}, 32, seed=0)


def test_without_any_share_there_is_nothing_to_draw(groups):
    with pytest.raises(UsageError, match="No share of the drawings is positive"):
        DrawingSampler(groups, {"camvid": 0}, 32, seed=0)


def test_pixels_of_which_nothing_is_known_do_not_count():
    scores = torch.tensor([[[[0.2, 0.9]], [[0.7, 0.4]]]], dtype=torch.float64)
    classes = torch.tensor([[[1, UNKNOWN]]])
    # Cross-entropy of one pixel, and half of the Dice losses of the one class there: 1 - 2 * 0.7 / (0.7 + 1 + 1).
    expected = -math.log(1 - 0.2) - math.log(0.7) + (1 - 1.4 / 2.7) / 2
    assert train.loss_of(scores, classes).item() == pytest.approx(expected)
    scores[..., 1] = 0.5
    assert train.loss_of(scores, classes).item() == pytest.approx(expected)


def test_a_batch_of_which_nothing_is_known_has_no_loss():
    assert train.loss_of(torch.full((1, 4, 2, 2), 0.3), torch.full((1, 2, 2), UNKNOWN)).item() == 0


def test_a_killed_training_goes_on_to_the_same_weights(groups, recipe, tmp_path, one_thread):
    class KilledError(Exception):
        pass

    def kill(step, _loss):
        if step == 3:
            raise KilledError

    undisturbed = train.train(groups, recipe, None, tmp_path / "a", lambda *_: None)
    with pytest.raises(KilledError):
        train.train(groups, recipe, None, tmp_path / "b", kill)
    resumed = train.train(groups, recipe, None, tmp_path / "b", lambda *_: None)
    for key, value in undisturbed.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[key]), key
    assert len((tmp_path / "b" / "road.csv").read_text().splitlines()) == 1 + 4


def test_a_folder_of_another_training_is_refused(groups, recipe, tmp_path):
    train.train(groups, recipe, None, tmp_path, lambda *_: None)
    with pytest.raises(UsageError, match="holds a training with other data or settings"):
        train.train({**groups, "camvid": [drawing("camvid z", "visible")]}, recipe, None, tmp_path, lambda *_: None)


def test_what_is_exported_is_read_and_says_where_it_comes_from(groups, recipe, tmp_path):
    trained = train.train(groups, recipe, None, tmp_path, lambda *_: None)
    path = train.export(tmp_path, tmp_path / "road.safetensors")
    found = shipped.read_segmenter(path)
    image = torch.rand(1, 1, 48, 64)
    # Half precision keeps eleven bits of each weight.
    torch.testing.assert_close(found(image), trained(image), atol=5e-3, rtol=0)
    assert not any(parameter.requires_grad for parameter in found.parameters())
    card = weights.card_of(path)
    assert card.steps == 4
    assert card.data[0].startswith("CamVid train of the SegNet tutorial, 1 photographs")
    assert "from scratch" in card.recipe


def test_there_is_nothing_to_export_before_the_first_checkpoint(tmp_path):
    with pytest.raises(WeightsError, match="holds no training of the road segmenter yet"):
        train.export(tmp_path, tmp_path / "road.safetensors")


def test_weights_of_something_else_are_no_segmenter_of_roads(tmp_path):
    with pytest.raises(WeightsError, match="holds no segmenter of roads"):
        shipped.read_segmenter(weights.shipped("uaa"))


def test_the_shipped_segmenter_is_that_of_its_card_small_and_knows_what_it_was_taught():
    segmenter = shipped.read_shipped()
    path = weights.shipped("road")
    assert path.stat().st_size < 3e6
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["sha256"] == weights.sha256(path)
    assert "CC BY-NC" in card["note"]
    assert segmenter(torch.rand(1, 1, 64, 96)).shape == (1, len(CLASSES), 64, 96)


def test_a_changed_file_is_not_taken_for_the_shipped_segmenter(tmp_path, monkeypatch):
    for suffix in (".safetensors", ".json"):
        source = weights.shipped("road").with_suffix(suffix)
        (tmp_path / source.name).write_bytes(source.read_bytes())
    monkeypatch.setattr(weights, "shipped_folder", lambda: tmp_path)
    content = bytearray((tmp_path / "road.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "road.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match="SHA-256"):
        shipped.read_shipped()
    (tmp_path / "road.safetensors").unlink()
    with pytest.raises(WeightsError, match="missing from the package"):
        shipped.read_shipped()


def test_uaafusion_can_have_it_inside():
    assert isinstance(build_segmenter("road", 4), RoadSegmenter)


@pytest.mark.parametrize("size", [(48, 64), (33, 50)])
def test_folding_leaves_its_scores_as_they_are(size):
    torch.manual_seed(0)
    segmenter = RoadSegmenter().double()
    image = torch.rand(2, 1, *size, dtype=torch.float64)
    with torch.no_grad():
        segmenter.train()(image)
        for layer in segmenter.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.running_var *= 1.5
        folded = segmenter.eval()(image)
        plain = _plainly(segmenter, image)
    torch.testing.assert_close(folded, plain, atol=1e-10, rtol=0)


def _plainly(segmenter, image):
    """The same network by the plain layers of torch."""
    from torch.nn.functional import interpolate

    def grow(x, like):
        return interpolate(x, like.shape[-2:], mode="bilinear", align_corners=False)

    def blocks(x, features):
        for block in features:
            y = block.conv(x) if hasattr(block, "conv") else block(x)
            x = x + y if getattr(block, "use_res_connect", False) else y
        return x

    fine = blocks((image - segmenter.MEAN) / segmenter.STD, segmenter.features[:4])
    middle = blocks(fine, segmenter.features[4:7])
    x = segmenter.deep(blocks(middle, segmenter.features[7:]))
    for block in segmenter.context:
        x = x + block(x)
    x = segmenter.join_middle(grow(x, middle) + segmenter.middle(middle))
    x = segmenter.join_fine(grow(x, fine) + segmenter.fine(fine))
    return grow(segmenter.classify(x), image).sigmoid()


def test_a_change_without_a_value_is_a_usage_error(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        train.main(["--camvid", "a", "--boxes", "b", "--set", "steps", "--out", str(tmp_path / "out")])
    assert stop.value.code == 2
    assert "write NAME=VALUE" in capsys.readouterr().err


def test_the_command_says_in_one_sentence_what_is_missing(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        train.main(["--camvid", str(tmp_path), "--boxes", str(tmp_path), "--out", str(tmp_path / "out")])
    assert stop.value.code == 4
    assert "holds no PNG files" in capsys.readouterr().err
    assert not Path(tmp_path / "out").exists()
