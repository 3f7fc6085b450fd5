"""Adapters find the boxes of data sets where their releases have them."""

import cv2
import numpy as np
import pytest

from uaabench.core import registry
from uaabench.core.errors import DataError
from uaabench.data import check, prepare
from uaabench.datasets.demo import Demo
from uaabench.running.entries import plan_dataset

VOC = """<annotation><object><name>{}</name><bndbox><xmin>4</xmin><ymin>5</ymin><xmax>14</xmax><ymax>25</ymax></bndbox>
</object></annotation>"""


def fill(folder, *, names=("00001D", "00002N"), suffix=".png"):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        cv2.imwrite(str(folder / f"{name}{suffix}"), np.zeros((30, 40, 3), np.uint8))


def dataset(name, root):
    adapter = registry.dataset_class(name)
    return adapter(adapter.locate(root) if name != "folder" else root)


def write(folder, names, text, suffix):
    folder.mkdir(parents=True)
    for name in names:
        (folder / f"{name}{suffix}").write_text(text)


def test_msrs_has_three_versions_of_boxes_beside_its_folder_or_inside(tmp_path):
    for kind in ("ir", "vi"):
        fill(tmp_path / "MSRS" / "test" / kind)
    for number, version in enumerate(("visible", "fusion", "infrared")):
        text = f"{number} 0.5 0.5 0.1 0.1"
        write(tmp_path / "MSRS_detection_label" / version / "test", ("00001D", "00002N"), text, ".txt")
    for move in (False, True):
        if move:
            (tmp_path / "MSRS_detection_label").rename(tmp_path / "MSRS" / "MSRS-detection-label")
        found = dataset("msrs", tmp_path)
        pair = found.pairs("test")[0]
        assert list(pair.boxes) == ["fusion", "visible", "infrared"]
        assert [found.read_boxes(pair, version).labels[0] for version in ("", *pair.boxes)] == [1, 1, 0, 2]
        np.testing.assert_allclose(found.read_boxes(pair).corners, [[18, 13.5, 22, 16.5]])


def test_the_boxes_that_people_drew_in_msrs_are_all_sound(shared):
    found = dataset("msrs", shared / "data")
    pairs = found.pairs("test")
    assert sum(bool(pair.boxes) for pair in pairs) == 140
    assert not [problem for pair in pairs[:20] for problem in check._box_problems(found, pair)]


def test_m3fd_and_llvip_have_voc_files(tmp_path):
    for kind in ("Ir", "Vis"):
        fill(tmp_path / "M3FD" / "M3FD_Detection" / kind)
    write(tmp_path / "M3FD" / "M3FD_Detection" / "Annotation", ("00001D", "00002N"), VOC.format("Lamp"), ".xml")
    for kind in ("infrared", "visible"):
        fill(tmp_path / "download" / "LLVIP" / kind / "test", suffix=".jpg")
        fill(tmp_path / "download" / "LLVIP" / kind / "train", names=("00003N",), suffix=".jpg")
    write(tmp_path / "download" / "LLVIP" / "Annotations", ("00001D", "00002N", "00003N"), VOC.format("person"), ".xml")
    prepare.prepare(tmp_path / "download", "llvip", tmp_path)
    for name, split, label in (("m3fd", "detection", 4), ("llvip", "test", 0), ("llvip", "train", 0)):
        found = dataset(name, tmp_path)
        for pair in found.pairs(split):
            boxes = found.read_boxes(pair)
            np.testing.assert_array_equal(boxes.corners, [[4, 5, 14, 25]])
            assert boxes.labels.tolist() == [label]
    assert [pair.id for pair in dataset("llvip", tmp_path).pairs("train")] == ["00003N"]


def test_a_folder_has_yolo_files_with_classes_or_one_coco_file(pair_folder):
    assert dataset("folder", pair_folder).box_classes == ()
    write(pair_folder / "boxes", "0123", "0 0.5 0.5 0.5 0.5", ".txt")
    (pair_folder / "boxes" / "classes.txt").write_text("dog\n")
    found = dataset("folder", pair_folder)
    assert found.box_classes == ("dog",)
    assert found.read_boxes(found.pairs("all")[0]).corners.tolist() == [[16, 12, 48, 36]]
    assert check.verify(found, ["all"]).problems == ()
    (pair_folder / "boxes" / "2.txt").unlink()
    (pair_folder / "boxes" / "1.txt").write_text("0 0.5 0.5 3 3")
    told = [problem.sentence for problem in check.verify(found, ["all"]).problems]
    assert len(told) == 2
    assert "1 of 4 pairs have no file of boxes (boxes), for example 2" in told[0]
    assert "leaves its image" in told[1]


def test_a_broken_box_file_fails_no_reading_of_images_but_is_part_of_the_plan(pair_folder):
    write(pair_folder / "boxes", "0123", "nonsense", ".txt")
    (pair_folder / "boxes" / "classes.txt").write_text("dog\n")
    found = dataset("folder", pair_folder)
    pairs = found.pairs("all")
    assert found.read(pairs[0]).ir.shape == (48, 64)
    with pytest.raises(DataError, match=r"boxes/0\.txt"):
        found.read_boxes(pairs[0])
    before = plan_dataset(found, "mine", "all", pairs)
    (pair_folder / "boxes" / "3.txt").write_text("")
    after = plan_dataset(found, "mine", "all", pairs)
    assert before.boxes != after.boxes
    assert (before.index, before.labels) == (after.index, after.labels)
    with pytest.raises(DataError, match="has changed since"):
        before.open().read_boxes(pairs[3], "boxes")


def test_boxes_of_the_demo_lie_around_pixels_of_their_class():
    demo = Demo(Demo.locate(None))
    value_of = {"person": 2, "bike": 3, "car": 1}
    for pair in demo.pairs("test"):
        label, boxes = demo.read_label(pair), demo.read_boxes(pair)
        covered = np.zeros_like(label)
        for (left, top, right, bottom), number in zip(boxes.corners.astype(int), boxes.labels, strict=True):
            value = value_of[demo.box_classes[number]]
            inside = label[top:bottom, left:right] == value
            assert inside[0].any()
            assert inside[-1].any()
            assert inside[:, 0].any()
            assert inside[:, -1].any()
            covered[top:bottom, left:right][inside] = 1
        # Every pixel of a person, bike or car is in a box of its class: none was forgotten.
        assert (covered == np.isin(label, list(value_of.values()))).all()
