"""Adapters find the released layouts, whatever people made of them."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from uaabench.core import registry
from uaabench.core.errors import DataError, UsageError


def fill(folder, *, names=("00001D", "00002N"), suffix=".png"):
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        image = np.random.default_rng(number + len(str(folder))).integers(0, 255, (30, 40, 3), np.uint8)
        cv2.imwrite(str(folder / f"{name}{suffix}"), image)


LAYOUTS = {
    "msrs": ("MSRS/test/ir", "MSRS/test/vi"),
    "fmb": ("FMB/test/Infrared", "FMB/test/Visible"),
    "m3fd": ("M3FD/M3FD_Fusion/Ir", "M3FD/M3FD_Fusion/Vis"),
    "tno": ("TNO/ir", "TNO/vi"),
}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("change", [str, str.lower, lambda path: f"{path.split('/')[0]}/{path}"])
def test_a_set_is_found_in_any_letter_case_and_nested_once_more(tmp_path, name, change):
    for folder in LAYOUTS[name]:
        fill(tmp_path / change(folder))
    adapter = registry.dataset_class(name)
    found = adapter.locate(tmp_path)
    assert found is not None
    assert [pair.id for pair in adapter(found).pairs(adapter.card.default_split)] == ["00001D", "00002N"]


def test_a_pair_without_its_visible_image_is_listed_and_reading_names_the_file(tmp_path):
    for folder in LAYOUTS["msrs"]:
        fill(tmp_path / folder)
    (tmp_path / "MSRS/test/vi/00002N.png").unlink()
    dataset = registry.dataset_class("msrs")(tmp_path / "MSRS")
    pairs = dataset.pairs("test")
    assert [pair.id for pair in pairs] == ["00001D", "00002N"]
    with pytest.raises(DataError, match=r"vi/00002N\.png"):
        dataset.read(pairs[1])


def test_an_unknown_split_gets_the_nearest_name(tmp_path):
    for folder in LAYOUTS["msrs"]:
        fill(tmp_path / folder)
    with pytest.raises(UsageError, match="'test'"):
        registry.dataset_class("msrs")(tmp_path / "MSRS").pairs("tset")


def test_a_label_map_of_another_size_is_refused_but_its_pair_is_read(tmp_path):
    for folder in ("ir", "vi"):
        fill(tmp_path / folder)
    (tmp_path / "labels").mkdir()
    cv2.imwrite(str(tmp_path / "labels" / "00001D.png"), np.zeros((10, 10), np.uint8))
    dataset = registry.dataset_class("folder")(tmp_path)
    first, second = dataset.pairs(dataset.card.default_split)
    assert dataset.read(first).ir.shape == (30, 40)
    with pytest.raises(DataError, match=r"00001D\.png is 10x10 but"):
        dataset.read_label(first)
    assert dataset.read_label(second) is None


@pytest.mark.parametrize(
    ("entry", "count"),
    [
        ("msrs:test", 140),
        ("msrs:train", 34),
        ("roadscene:test", 50),
        ("roadscene:train", 171),
        ("roadscene:all", 221),
        ("m3fd:fusion", 8),
        ("fmb:test", 3),
        ("tno:all", 14),
    ],
)
def test_the_real_pairs_are_found_and_read(shared, entry, count):
    name, _, split = entry.partition(":")
    adapter = registry.dataset_class(name)
    dataset = adapter(adapter.locate(shared / "data"))
    pairs = dataset.pairs(split)
    assert len(pairs) == count
    sources = dataset.read(pairs[0])
    assert sources.vi.shape == (*sources.ir.shape, 3)


def test_test_and_train_of_roadscene_share_no_pair(shared):
    adapter = registry.dataset_class("roadscene")
    dataset = adapter(adapter.locate(shared / "data"))
    assert not {pair.id for pair in dataset.pairs("test")} & {pair.id for pair in dataset.pairs("train")}


def test_infrared_and_visible_may_differ_in_suffix(tmp_path):
    fill(tmp_path / "ir", suffix=".jpg")
    fill(tmp_path / "vi")
    dataset = registry.dataset_class("folder")(tmp_path)
    assert [pair.ir.suffix for pair in dataset.pairs(dataset.card.default_split)] == [".jpg", ".jpg"]
    shutil.rmtree(tmp_path / "ir")
    with pytest.raises(DataError):
        dataset.pairs(dataset.card.default_split)


def test_the_plugin_of_the_documentation_works(tmp_path):
    page = Path(__file__).parents[2] / "docs" / "add-a-dataset.md"
    (tmp_path / "drives.py").write_text(page.read_text().split("```python\n")[1].split("```")[0])
    for folder in ("thermal", "rgb"):
        fill(tmp_path / "drives" / "test" / folder)
    assert registry.load_plugin(tmp_path / "drives.py") == ["drives"]
    adapter = registry.dataset_class("drives")
    dataset = adapter(adapter.locate(tmp_path))
    assert dataset.read(dataset.pairs("test")[0]).ir.shape == (30, 40)


def test_a_file_of_stems_is_a_split_of_the_detection_set(tmp_path):
    for folder in ("M3FD_Fusion/Ir", "M3FD_Fusion/Vis", "M3FD_Detection/Ir", "M3FD_Detection/Vis"):
        fill(tmp_path / folder, names=("00002", "00010", "00001"))
    (tmp_path / "list.txt").write_text("00010.png\n\n00002\n00099\n")
    dataset = registry.dataset_class("m3fd")(tmp_path)
    pairs = dataset.pairs(str(tmp_path / "list.txt"))
    assert [pair.id for pair in pairs] == ["00002", "00010", "00099"]
    assert all("M3FD_Detection" in str(pair.ir) for pair in pairs)
    with pytest.raises(DataError, match=r"00099\.png"):
        dataset.read(pairs[2])
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(UsageError, match="is empty"):
        dataset.pairs(str(tmp_path / "empty.txt"))


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_data_root_may_be_the_set_itself(tmp_path, name):
    for folder in LAYOUTS[name]:
        fill(tmp_path / folder)
    adapter = registry.dataset_class(name)
    root = tmp_path / LAYOUTS[name][0].split("/")[0]
    assert adapter.locate(root) == root


def test_any_folder_of_pairs_is_not_taken_for_tno(tmp_path):
    for folder in ("ir", "vi"):
        fill(tmp_path / folder)
    assert registry.dataset_class("tno").locate(tmp_path) is None


@pytest.mark.parametrize("kind", ["ir", "vi", "labels"])
def test_two_images_of_one_stem_are_refused_before_anything_runs(tmp_path, kind):
    for folder in ("ir", "vi", "labels"):
        fill(tmp_path / folder)
    fill(tmp_path / kind, names=("00001D",), suffix=".BMP")
    with pytest.raises(DataError, match=r"holds both 00001D\.BMP and 00001D\.png"):
        registry.dataset_class("folder")(tmp_path).pairs("all")


def test_two_folders_that_may_be_meant_are_refused_unless_one_is_empty(tmp_path):
    for folder in ("ir", "vi", "visible"):
        fill(tmp_path / folder)
    dataset = registry.dataset_class("folder")(tmp_path)
    with pytest.raises(DataError, match="holds both vi and visible"):
        dataset.pairs("all")
    shutil.rmtree(tmp_path / "vi")
    (tmp_path / "vi").mkdir()
    assert dataset.pairs("all")[0].vi == tmp_path / "visible" / "00001D.png"


def test_annotations_beside_the_label_maps_do_not_hide_them(tmp_path):
    for folder in ("ir", "vi", "Segmentation_labels"):
        fill(tmp_path / folder)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "00001D.txt").write_text("0 0.5 0.5 0.1 0.1")
    assert registry.dataset_class("folder")(tmp_path).pairs("all")[0].label is not None


def test_a_listed_pair_that_is_in_two_splits_is_refused(tmp_path):
    for folder in ("train/ir", "train/vi", "test/ir", "test/vi"):
        fill(tmp_path / folder)
    (tmp_path / "list.txt").write_text("00002N\n")
    with pytest.raises(DataError, match=r"'00002N' .* is in both .*train/ir and .*test/ir"):
        registry.dataset_class("msrs")(tmp_path).pairs(str(tmp_path / "list.txt"))


def test_a_split_name_of_any_length_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="There is no split"):
        registry.dataset_class("msrs")(tmp_path).pairs("x" * 5000)


def test_opening_a_set_lists_each_folder_once_or_twice_and_touches_no_image(tmp_path, monkeypatch):
    names = tuple(f"{number:05}" for number in range(30))
    for folder in LAYOUTS["m3fd"]:
        fill(tmp_path / folder, names=names)
    calls = {"scandir": 0, "stat": 0}

    def counting(name, function):
        def call(*arguments, **options):
            calls[name] += 1
            return function(*arguments, **options)

        return call

    adapter = registry.dataset_class("m3fd")
    monkeypatch.setattr(os, "scandir", counting("scandir", os.scandir))
    monkeypatch.setattr(os, "stat", counting("stat", os.stat))
    assert len(adapter(adapter.locate(tmp_path)).pairs("fusion")) == 30
    assert calls["scandir"] < 20
    assert calls["stat"] < 20
