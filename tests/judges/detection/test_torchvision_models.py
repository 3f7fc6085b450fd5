"""torchvision's detectors: names, where their weights come from, and that they find what the model itself finds."""

import hashlib
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torchvision.models import get_model, get_model_weights

from uaabench.core.errors import UsageError, WeightsError
from uaabench.judges.detection import torchvision_models
from uaabench.judges.detection.detectors import resolve

NAME = "ssdlite320_mobilenet_v3_large"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty folder where torch keeps downloads, and no network."""

    def refuse(*_arguments, **_options):
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", refuse)
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture
def published(hub, monkeypatch):
    """Random weights in the place of the published ones, under a name that ends with their hash."""
    torch.manual_seed(0)
    model = get_model(NAME, weights=None, weights_backbone=None, num_classes=91).eval()
    with torch.no_grad():  # so that some of what it finds is of the label 12, which is no class of COCO
        for layer in model.head.classification_head.module_list:
            layer[-1].bias.view(-1, 91)[:, 12] += 1
    hub.mkdir(parents=True)
    draft = hub / "draft.pth"
    torch.save(model.state_dict(), draft)
    digest = hashlib.sha256(draft.read_bytes()).hexdigest()
    file = draft.rename(hub / f"made-{digest[:8]}.pth")
    monkeypatch.setattr(get_model_weights(NAME).DEFAULT.value, "url", f"https://example.org/{file.name}")
    return model, file, digest


def test_without_network_one_sentence_says_which_file_goes_where(hub):
    with pytest.raises(WeightsError, match=r"cannot be fetched from https://\S+a79551df\.pth .* by hand") as refused:
        resolve(NAME)
    assert str(hub) in str(refused.value)
    assert refused.value.exit_code == 4


def test_a_name_that_torchvision_does_not_know_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match=r"did you mean 'fcos_resnet50_fpn'"):
        resolve("fcos_resnet50")


def test_every_detector_of_torchvision_publishes_weights_with_a_hash_in_their_name():
    for name in torchvision_models.names():
        assert len(torchvision_models._published_hash(get_model_weights(name).DEFAULT.url)) == 8


def test_detections_are_those_of_the_model_with_labels_by_name(published):
    model, _, digest = published
    detector = resolve(NAME)
    assert detector.key == {"version": 1, "weights": "SSDLite320_MobileNet_V3_Large_Weights.COCO_V1", "sha256": digest}
    assert len(detector.classes) == 80  # as COCO has them, of 91 labels
    detector.load(torch.device("cpu"))
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    with torch.inference_mode():
        (expected,) = model([torch.from_numpy(image).permute(2, 0, 1) / 255])
    found = detector.detect(image)
    categories = get_model_weights(NAME).DEFAULT.meta["categories"]
    named = [index for index, label in enumerate(expected["labels"]) if categories[label] != "N/A"]
    assert 10 < len(named) < len(expected["labels"])
    np.testing.assert_array_equal(found.corners, expected["boxes"][named].numpy().astype(np.float64))
    np.testing.assert_array_equal(found.scores, expected["scores"][named].numpy().astype(np.float64))
    assert [detector.classes[label] for label in found.labels] == [
        categories[label] for label in expected["labels"][named]
    ]


def test_a_damaged_file_is_refused_when_it_is_planned_and_when_it_is_loaded(published):
    _, file, _ = published
    detector = resolve(NAME)
    content = bytearray(file.read_bytes())
    content[5000] ^= 1
    file.write_bytes(content)
    with pytest.raises(WeightsError, match="has changed since the run was planned"):
        detector.load(torch.device("cpu"))
    with pytest.raises(WeightsError, match="is not what torchvision publishes; delete it"):
        resolve(NAME)
