"""AP and AR are those of pycocotools, on any draw of pairs."""

import contextlib
import io

import numpy as np
import pytest

from uaabench.core.boxes import Boxes, Detections
from uaabench.judges.detection import precision
from uaabench.judges.detection.matching import COCO_AREAS, tally

CLASSES = ("a", "b", "never there")
SETTING = {"classes": CLASSES}


def some_corners(rng, count):
    """Boxes on a coarse grid, so that IoUs are often equal and often at a threshold."""
    low = rng.integers(0, 12, (count, 2)) * 8.0
    return np.hstack([low, low + rng.integers(1, 16, (count, 2)) * 8.0])


def scene(seed, images=12):
    """Images with and without objects and detections; scores with many ties; a class that is never there."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(images):
        objects, detections = rng.integers(0, 7), rng.integers(0, 13)
        corners = some_corners(rng, objects)
        boxes = Boxes(corners, rng.integers(0, 2, objects), rng.random(objects) < 0.2)
        near = np.vstack([corners, some_corners(rng, 12)])[rng.permutation(objects + 12)[:detections]]
        near[:, 2:] += 8.0 * rng.integers(0, 2, (detections, 2))
        scores = rng.integers(1, 9, detections) / 8
        found.append((boxes, Detections(near, rng.integers(0, 3, detections), scores)))
    return found


def extent(corners):
    return [*corners[:2], *(corners[2:] - corners[:2])]


def cocos(found):
    """AP and AR of pycocotools by threshold, class and area; NaN where they are undefined."""
    coco, cocoeval = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    annotations, results = [], []
    for image, (boxes, detections) in enumerate(found, start=1):
        for place, label, ignored in zip(boxes.corners, boxes.labels, boxes.ignored, strict=True):
            entry = {"image_id": image, "category_id": int(label) + 1, "bbox": extent(place)}
            entry |= {"area": np.prod(extent(place)[2:]), "iscrowd": int(ignored), "id": len(annotations) + 1}
            annotations.append(entry)
        for place, label, score in zip(detections.corners, detections.labels, detections.scores, strict=True):
            results.append({"image_id": image, "category_id": int(label) + 1, "bbox": extent(place), "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        true = coco.COCO()
        true.dataset = {
            "images": [{"id": 1 + image} for image in range(len(found))],
            "categories": [{"id": 1 + label} for label in range(3)],
            "annotations": annotations,
        }
        true.createIndex()
        evaluation = cocoeval.COCOeval(true, true.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    # Thresholds, recalls, classes, areas, and 1, 10 or 100 detections.
    by_threshold = evaluation.eval["precision"][..., 2].mean(axis=1)
    recall = evaluation.eval["recall"][..., 2]
    return np.where(by_threshold < 0, np.nan, by_threshold), np.where(recall < 0, np.nan, recall)


def tallied(found):
    return [tally(boxes, detections, 3, COCO_AREAS) for boxes, detections in found]


@pytest.mark.parametrize("seed", range(15))
def test_every_class_threshold_and_size_equals_pycocotools(seed):
    found = scene(seed)
    by_threshold, recall = cocos(found)
    tallies, once = tallied(found), np.ones((1, len(found)), np.int64)
    for label in range(3):
        for area in range(4):
            ours = precision.rates(tallies, once, label, area)
            np.testing.assert_allclose(ours[0][0], by_threshold[:, label, area], rtol=0, atol=1e-9)
            np.testing.assert_allclose(ours[1][0], recall[:, label, area], rtol=0, atol=1e-9)
    whole = [np.nanmean(by_threshold[..., 0]), np.nanmean(by_threshold[0, :, 0]), np.nanmean(recall[..., 0])]
    ours = [of(tallies, once, SETTING)[0] for of in (precision.AP.of, precision.AP50.of, precision.average_recall)]
    np.testing.assert_allclose(ours, whole, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_a_draw_counts_a_pair_as_often_as_it_was_drawn(seed):
    found = scene(seed)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(12, np.full(12, 1 / 12), size=3)
    drawn = precision.AP.of(tallied(found), counts, SETTING)
    for row, value in zip(counts, drawn, strict=True):
        # Scores all differ, as copies of equal scores could be interleaved in other ways.
        repeated = [pair for pair, count in zip(distinct(found), row, strict=True) for _ in range(count)]
        by_threshold, _ = cocos(repeated)
        ours = precision.AP.of(tallied(distinct(found)), row[None], SETTING)[0]
        assert ours == pytest.approx(np.nanmean(by_threshold[..., 0]), abs=1e-9)
        # And several draws at once are what each is alone.
        assert value == pytest.approx(precision.AP.of(tallied(found), row[None], SETTING)[0], abs=1e-12)


def distinct(found):
    rng = np.random.default_rng(0)
    return [(boxes, Detections(d.corners, d.labels, rng.random(len(d.scores)))) for boxes, d in found]


def test_no_more_than_a_hundred_detections_of_a_class_count():
    boxes = Boxes(np.array([[0.0, 0, 10, 10]]), np.array([0]), np.array([False]))
    wrong = np.tile([50.0, 50, 60, 60], (100, 1))
    corners, scores = np.vstack([wrong, boxes.corners]), np.array([0.9] * 100 + [0.1])
    found = [(boxes, Detections(corners, np.zeros(101, np.int64), scores))]
    assert precision.average_recall(tallied(found), np.ones((1, 1), np.int64), SETTING)[0] == 0
    found = [(boxes, Detections(corners[1:], np.zeros(100, np.int64), scores[1:]))]
    # One object, found after 99 wrong ones: precision 1/100 at every recall, found at every threshold.
    assert precision.AP.of(tallied(found), np.ones((1, 1), np.int64), SETTING)[0] == pytest.approx(0.01)
    assert precision.average_recall(tallied(found), np.ones((1, 1), np.int64), SETTING)[0] == 1


def test_without_any_object_there_is_no_value_and_without_detections_it_is_zero():
    nothing = Detections(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0))
    empty = Boxes(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0, bool))
    one = Boxes(np.array([[0.0, 0, 9, 9]]), np.array([0]), np.array([False]))
    tallies = tallied([(empty, nothing), (one, nothing)])
    values = precision.AP.of(tallies, np.array([[1, 0], [0, 1], [1, 1]]), SETTING)
    np.testing.assert_array_equal(values, [np.nan, 0, 0])
