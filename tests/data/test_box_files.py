"""Boxes are read from the three formats that data sets come in, and what is no box of the image is refused."""

import json

import numpy as np
import pytest

from uaabench.core.errors import DataError
from uaabench.data import box_files

SIZE = (48, 64)
CLASSES = ("person", "car")


def voc(*objects, size=(64, 48)):
    entries = "".join(
        f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin>"
        f"<xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"
        for name, difficult, box in objects
    )
    return f"<annotation><size><width>{size[0]}</width><height>{size[1]}</height></size>{entries}</annotation>"


def coco(*boxes, **changes):
    content = {
        "images": [{"id": 7, "file_name": "some/where/a.png"}, {"id": 8, "file_name": "b.png"}],
        "categories": [{"id": 3, "name": "car"}, {"id": 1, "name": "person"}],
        "annotations": [{"image_id": 7, "category_id": 3, "bbox": box, "iscrowd": crowd} for box, crowd in boxes],
    }
    return json.dumps(content | changes)


# The box 16 12 48 24 of a car, in all three: YOLO divides by 64 and 48.
THE_CAR = {
    "a.txt": "1 0.5 0.375 0.5 0.25\n",
    "a.xml": voc(("Car", 0, (16, 12, 48, 24))),
    "a.json": coco(([16, 12, 32, 12], 0)),
}


@pytest.mark.parametrize("name", THE_CAR)
def test_the_same_box_comes_from_every_format(tmp_path, name):
    (tmp_path / name).write_text(THE_CAR[name])
    boxes = box_files.read(tmp_path / name, "a", SIZE, CLASSES)
    np.testing.assert_array_equal(boxes.corners, [[16, 12, 48, 24]])
    assert (boxes.labels.tolist(), boxes.ignored.tolist()) == ([1], [False])


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.xml", voc(("car", 1, (1, 2, 3, 4)))), ("a.json", coco(([1, 2, 2, 2], 1)))],
)
def test_difficult_objects_and_crowds_are_ignored(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert box_files.read(tmp_path / name, "a", SIZE, CLASSES).ignored.tolist() == [True]


@pytest.mark.parametrize(("name", "text"), [("a.txt", "\n"), ("a.xml", voc()), ("a.json", coco())])
def test_an_image_without_objects_has_no_boxes(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    boxes = box_files.read(tmp_path / name, "a", SIZE, CLASSES)
    assert boxes.corners.shape == (0, 4)


WRONG = {
    "of another class": ("a.txt", "2 0.5 0.5 0.1 0.1", "class 2"),
    "with a score": ("a.txt", "1 0.5 0.5 0.1 0.1 0.9", "line 1"),
    "in pixels": ("a.txt", "1 32 24 8 8", "leaves its image of 64x48"),
    "NaN": ("a.txt", "1 nan 0.5 0.1 0.1", "without extent"),
    "without extent": ("a.txt", "1 0.5 0.5 0 0.1", "without extent"),
    "of another name": ("a.xml", voc(("lorry", 0, (1, 2, 3, 4))), "'lorry'"),
    "of another size": ("a.xml", voc(size=(640, 480)), "640x480"),
    "cut": ("a.xml", voc()[:20], "no file of boxes"),
    "of other images": ("a.json", coco().replace("a.png", "c.png"), "no image 'a'"),
    "not COCO": ("a.json", "[]", "no COCO file"),
    "binary": ("a.txt", "\udcff", "no file of boxes"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_file_that_is_wrong_is_refused_by_its_name(tmp_path, fault):
    name, text, words = WRONG[fault]
    (tmp_path / name).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=name.replace(".", r"\.")) as refusal:
        box_files.read(tmp_path / name, "a", SIZE, CLASSES)
    assert words in str(refusal.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    (tmp_path / "b.txt").mkdir()
    for name in ("a.txt", "b.txt"):
        with pytest.raises(DataError, match="Cannot read"):
            box_files.read(tmp_path / name, "a", SIZE, CLASSES)


def test_classes_are_named_by_a_file_with_or_without_numbers(tmp_path):
    (tmp_path / "boxes").mkdir()
    with pytest.raises(DataError, match="list those"):
        box_files.read_classes(tmp_path, tmp_path / "boxes")
    (tmp_path / "classes.txt").write_text("0 person\n1 traffic light\n")
    assert box_files.read_classes(tmp_path, tmp_path / "boxes") == ["person", "traffic light"]
    (tmp_path / "boxes" / "classes.txt").write_text("car\nperson\n")
    assert box_files.read_classes(tmp_path, tmp_path / "boxes") == ["car", "person"]
    (tmp_path / "boxes" / "all.json").write_text(coco())
    assert box_files.read_classes(tmp_path, tmp_path / "boxes") == ["person", "car"]


def test_two_files_that_may_be_meant_are_refused(tmp_path):
    for name in ("a.txt", "a.xml"):
        (tmp_path / name).write_text("")
    with pytest.raises(DataError, match=r"a\.txt and a\.xml"):
        box_files.finder(tmp_path)
    (tmp_path / "all.json").write_text(coco())
    with pytest.raises(DataError, match="which boxes are meant"):
        box_files.finder(tmp_path)
