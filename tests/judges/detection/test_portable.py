"""Detectors in ONNX files by their cards: what the network gets, what its outputs mean, and what a wrong card says."""

import json
import warnings

import cv2
import numpy as np
import pytest
import torch

from uaabench.core.errors import UsageError, WeightsError
from uaabench.judges.detection import runtimes
from uaabench.judges.detection.detectors import resolve

pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")

CARD = {
    "file": "net.onnx",
    "classes": ["person", "car"],
    "input": {"size": [32, 64], "layout": "nchw"},
    "decoding": {"kind": "yolo"},
}
IMAGE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


def write_toml(path, card):
    lines = [f"{name} = {json.dumps(value)}" for name, value in card.items() if not isinstance(value, dict)]
    for name, table in card.items():
        if isinstance(table, dict):
            lines += [f"[{name}]", *(f"{entry} = {json.dumps(value)}" for entry, value in table.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def constant(folder, *outputs, shape=(1, 3, 32, 64), kind=onnx.TensorProto.FLOAT):
    """A network in `net.onnx` that gives the same outputs for every image of a shape."""
    nodes = [
        onnx.helper.make_node("Constant", [], [f"out{number}"], value=onnx.numpy_helper.from_array(array))
        for number, array in enumerate(outputs)
    ]
    given = onnx.helper.make_tensor_value_info("image", kind, shape)
    types = {np.dtype(np.float32): onnx.TensorProto.FLOAT, np.dtype(np.int64): onnx.TensorProto.INT64}
    returned = [
        onnx.helper.make_tensor_value_info(f"out{number}", types[array.dtype], array.shape)
        for number, array in enumerate(outputs)
    ]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "net", [given], returned),
        opset_imports=[onnx.helper.make_opsetid("", 17)],
        ir_version=9,
    )
    onnx.save(model, folder / "net.onnx")


def found_by(folder, card, image=IMAGE):
    detector = resolve(write_toml(folder / "net.toml", card))
    detector.load(torch.device("cpu"))
    found = detector.detect(image)
    return [
        (detector.classes[label], round(float(score), 6), [round(float(v), 4) for v in box])
        for label, score, box in zip(found.labels, found.scores, found.corners, strict=True)
    ]


def yolo(*rows):
    return np.array(rows, np.float32).T[None]


def test_yolo_boxes_are_scaled_to_the_image_and_suppressed_within_a_class_only(tmp_path):
    # Centre (16,16), 16 wide and 8 high, on the input of 64x32; the image is 64x64, so heights double.
    constant(tmp_path, yolo([16, 16, 16, 8, 0.9, 0.2], [16.5, 16, 16, 8, 0.8, 0.0], [48, 8, 8, 8, 0.01, 0.0625]))
    # The second overlaps the first by 15.5 / 16.5; the scores 0.01 and 0.0625 are not above 0.0625.
    box = [8.0, 24.0, 24.0, 40.0]
    card = CARD | {"suppression": {"score": 0.0625}}
    assert found_by(tmp_path, card) == [("person", 0.9, box), ("car", 0.2, box)]


def test_yolo_with_objectness_multiplies_and_takes_rows_in_either_order(tmp_path):
    rows = yolo([0.5, 0.5, 0.5, 0.5, 0.5, 0.9, 0.2], [0.5, 0.5, 0.5, 0.5, 0.0, 1.0, 1.0])
    card = CARD | {"decoding": {"kind": "yolo", "objectness": True, "unit": "shares"}}
    for array in (rows, rows.transpose(0, 2, 1).copy()):
        constant(tmp_path, array)
        assert found_by(tmp_path, card) == [
            ("person", 0.45, [16.0, 16.0, 48.0, 48.0]),
            ("car", 0.1, [16.0, 16.0, 48.0, 48.0]),
        ]


def test_a_class_of_several_columns_has_the_greatest_score_and_one_without_a_name_is_left_out(tmp_path):
    constant(tmp_path, yolo([32, 16, 8, 8, 0.9, 0.3, 0.6]))
    assert found_by(tmp_path, CARD | {"classes": ["", "car", "car"]}) == [("car", 0.6, [28.0, 24.0, 36.0, 40.0])]


def test_boxes_that_are_final_are_not_suppressed_again(tmp_path):
    boxes = np.array([[[0.25, 0.5, 0.75, 1.5], [0.25, 0.5, 0.75, 1.0], [0, 0, 1, 1]]], np.float32)
    constant(tmp_path, boxes, np.array([[0.9, 0.8, 0.0]], np.float32), np.array([[1, 1, 90]], np.int64))
    card = CARD | {"decoding": {"kind": "nms-included", "order": "yxyx", "unit": "shares"}}
    # What leaves the image is cut; a label without confidence, as of an entry that is not used, says nothing.
    assert found_by(tmp_path, card) == [("car", 0.9, [32.0, 16.0, 64.0, 48.0]), ("car", 0.8, [32.0, 16.0, 64.0, 48.0])]


def test_ssd_offsets_move_the_anchors_of_their_cells(tmp_path):
    # Two layers of 2x2 and 1x1 cells, one ratio: scales 0.2 and 0.8, each with one more of the mean of neighbours.
    offsets = np.zeros((1, 10, 4), np.float32)
    scores = np.full((1, 10, 3), -9, np.float32)
    # The second anchor of the upper right cell, of scale sqrt(0.2 * 0.8) = 0.4 at (0.25, 0.75), moved by a tenth of
    # its size downwards and made half as high.
    offsets[0, 3] = [1, 0, 5 * np.log(0.5), 0]
    scores[0, 3, 2] = np.log(3)  # sigmoid 3/4
    constant(tmp_path, offsets, scores)
    decoding = {"kind": "ssd-anchors", "cells": [2, 1], "scales": [0.2, 0.8], "ratios": [1.0], "reduce_lowest": False}
    card = CARD | {"classes": ["", "person", "car"], "decoding": decoding}
    # Centre y 0.25 + 0.04, half height 0.1; centre x 0.75, half width 0.2.
    assert found_by(tmp_path, card) == [("car", 0.75, [35.2, 12.16, 60.8, 24.96])]


def test_a_letterbox_is_taken_back(tmp_path):
    # An image of 64 wide and 16 high on an input of 64x32 lies 8 below its top.
    constant(tmp_path, yolo([32, 16, 32, 8, 0.9, 0.0]))
    card = CARD | {"input": CARD["input"] | {"resize": "letterbox"}}
    assert found_by(tmp_path, card, IMAGE[:16]) == [("person", 0.9, [16.0, 4.0, 48.0, 12.0])]


def test_an_exported_network_sees_what_the_card_says(tmp_path):
    class Probe(torch.nn.Module):
        """One box for each image, whose place and size say what the input was."""

        def forward(self, image):
            mean = image.mean(dim=(2, 3))
            corner = image[:, :, 0, 0]
            scores = torch.stack([torch.sigmoid(corner[:, 0]), torch.zeros(1)], dim=1)
            return torch.cat([mean[:, :2] * 2 + 16, mean[:, 2:] + 8, mean[:, 2:] + 8, scores], dim=1)[..., None]

    probe = Probe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(probe, (torch.zeros(1, 3, 32, 64),), tmp_path / "net.onnx", dynamo=False)
    facts = {"channels": "bgr", "mean": [100.0, 110.0, 120.0], "std": [50.0, 60.0, 70.0]}
    found = found_by(tmp_path, CARD | {"input": CARD["input"] | facts})
    # The same by hand: scaled to 64x32, blue first, then mean and std of that order.
    seen = (cv2.resize(IMAGE, (64, 32))[..., ::-1].astype(np.float32) - [100, 110, 120]) / [50, 60, 70]
    (x, y, w, h, score, _) = probe(torch.from_numpy(seen.transpose(2, 0, 1)[None]).float())[0, :, 0].tolist()
    ((name, confidence, corners),) = found
    assert name == "person"
    assert confidence == pytest.approx(score, abs=1e-5)
    np.testing.assert_allclose(corners, [x - w / 2, (y - h / 2) * 2, x + w / 2, (y + h / 2) * 2], atol=1e-3)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"colour": 1}, UsageError, "'colour' of the card .* is not valid: Extra inputs"),
        ({"input": {"size": [32, 64], "layout": "chwn"}}, UsageError, "'input.layout' of the card .* 'nchw' or 'nhwc'"),
        ({"input": {"size": [32], "layout": "nchw"}}, UsageError, "'input.size.1' of the card"),
        ({"decoding": {"kind": "yolo", "anchors": 3}}, UsageError, "'decoding.yolo.anchors' of the card"),
        ({"decoding": {"kind": "detr"}}, UsageError, "'decoding' of the card"),
        ({"classes": []}, UsageError, "'classes' of the card"),
        ({"classes": ["", ""]}, UsageError, "names no class"),
        ({"suppression": {"iou": 1.5}}, UsageError, "'suppression.iou' of the card"),
        ({"file": "other.onnx"}, WeightsError, "Cannot read the weights .*other.onnx"),
        ({"file": "net.toml"}, UsageError, "neither an .onnx nor a .tflite file"),
        ({"sha256": "0" * 64}, WeightsError, "instead of 000000000000…, which its card names"),
        (
            {"classes": ["person", "car", "bike"]},
            WeightsError,
            r"not 1x7xN or 1xNx7.*outputs are 0: out0 1x6x1: correct",
        ),
        ({"decoding": {"kind": "yolo", "output": 1}}, WeightsError, "has no output 1; its outputs are 0: out0 1x6x1"),
        ({"decoding": {"kind": "yolo", "output": "boxes"}}, WeightsError, "has no output 'boxes'"),
        ({"decoding": {"kind": "nms-included"}}, WeightsError, "has no output 1"),
        (
            {"input": {"size": [64, 32], "layout": "nchw"}},
            WeightsError,
            "takes an input of 1x3x32x64, but its card says",
        ),
        ({"input": {"size": [32, 64], "layout": "nhwc"}}, WeightsError, "correct 'size' or 'layout'"),
        ({"decoding": {"kind": "ssd-anchors", "cells": [2, 1]}}, WeightsError, "has no output 1"),
    ],
)
def test_a_wrong_card_is_one_sentence(tmp_path, change, kind, message):
    constant(tmp_path, yolo([16, 16, 16, 8, 0.9, 0.2]))
    with pytest.raises(kind, match=message) as refused:
        resolve(write_toml(tmp_path / "net.toml", CARD | change))
    assert "\n" not in str(refused.value)


def test_a_run_by_a_wrong_card_ends_before_anything_is_computed(uaabench, tmp_path):
    constant(tmp_path, yolo([16, 16, 16, 8, 0.9, 0.2]))
    card = write_toml(tmp_path / "net.toml", CARD | {"classes": ["person", "car", "bike"]})
    words = ("--methods", "average", "--datasets", "demo", "--limit", "1", "--metrics", "EN", "--no-floor")
    result = uaabench("run", *words, "--segmenter", "none", "--detector", card, "--out", tmp_path / "R")
    assert (result.code, result.out) == (4, "")
    assert "is not 1x7xN or 1xNx7" in result.err
    assert not list(tmp_path.glob("R/fuse/**/*.png"))


def test_nan_in_an_output_is_refused(tmp_path):
    constant(tmp_path, yolo([16, 16, 16, 8, float("nan"), 0.2]))
    with pytest.raises(WeightsError, match="with NaN or infinity"):
        found_by(tmp_path, CARD)


def test_what_is_no_network_is_refused(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"no network")
    with pytest.raises(WeightsError, match=r"cannot be opened by the runtime of \.onnx files"):
        found_by(tmp_path, CARD)


def test_a_file_that_changes_after_planning_is_refused(tmp_path):
    constant(tmp_path, yolo([16, 16, 16, 8, 0.9, 0.2]))
    detector = resolve(write_toml(tmp_path / "net.toml", CARD))
    constant(tmp_path, yolo([16, 16, 16, 8, 0.8, 0.2]))
    with pytest.raises(WeightsError, match="they were changed"):
        detector.load(torch.device("cpu"))


def test_without_its_runtime_one_sentence_names_the_extra(tmp_path, monkeypatch):
    constant(tmp_path, yolo([16, 16, 16, 8, 0.9, 0.2]))
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"net\.onnx needs onnxruntime, .* pip install 'uaabench\[detectors\]'"):
        runtimes.open_network(tmp_path / "net.onnx")


def test_the_card_decides_the_key_and_the_folder_does_not(tmp_path):
    keys = []
    for place, card in (("a", CARD), ("b", CARD), ("c", CARD | {"suppression": {"score": 0.1}})):
        (tmp_path / place).mkdir()
        constant(tmp_path / place, yolo([16, 16, 16, 8, 0.9, 0.2]))
        keys.append(resolve(write_toml(tmp_path / place / "net.toml", card)).key)
    assert keys[0] == keys[1] != keys[2]
    json.dumps(keys)


@pytest.mark.parametrize("name", ["missing.onnx", "missing.toml", "../missing.tflite"])
def test_a_file_without_a_card_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match=r"Cannot read the card .*missing\.toml: No such file"):
        resolve(str(tmp_path / name))


def test_a_card_of_another_file_is_refused(tmp_path):
    constant(tmp_path, yolo([16, 16, 16, 8, 0.9, 0.2]))
    write_toml(tmp_path / "net.toml", CARD)
    with pytest.raises(UsageError, match=r"is of net\.onnx, not of net\.tflite"):
        resolve(str(tmp_path / "net.tflite"))
