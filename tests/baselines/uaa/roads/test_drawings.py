"""What the segmenter of roads learns from: class maps of photographs, boxes and drawings."""

import cv2
import numpy as np
import pytest

from uaabench.baselines.uaa.roads import drawings
from uaabench.baselines.uaa.roads.drawings import BIKE, CAR, PERSON, REST, UNKNOWN
from uaabench.baselines.uaa.roads.evident import difference, evident
from uaabench.core.errors import DataError
from uaabench.data.listing import pairs_of
from uaabench.datasets.msrs import MSRS


@pytest.fixture
def camvid(tmp_path):
    """One photograph whose label map has the classes 0 to 11 of the SegNet tutorial, a column each."""
    for folder in ("train", "trainannot"):
        (tmp_path / folder).mkdir()
    cv2.imwrite(str(tmp_path / "train" / "0001TP.png"), np.full((4, 12, 3), 90, np.uint8))
    cv2.imwrite(str(tmp_path / "trainannot" / "0001TP.png"), np.tile(np.arange(12, dtype=np.uint8), (4, 1)))
    return tmp_path


def test_cars_pedestrians_and_cyclists_of_camvid_are_told_from_the_rest_and_what_is_unlabelled_is_unknown(camvid):
    (drawing,) = drawings.camvid(camvid, "train")
    assert drawing.maps["visible"][0].tolist() == [REST] * 8 + [CAR, PERSON, BIKE, UNKNOWN]
    assert drawing.images["visible"].tolist() == [[90] * 12] * 4


def test_a_label_map_of_another_size_is_refused_by_name(camvid):
    cv2.imwrite(str(camvid / "trainannot" / "0001TP.png"), np.zeros((4, 11), np.uint8))
    with pytest.raises(DataError, match=r"0001TP\.png is 11x4 but 0001TP\.png is 12x4"):
        drawings.camvid(camvid, "train")


def test_a_folder_without_photographs_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no PNG files; name the folder CamVid"):
        drawings.camvid(tmp_path, "train")


def test_a_box_shows_its_class_in_the_middle_is_unknown_around_it_and_rest_elsewhere():
    # A person of 20x60 pixels amid 100x100: columns 40 to 60, rows 20 to 80.
    found = drawings.map_of_boxes(np.array([[0, 0.5, 0.5, 0.2, 0.6]]), (100, 100))
    assert found[50, 50] == PERSON
    assert found[21, 41] == UNKNOWN
    assert found[50, 38] == UNKNOWN
    assert found[50, 36] == REST
    assert found[10, 10] == REST
    # An ellipse of half the width and 0.85 of the height: pi/4 * 10 * 51 = 400 pixels, but for its border.
    assert (found == PERSON).sum() == pytest.approx(400, rel=0.2)


def test_a_small_box_lies_before_a_large_one():
    found = drawings.map_of_boxes(np.array([[0, 0.5, 0.5, 0.1, 0.2], [2, 0.5, 0.5, 0.8, 0.8]]), (100, 100))
    assert found[50, 50] == PERSON
    assert found[50, 25] == CAR
    # Around the person, within its box, it is either of the two.
    assert found[42, 46] == UNKNOWN


@pytest.mark.parametrize("text", ["0 0.5 0.5 0.1", "person 0.5 0.5 0.1 0.1", "0 0.5\n0 0.5"])
def test_broken_boxes_are_refused_by_name(tmp_path, text):
    (tmp_path / "00001D.txt").write_text(text)
    with pytest.raises(DataError, match=r"Cannot read the boxes .*00001D\.txt"):
        drawings.read_boxes(tmp_path / "00001D.txt")


@pytest.mark.parametrize("row", ["7 0.5 0.5 0.1 0.1", "0 nan 0.5 0.1 0.1", "-1 0.5 0.5 0.1 0.1"])
def test_boxes_of_an_unknown_class_or_of_no_place_are_refused(tmp_path, row):
    (tmp_path / "00001D.txt").write_text(row)
    with pytest.raises(DataError, match="each line is a class"):
        drawings.read_boxes(tmp_path / "00001D.txt")


def test_an_empty_file_of_boxes_is_an_image_without_objects(tmp_path):
    (tmp_path / "00001D.txt").write_text("\n")
    assert drawings.read_boxes(tmp_path / "00001D.txt").shape == (0, 5)
    assert not drawings.map_of_boxes(np.zeros((0, 5)), (4, 4)).any()


@pytest.fixture
def road(tmp_path):
    """MSRS with one pair: on the left a square that only infrared shows, on the right one that only visible shows."""
    ir, vi = np.full((2, 64, 96), 60, np.uint8)
    label = np.zeros_like(ir)
    ir[20:40, 20:40], vi[20:40, 60:80] = 160, 160
    label[20:40, 20:40], label[20:40, 60:80] = PERSON, BIKE
    for folder, image in (("ir", ir), ("vi", np.stack([vi] * 3, 2)), ("Segmentation_labels", label)):
        (tmp_path / "MSRS" / "train" / folder).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "MSRS" / "train" / folder / "00001D.png"), image)
    dataset = MSRS(tmp_path / "MSRS")
    return [(dataset, pair) for pair in pairs_of(dataset, "train") if pair.ir.is_file()]


def test_of_a_label_map_each_source_keeps_the_objects_that_stand_out_in_it(road):
    (drawing,) = drawings.drawn(road)
    seen = {name: set(np.unique(found).tolist()) for name, found in drawing.maps.items()}
    assert seen == {"infrared": {REST, PERSON}, "visible": {REST, BIKE}, "fusion": {REST, PERSON, BIKE}}


def test_each_source_is_taught_by_the_boxes_that_people_drew_on_it(road, tmp_path):
    for version, boxes in (("infrared", "0 0.3 0.5 0.2 0.4"), ("visible", ""), ("fusion", "2 0.7 0.5 0.2 0.4")):
        (tmp_path / version / "train").mkdir(parents=True)
        (tmp_path / version / "train" / "00001D.txt").write_text(boxes)
    (drawing,) = drawings.boxed(road, tmp_path)
    seen = {name: set(np.unique(found).tolist()) - {REST, UNKNOWN} for name, found in drawing.maps.items()}
    assert seen == {"infrared": {PERSON}, "visible": set(), "fusion": {CAR}}


def test_an_object_that_is_brighter_by_so_many_levels_differs_by_that_along_its_contour():
    part = np.zeros((40, 40), bool)
    part[10:30, 10:30] = True
    image = np.where(part, 80, 50).astype(np.uint8)
    assert difference(image, part) == pytest.approx(30)
    assert difference(255 - image, part) == pytest.approx(30)
    assert evident(image, part)
    assert not evident(np.full_like(image, 80), part)


def test_what_fills_the_image_is_told_from_nothing():
    assert difference(np.full((8, 8), 200, np.uint8), np.ones((8, 8), bool)) == 0
