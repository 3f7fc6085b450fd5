"""Confusion matrices and their measures, against mmsegmentation and arithmetic."""

import math

import numpy as np
import pytest

from uaabench.core.errors import DataError, UsageError
from uaabench.core.registry import dataset_class
from uaabench.judges.segmentation.confusion import MEAN_IOU, confusion, scores
from uaabench.judges.segmentation.protocols import PROTOCOLS, for_dataset, protocol
from uaabench.statistics.resampling import Tallies, difference, estimate


def random_maps(classes, n=5, shape=(40, 50), ignored=0.1):
    rng = np.random.default_rng(classes)
    for _ in range(n):
        label = rng.integers(0, classes, shape).astype(np.uint8)
        predicted = np.where(rng.random(shape) < 0.6, label, rng.integers(0, classes, shape)).astype(np.uint8)
        label[rng.random(shape) < ignored] = 255
        yield predicted, label


def tallies(by_judge, convention):
    pairs = tuple(map(str, range(len(by_judge[0]))))
    return Tallies("", {"counts_zero": convention.counts_zero}, pairs, tuple(tuple(one) for one in by_judge))


def interval(by_judge, convention):
    found = estimate(MEAN_IOU, tallies(by_judge, convention))
    return found.low, found.high


def difference_interval(before, after, convention):
    found = difference(MEAN_IOU, tallies(before, convention), tallies(after, convention))
    return found.low, found.high


@pytest.mark.parametrize("name", ["msrs-9", "fmb-15"])
def test_measures_equal_those_of_mmsegmentation(name):
    torch = pytest.importorskip("torch")
    metric = pytest.importorskip("mmseg.evaluation").IoUMetric
    convention = protocol(name)
    count = len(convention.classes)
    maps = list(random_maps(count))
    areas = [
        metric.intersect_and_union(torch.from_numpy(p.astype(int)), torch.from_numpy(t.astype(int)), count, 255)
        for p, t in maps
    ]
    theirs = metric.total_area_to_metrics(*(sum(column) for column in zip(*areas, strict=True)), ["mIoU"])
    ours = scores(sum(confusion(p, t, convention) for p, t in maps), convention)
    np.testing.assert_allclose(ours.iou, theirs["IoU"], atol=1e-6)
    np.testing.assert_allclose(ours.accuracy, theirs["Acc"], atol=1e-6)
    assert ours.pixel_accuracy == pytest.approx(float(theirs["aAcc"]), abs=1e-6)


def test_class_zero_of_the_ground_truth_is_left_out_where_it_does_not_count():
    label = np.array([[0, 0, 1, 1]], np.uint8)
    predicted = np.array([[1, 1, 1, 2]], np.uint8)
    found = scores(confusion(predicted, label, protocol("fmb-14")), protocol("fmb-14"))
    # Road: one of two pixels; the two unlabelled pixels predicted as road are no false positives.
    assert found.iou[0] == 0.5
    assert scores(confusion(predicted, label, protocol("fmb-15")), protocol("fmb-15")).iou[1] == 0.25


def test_a_class_absent_from_the_ground_truth_is_left_out_and_the_other_mean_is_kept():
    label = np.array([[0, 0, 1, 1]], np.uint8)
    predicted = np.array([[0, 0, 1, 2]], np.uint8)
    found = scores(confusion(predicted, label, protocol("msrs-9")), protocol("msrs-9"))
    assert found.mean_iou == pytest.approx((1 + 0.5) / 2)
    assert found.mean_iou_all == pytest.approx((1 + 0.5 + 0) / 3)
    assert math.isnan(found.iou[2])


def test_a_shifted_label_map_is_refused():
    label = np.full((2, 2), 14, np.uint8)
    assert confusion(label, label, protocol("fmb-14"))[14, 14] == 4
    with pytest.raises(DataError, match="shifted by one"):
        confusion(label, label + np.uint8(1), protocol("fmb-14"))


def test_interval_is_a_point_for_equal_pairs_and_holds_the_mean_else():
    convention = protocol("msrs-9")
    matrices = np.stack([confusion(p, t, convention) for p, t in random_maps(9, n=12)])
    same = scores(matrices[0], convention).mean_iou
    assert interval([np.stack([matrices[0]] * 5)], convention) == pytest.approx((same, same))
    low, high = interval([matrices], convention)
    assert low < scores(matrices.sum(axis=0), convention).mean_iou < high
    assert all(map(math.isnan, interval([matrices[:1]], convention)))


def test_interval_of_several_segmenters_is_that_of_their_mean_on_the_same_draws():
    convention = protocol("msrs-9")
    first = np.stack([confusion(p, t, convention) for p, t in random_maps(9, n=8)])
    assert interval([first, first], convention) == interval([first], convention)
    # A segmenter that is always right has mIoU 1 in every draw: the mean is half way between the other's and 1.
    right = np.stack([np.diag(matrix.sum(axis=1)) for matrix in first])
    low, high = interval([first], convention)
    assert interval([first, right], convention) == pytest.approx(((low + 1) / 2, (high + 1) / 2))


def test_the_interval_of_a_difference_takes_the_same_pairs_of_both():
    convention = protocol("msrs-9")
    first = np.stack([confusion(p, t, convention) for p, t in random_maps(9, n=8)])
    assert difference_interval([first], [first], convention) == (0, 0)
    # Against a segmenter that is always right, the difference is what the other's mIoU lacks of 1.
    right = np.stack([np.diag(matrix.sum(axis=1)) for matrix in first])
    low, high = interval([first], convention)
    assert difference_interval([first], [right], convention) == pytest.approx((1 - high, 1 - low))


def test_each_data_set_has_the_protocol_of_its_papers():
    cards = {name: dataset_class(name).card for name in ("msrs", "demo", "fmb", "tno")}
    assert [p and p.name for p in map(for_dataset, cards.values())] == ["msrs-9", "msrs-9", "fmb-14", None]
    with pytest.raises(UsageError, match="msrs-9, msrs-8"):
        for_dataset(cards["msrs"], "fmb-14")
    assert all(len(p.counted) == int(p.name.partition("-")[2]) for p in PROTOCOLS.values())
