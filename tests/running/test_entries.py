"""The words of a command line name methods and data sets, each once and without doubt."""

import cv2
import numpy as np
import pytest

from uaabench.core.errors import DataError, UsageError
from uaabench.running import entries
from uaabench.running.config import build


def datasets(*names, **given):
    return entries.plan_datasets(build({"methods": ["average"], "datasets": list(names), **given}))


def labels(*names, **given):
    given = {"floor": False, **given}
    return [method.label for method in entries.plan_methods(build({"methods": list(names), **given}))]


def msrs(root, split="test", count=2):
    """A data set MSRS of some pairs below a data root."""
    for number in range(count):
        for name, shape in (("ir", (8, 8)), ("vi", (8, 8, 3))):
            folder = root / "MSRS" / split / name
            folder.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / f"{number:05}D.png"), np.full(shape, number, np.uint8))
    return root


def test_trivial_methods_that_are_named_stand_first_without_the_rest_of_the_floor():
    assert labels("laplacian", "average") == ["average", "laplacian"]
    assert labels("laplacian", "noise", floor=True) == [*entries.FLOOR, "laplacian", "noise"]
    assert labels("maximum", "visible") == ["visible", "maximum"]


def test_a_pattern_that_matches_nothing_is_refused():
    with pytest.raises(UsageError, match=r"^No method matches 'zz\*'; see: uaabench list methods$"):
        labels("zz*")


def test_each_sign_of_a_pattern_is_one(pair_folder):
    assert labels("averag?") == labels("[a]verage") == ["average"]
    # With a label it is the name of a folder.
    with pytest.raises(UsageError, match="no folder"):
        labels(f"mine={pair_folder}/*")


def test_two_rows_of_one_label_are_refused(pair_folder):
    (pair_folder / "other").mkdir()
    with pytest.raises(UsageError) as caught:
        labels(f"x={pair_folder / 'ir'}", f"x={pair_folder / 'other'}")
    assert str(caught.value) == "Two methods would be called 'x'; name one of them LABEL=FOLDER."


def test_a_data_set_is_planned_with_everything_that_was_found_of_it(pair_folder):
    (data,) = datasets(f"mine={pair_folder}")
    assert (data.label, data.title, data.split, data.adapter) == ("mine", "mine", "all", "folder")
    assert data.root == pair_folder.absolute()
    assert [pair.id for pair in data.pairs] == ["0", "1", "2", "3"]
    assert data.expected is None
    assert set(data.marks) == {path for pair in data.pairs for path in (pair.ir, pair.vi)}


def test_a_known_data_set_has_the_title_and_the_number_of_pairs_of_its_card(tmp_path):
    (data,) = datasets("msrs", data_root=msrs(tmp_path))
    assert (data.label, data.title, data.split, data.adapter) == ("msrs", "MSRS", "test", "msrs")
    assert data.expected == 361
    assert len(data.pairs) == 2


def test_a_split_is_named_after_the_colon(tmp_path):
    msrs(tmp_path)
    msrs(tmp_path, "train", 3)
    found = datasets("msrs:train", "msrs", data_root=tmp_path)
    assert [(data.split, len(data.pairs)) for data in found] == [("train", 3), ("test", 2)]
    with pytest.raises(UsageError, match="'tset'; did you mean 'test'"):
        datasets("msrs:tset", data_root=tmp_path)


def test_a_list_of_pairs_gives_its_name_to_the_split(tmp_path):
    (tmp_path / "night.txt").write_text("00001D\n")
    (data,) = datasets(f"msrs:{tmp_path / 'night.txt'}", data_root=msrs(tmp_path))
    assert (data.split, [pair.id for pair in data.pairs], data.expected) == ("night", ["00001D"], None)


def test_without_names_every_set_that_is_found_takes_part_and_else_the_demo(tmp_path):
    assert [data.label for data in datasets(data_root=tmp_path, limit=1)] == ["demo"]
    msrs(tmp_path)
    assert entries.found_datasets(tmp_path) == ["msrs"]
    assert [data.label for data in datasets(data_root=tmp_path)] == ["msrs"]


def test_two_entries_of_one_section_are_refused_with_both(tmp_path, pair_folder):
    with pytest.raises(UsageError) as caught:
        datasets(f"a={pair_folder}", f"a={pair_folder / 'ir'}")
    assert str(caught.value).startswith(
        f"'a={pair_folder}' and 'a={pair_folder / 'ir'}' would both be the section 'a all' of the table; name each"
    )
    assert len(datasets(f"a={pair_folder}", f"b={pair_folder}")) == 2


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("nowhere", "There is no data set 'nowhere'"),
        ("folder", "needs its folder: write LABEL=FOLDER"),
        ("msrs=images/", "^'msrs=images/' needs a label of its own, not the name of a data set: mine=images/$"),
        ("mine=images/", r"^There is no folder /.*images for the data set 'mine'; check the path\.$"),
        ("=.", "cannot be a label"),
    ],
)
def test_what_names_no_data_set_is_refused(entry, message):
    with pytest.raises(UsageError, match=message):
        datasets(entry)


def test_a_data_set_that_is_not_there_says_how_to_bring_it(tmp_path):
    with pytest.raises(DataError) as caught:
        datasets("msrs", data_root=tmp_path)
    assert str(caught.value) == (
        f"The data set 'msrs' is not in {tmp_path}; name its parent folder with --data-root, or bring it there: "
        "uaabench data fetch msrs, or of a download of yours: uaabench data prepare msrs ARCHIVE_OR_FOLDER"
    )


def test_a_data_set_without_pairs_is_refused(pair_folder, monkeypatch):
    monkeypatch.setattr(entries, "pairs_of", lambda *_: [])
    with pytest.raises(DataError, match=f"'mine' in {pair_folder} has no pairs in its split 'all'"):
        datasets(f"mine={pair_folder}")


def test_a_home_folder_may_be_written_short(pair_folder, monkeypatch):
    monkeypatch.setenv("HOME", str(pair_folder.parent))
    (data,) = datasets("mine=~/pairs")
    assert data.root == pair_folder
