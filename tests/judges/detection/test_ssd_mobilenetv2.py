"""A published SSD by the card of docs/detectors.md, beside a literal computation of what its authors describe."""

import math
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from uaabench.judges.detection.detectors import resolve

CARD = Path(__file__).parents[3] / "docs" / "detectors.md"
PERSON, BICYCLE, CARS = 4, 1, (18, 23)


@pytest.fixture
def card(shared, tmp_path):
    pytest.importorskip("ai_edge_litert")
    shutil.copy(shared / "detectors" / "ssd_mobilenetv2_oidv4.tflite", tmp_path)
    text = CARD.read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0]
    path = tmp_path / "ssd_mobilenetv2_oidv4.toml"
    path.write_text(text, encoding="utf-8")
    return path


def literal_anchors():
    """One after the other, as the description counts them: layer, row, column, shape."""
    found = []
    for k, cells in enumerate([19, 10, 5, 3, 2, 1]):
        scale = 0.2 + 0.75 * k / 5
        following = 0.2 + 0.75 * (k + 1) / 5 if k < 5 else 1.0
        shapes = [(scale, ratio) for ratio in (1, 2, 1 / 2, 3, 1 / 3)] + [(math.sqrt(scale * following), 1)]
        if k == 0:
            shapes = [(0.1, 1), (0.2, 2), (0.2, 1 / 2)]
        for row in range(cells):
            for column in range(cells):
                for s, ratio in shapes:
                    found.append(((row + 0.5) / cells, (column + 0.5) / cells, s / ratio**0.5, s * ratio**0.5))
    return found


def iou(one, other):
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    area = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - width * height
    return width * height / area


def literal_detections(image, file):
    """Boxes of each class as (score, corners), the most confident first."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(file), num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, cv2.resize(image, (300, 300)).astype(np.float32)[None] / np.float32(127.5) - 1)
    interpreter.invoke()
    boxes, logits = (interpreter.get_tensor(facts["index"])[0] for facts in interpreter.get_output_details())
    height, width = image.shape[:2]
    found = {"person": [], "bicycle": [], "car": []}
    for (cy, cx, h, w), row, (ay, ax, ah, aw) in zip(boxes.tolist(), logits.tolist(), literal_anchors(), strict=True):
        y, x = cy / 10 * ah + ay, cx / 10 * aw + ax
        half_h, half_w = ah * math.exp(h / 5) / 2, aw * math.exp(w / 5) / 2
        corners = [
            min(max(value, 0.0), limit)
            for value, limit in (
                ((x - half_w) * width, width),
                ((y - half_h) * height, height),
                ((x + half_w) * width, width),
                ((y + half_h) * height, height),
            )
        ]
        for name, columns in (("person", [PERSON]), ("bicycle", [BICYCLE]), ("car", CARS)):
            score = max(1 / (1 + math.exp(-row[column])) for column in columns)
            if score > 0.05:
                found[name].append((score, corners))
    for name, candidates in found.items():
        kept = []
        for score, corners in sorted(candidates, key=lambda entry: -entry[0]):
            if all(iou(corners, other) <= 0.6 for _, other in kept):
                kept.append((score, corners))
        found[name] = kept
    return found


@pytest.mark.shared
def test_detections_are_those_of_a_literal_computation(card, shared):
    detector = resolve(str(card))
    detector.load(torch.device("cpu"))
    assert detector.name == "ssd-mobilenetv2-oidv4"
    file = shared / "data" / "MSRS" / "test" / "vi" / "00055D.png"
    image = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
    found = detector.detect(image)
    expected = literal_detections(image, card.with_suffix(".tflite"))
    assert len(found.scores) == sum(map(len, expected.values())) > 20
    for name, boxes in expected.items():
        mine = found.labels == detector.classes.index(name)
        # (value - 127.5) / 127.5 and value / 127.5 - 1 differ by a rounding in single precision.
        np.testing.assert_allclose(found.scores[mine], [score for score, _ in boxes], rtol=1e-4)
        np.testing.assert_allclose(found.corners[mine], np.array([c for _, c in boxes]).reshape(-1, 4), atol=1e-2)


@pytest.mark.shared
def test_a_card_beside_another_file_is_refused_by_its_hash(card):
    file = card.with_suffix(".tflite")
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    with pytest.raises(Exception, match=r"has the SHA-256 .* which its card names") as refused:
        resolve(str(card))
    assert refused.value.exit_code == 4
