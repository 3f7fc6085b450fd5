"""`data verify` names every file that is wrong, in one report."""

import os
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from uaabench.core import files, hashes, registry
from uaabench.data import check as datacheck


def problems_of(root, name="folder", split=None):
    adapter = registry.dataset_class(name)
    return list(datacheck.verify(adapter(root), [split or adapter.card.default_split]).problems)


def told(problems, where, words):
    return any(where in problem.where and words in problem.sentence for problem in problems)


def test_a_sound_folder_has_no_problems(pair_folder):
    assert problems_of(pair_folder) == []


def test_every_kind_of_damage_is_found_by_file(pair_folder):
    (pair_folder / "vi" / "0.png").unlink()
    broken = pair_folder / "ir" / "1.png"
    broken.write_bytes(broken.read_bytes()[:300])
    cv2.imwrite(str(pair_folder / "vi" / "2.png"), np.zeros((10, 12, 3), np.uint8))
    shutil.copy(pair_folder / "ir" / "3.png", pair_folder / "vi" / "3.png")
    problems = problems_of(pair_folder)
    assert told(problems, "vi/0.png", "missing")
    assert told(problems, "ir/1.png", "truncated")
    assert told(problems, "vi/2.png", "12x10")
    assert told(problems, "ir/3.png", "equals that of")
    assert len(problems) == 4


def test_content_that_changed_unseen_since_a_run_read_it_is_found(pair_folder, monkeypatch):
    monkeypatch.setattr(hashes, "SETTLED", 0)
    paths = [pair_folder / kind / "1.png" for kind in ("ir", "vi")]
    hashes.marks(pair_folder, paths)
    assert problems_of(pair_folder) == []
    # As if a disk had lost some bits: another image, and the system knows of no change.
    states = {path: files.state(path) for path in paths}
    monkeypatch.setattr(files, "state", states.get)
    cv2.imwrite(str(paths[0]), 255 - cv2.imread(str(paths[0]), cv2.IMREAD_UNCHANGED))
    (problem,) = problems_of(pair_folder)
    assert problem.where == str(paths[0])
    assert "not what a run has read" in problem.sentence


def test_label_values_and_sizes_are_checked(tmp_path):
    for folder, shape in (("ir", (480, 640)), ("vi", (480, 640, 3))):
        (tmp_path / "test" / folder).mkdir(parents=True)
        image = np.random.default_rng(len(folder)).integers(0, 255, shape, np.uint8)
        for name in ("00004N", "00008N"):
            cv2.imwrite(str(tmp_path / "test" / folder / f"{name}.png"), image + np.uint8(folder == "ir"))
    labels = tmp_path / "test" / "Segmentation_labels"
    labels.mkdir()
    cv2.imwrite(str(labels / "00004N.png"), np.full((480, 640), 9, np.uint8))
    cv2.imwrite(str(labels / "00008N.png"), np.zeros((48, 64), np.uint8))
    problems = problems_of(tmp_path, "msrs", "test")
    assert told(problems, "00004N.png", "value 9")
    assert told(problems, "Segmentation_labels/00008N.png", "64x48")
    assert told(problems, "ir/00004N.png", "not the released one")


def test_the_real_msrs_pairs_are_the_released_ones(shared):
    adapter = registry.dataset_class("msrs")
    dataset = adapter(adapter.locate(shared / "data"))
    hashes = dataset.expected_hashes("test")
    assert len(hashes) == 361
    assert [problem for pair in dataset.pairs("test")[:20] for problem in datacheck._hash_problems(pair, hashes)] == []


def test_the_command_line_reports_and_exits_with_4(uaabench, tmp_path):
    for folder in ("ir", "vi"):
        (tmp_path / "TNO" / folder).mkdir(parents=True)
        image = np.random.default_rng(len(folder)).integers(0, 255, (30, 40), np.uint8)
        cv2.imwrite(str(tmp_path / "TNO" / folder / "a.png"), image + np.uint8(folder == "ir"))
    assert uaabench("data", "verify", "tno", "--data-root", tmp_path).code == 0
    assert "tno:all" in uaabench("data", "info", "--data-root", tmp_path).out
    (tmp_path / "TNO" / "vi" / "a.png").unlink()
    result = uaabench("data", "verify", "tno", "--data-root", tmp_path)
    assert result.code == 4
    assert "a.png" in result.out
    assert uaabench("data", "verify", "msrs", "--data-root", tmp_path).code == 4


@pytest.mark.parametrize("name", ["msr", "nothing"])
def test_an_unknown_set_is_a_usage_error(uaabench, tmp_path, name):
    assert uaabench("data", "verify", name, "--data-root", tmp_path).code == 2


def test_a_truncated_jpeg_is_found(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    for folder in ("ir", "vi"):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "a.jpg"), noise if folder == "ir" else 255 - noise)
    assert problems_of(tmp_path) == []
    file = tmp_path / "vi" / "a.jpg"
    file.write_bytes(file.read_bytes()[:-1500])
    assert told(problems_of(tmp_path), "vi/a.jpg", "truncated")


def test_missing_real_pairs_are_counted_and_one_changed_file_is_named(shared, tmp_path):
    real = shared / "data" / "MSRS" / "test"
    names = sorted(path.name for path in (real / "ir").iterdir())[:2]
    for folder in ("ir", "vi"):
        (tmp_path / "MSRS" / "test" / folder).mkdir(parents=True)
        for name in names:
            (tmp_path / "MSRS" / "test" / folder / name).write_bytes((real / folder / name).read_bytes())
    (count,) = problems_of(tmp_path / "MSRS", "msrs", "test")
    assert "359 of 361 pairs are missing" in count.sentence
    changed = tmp_path / "MSRS" / "test" / "vi" / names[1]
    cv2.imwrite(str(changed), cv2.imread(str(changed)) // 2)
    assert told(problems_of(tmp_path / "MSRS", "msrs", "test"), f"vi/{names[1]}", "not the released one")
    assert len(problems_of(tmp_path / "MSRS", "msrs", "test")) == 2


def msrs(tmp_path, split="test", names=("00004N", "00008N")):
    """An MSRS of noise with label maps, of which nothing but its hashes is wrong."""
    generator = np.random.default_rng(len(split))
    for folder, shape in (("ir", (480, 640)), ("vi", (480, 640, 3)), ("Segmentation_labels", (480, 640))):
        (tmp_path / "MSRS" / split / folder).mkdir(parents=True)
        for name in names:
            image = generator.integers(0, 9, shape, np.uint8)
            cv2.imwrite(str(tmp_path / "MSRS" / split / folder / f"{name}.png"), image)
    return tmp_path / "MSRS"


def test_pairs_without_their_label_map_are_counted(tmp_path):
    root = msrs(tmp_path)
    (root / "test" / "Segmentation_labels" / "00008N.png").unlink()
    assert told(problems_of(root, "msrs", "test"), "msrs:test", "1 of 2 pairs have no label map, for example 00008N")


def test_the_value_that_never_counts_is_no_problem(tmp_path):
    root = msrs(tmp_path, "train")
    cv2.imwrite(str(root / "train" / "Segmentation_labels" / "00004N.png"), np.full((480, 640), 255, np.uint8))
    assert not told(problems_of(root, "msrs", "train"), "00004N.png", "")


def test_a_split_that_is_in_doubt_is_a_problem_and_not_absent(uaabench, tmp_path):
    msrs(tmp_path)
    root = msrs(tmp_path, "train")
    shutil.copy(root / "train" / "vi" / "00004N.png", root / "train" / "vi" / "00004N.bmp")
    result = uaabench("data", "verify", "msrs", "--data-root", tmp_path)
    assert "msrs:train: " in result.out
    assert "holds both 00004N.bmp and 00004N.png" in result.out
    assert "not there" not in result.out
    assert "00004N.bmp" in uaabench("data", "info", "--data-root", tmp_path).out
    assert uaabench("run", "--methods", "average", "--datasets", "msrs:train", "--data-root", tmp_path).code == 4


def test_verify_says_of_how_many_pairs_a_split_has_some_and_which_splits_are_absent(uaabench, tmp_path):
    msrs(tmp_path)
    out = uaabench("data", "verify", "msrs", "--data-root", tmp_path).out
    assert "msrs: test 2 of 361 pairs: " in out
    assert "(not there: train)" in out


def test_one_tagged_image_of_a_pair_is_found(pair_folder):
    tag = Image.Exif()
    tag[0x0112] = 6
    file = pair_folder / "vi" / "2.png"
    Image.open(file).save(file, exif=tag)
    (problem,) = problems_of(pair_folder)
    assert told([problem], "vi/2.png", "EXIF orientation 6")


def test_a_pipe_among_the_images_is_found_and_never_opened(pair_folder):
    (pair_folder / "ir" / "1.png").unlink()
    os.mkfifo(pair_folder / "ir" / "1.png")
    assert told(problems_of(pair_folder), "ir/1.png", "no regular file")


def test_the_number_of_threads_changes_nothing(pair_folder):
    (pair_folder / "vi" / "0.png").unlink()
    (pair_folder / "ir" / "3.png").write_bytes(b"")
    dataset = registry.dataset_class("folder")(pair_folder)
    assert datacheck.verify(dataset) == datacheck.verify(dataset, threads=3)
