"""Networks by name and by file: what is built, loaded and refused; mmsegmentation itself is the oracle."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub

from own_segmenter import write_segmenter
from uaabench.core import imaging
from uaabench.core.errors import UsageError, WeightsError
from uaabench.judges.segmentation.confusion import confusion, scores
from uaabench.judges.segmentation.protocols import protocol
from uaabench.judges.segmentation.segmenters import (
    CONFIGS,
    Segmenter,
    SegmenterCard,
    build,
    config_file,
    resolve,
)
from uaabench.running.entries import open_dataset
from uaabench.training.segmentation import export

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


def exported(folder, network, **changes):
    """An exported segmenter with its card, for nine classes."""
    card = SegmenterCard(
        name="own", network=network, classes=MSRS.classes, trained_on="", protocol="msrs-9", steps=1, seed=0, recipe=""
    )
    folder.mkdir(exist_ok=True)
    config = network if network in CONFIGS else "fast-scnn"
    return export(folder / "own.safetensors", build(config_file(config), 9), replace(card, **changes))


def own_configuration(folder):
    """A configuration file of the user's that leaves a file `ran` where it runs."""
    file = folder / "own.py"
    base = str(config_file("fast-scnn"))
    file.write_text(f"_base_ = [{base!r}]\nopen({str(folder / 'ran')!r}, 'w').close()\n")
    return file


def test_a_card_cannot_have_a_configuration_run_that_the_user_did_not_name(tmp_path, uaabench):
    config = own_configuration(tmp_path)
    file = exported(tmp_path, str(config))
    with pytest.raises(WeightsError, match=r"own\.py', which is not built in"):
        load(str(file))
    result = uaabench("run", "--methods", "average", "--no-floor", "--segmenter", file, "--out", tmp_path / "R")
    assert (result.code, (tmp_path / "ran").exists()) == (4, False)
    load(f"{config}@{file}")
    assert (tmp_path / "ran").exists()


def test_a_configuration_that_the_user_names_is_said_to_be_code_once(tmp_path, capsys):
    named = write_segmenter(tmp_path, 9)
    for _ in range(2):
        resolve(named)
    resolve("demo")
    assert capsys.readouterr().err == f"uaabench: {tmp_path / 'tiny.py'} is Python code and runs with your rights.\n"


class Runs:
    """Unpickled, it makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def rewrite(tmp_path, change):
    """The checkpoint of the small segmenter of the user's after a change, by the name of both files."""
    named = write_segmenter(tmp_path, 9)
    content = torch.load(tmp_path / "tiny.pth", weights_only=True)
    torch.save(change(content), tmp_path / "tiny.pth")
    return named


@pytest.mark.parametrize("place", ["meta", "state_dict", "message_hub"])
def test_nothing_in_a_checkpoint_runs(tmp_path, place):
    runs = Runs(tmp_path / "ran")
    named = rewrite(tmp_path, lambda content: {**content, place: {**content.get(place, {}), "x": runs}})
    with pytest.raises(WeightsError, match="could run code"):
        load(named)
    assert not (tmp_path / "ran").exists()


def test_what_mmengine_keeps_beside_the_weights_does_not_matter(tmp_path):
    hub = MessageHub.get_instance("history")
    for step in range(3):
        hub.update_scalar("train/loss", 0.5 * step)
        hub.update_scalar("train/lr", np.float64(0.1))
    hub.update_info("iter", 3)
    meta = {"dataset_meta": {"classes": ("a", "b"), "palette": [[1, 2, 3]]}, "cfg": "x = 1", "seed": 0}
    named = rewrite(tmp_path, lambda content: {**content, "meta": meta, "message_hub": hub.state_dict()})
    assert load(named).network is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: list(content["state_dict"].items()), "holds a list"),
        (lambda content: {"net": content["state_dict"]}, ""),
        (lambda content: {"state_dict": {f"module.{k}": v for k, v in content["state_dict"].items()}}, ""),
        (lambda content: {"a": content["state_dict"], "b": content["state_dict"]}, "several sets of tensors"),
        (lambda content: {"state_dict": {k: v * torch.nan for k, v in content["state_dict"].items()}}, "NaN"),
    ],
)
def test_a_checkpoint_is_read_or_refused_in_one_sentence(tmp_path, change, message):
    named = rewrite(tmp_path, change)
    if not message:
        assert load(named).network is not None
        return
    with pytest.raises(WeightsError, match=message):
        load(named)


@pytest.mark.parametrize("broken", [torch.nan, torch.inf, -torch.inf])
def test_scores_that_are_not_finite_are_no_prediction(tmp_path, broken):
    segmenter = load(write_segmenter(tmp_path, 9))
    segmenter.network.decode_head.conv_seg.bias.data[3] = broken
    image = np.zeros((32, 32, 3), np.uint8)
    with pytest.raises(WeightsError, match="finds scores that are NaN or infinite"):
        segmenter.predict([image])


def test_a_preprocessor_beside_the_model_is_the_models_where_it_has_none(tmp_path):
    named = write_segmenter(tmp_path, 9)
    text = (tmp_path / "tiny.py").read_text()
    start, end = text.index("    data_preprocessor=dict("), text.index("    pretrained=")
    beside = text[start:end].strip().removesuffix(",")
    (tmp_path / "tiny.py").write_text(f"{beside}\n{text[:start]}{text[end:]}")
    network = load(named).network
    assert network.data_preprocessor.mean.flatten().tolist() == pytest.approx([123.675, 116.28, 103.53])
    (tmp_path / "tiny.py").write_text(f"data_preprocessor = dict(type='SegDataPreProcessor', mean=[1.0])\n{text}")
    assert load(named).network.data_preprocessor.mean.numel() == 3


@pytest.mark.parametrize(
    "text", ["model = 3", "import sys\nsys.exit(3)", "model = dict(type='Nothing')", "x = 1", "x ="]
)
def test_a_configuration_that_builds_nothing_is_refused(tmp_path, text):
    (tmp_path / "x.py").write_text(text)
    with pytest.raises(UsageError, match=r"x\.py is not an mmsegmentation configuration"):
        build(tmp_path / "x.py", 9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card: None, "Cannot read the card"),
        (lambda card: "{", "is broken: Invalid JSON"),
        (lambda card: "[]", "is broken"),
        (lambda card: json.dumps(card | {"colour": 1}), "is broken in 'colour'"),
        (lambda card: json.dumps(card | {"classes": "abc"}), "is broken in 'classes'"),
        (lambda card: json.dumps(card | {"classes": [1]}), "is broken in 'classes"),
        (lambda card: json.dumps(card | {"version": "1"}), "is broken in 'version'"),
        (lambda card: json.dumps({key: card[key] for key in card if key != "network"}), "is broken in 'network'"),
        (lambda card: json.dumps(card | {"network": "no-such"}), "'no-such', which is not built in"),
    ],
)
def test_a_segmenter_with_a_broken_card_is_refused(tmp_path, change, message):
    file = exported(tmp_path, "fast-scnn")
    card = file.with_suffix(".json")
    text = change(json.loads(card.read_text()))
    card.unlink()
    if text is not None:
        card.write_text(text)
    with pytest.raises(WeightsError, match=message):
        resolve(str(file))
