import pandas as pd
import pytest

from uaabench.core.errors import UsageError
from uaabench.reporting.table import DatasetHead, Table


def cell(table: Table, method: str, metric: str, section: int = 0):
    (row,) = [row for row in table.sections[section].rows if row.method.label == method]
    return row.cells[metric]


def marks(table: Table, metric: str) -> dict[str, str | None]:
    return {row.method.label: row.cells[metric].mark for row in table.sections[0].rows}


def test_a_cell_is_the_mean_over_pairs_with_its_count(complete):
    found = cell(complete, "mine", "SD")  # (1 + 3 + 5 + 7) / 4
    assert (found.mean, found.n, found.planned, found.reason, found.note) == (4.0, 4, 4, "", "")


def test_the_interval_encloses_the_mean_and_stays_within_the_values(complete):
    found = cell(complete, "mine", "SD")
    assert 1 <= found.low < found.mean < found.high <= 7


def test_equal_values_have_an_interval_of_no_width(complete):
    assert cell(complete, "tardal", "SD").interval == "[5.0000, 5.0000]"


def test_a_single_value_has_no_interval(records_of, table_of):
    table = table_of(records_of({"mine": {"SD": [3]}}), [DatasetHead(name="msrs", title="M", split="test", planned=1)])
    assert (cell(table, "mine", "SD").text, cell(table, "mine", "SD").interval) == ("3.0000", "")


def test_higher_is_better_marks_the_largest_but_never_the_floor(complete):
    assert marks(complete, "SD") == {"uaa": None, "tardal": "best", "mine": "second", "average": None}


def test_lower_is_better_marks_the_smallest_and_ties_share_a_mark(complete):
    assert marks(complete, "Nabf") == {"uaa": "best", "tardal": "second", "mine": "second", "average": None}


def test_values_that_print_alike_are_still_told_apart(records_of, table_of):
    table = table_of(records_of({"uaa": {"SD": [1.00001] * 4}, "tardal": {"SD": [1.00002] * 4}}))
    assert cell(table, "uaa", "SD").text == cell(table, "tardal", "SD").text
    assert (cell(table, "uaa", "SD").mark, cell(table, "tardal", "SD").mark) == ("second", "best")


def test_the_floor_comes_last_and_the_others_keep_their_order(complete):
    assert [row.method.label for row in complete.sections[0].rows] == ["uaa", "tardal", "mine", "average"]


def test_a_cell_with_missing_pairs_is_never_marked(incomplete):
    # uaa has the smallest Nabf (0.25), but only on 3 of 4 pairs; mine has it on 2; tardal alone is complete.
    assert marks(incomplete, "Nabf") == {"uaa": None, "tardal": "best", "mine": None, "average": None}
    assert marks(incomplete, "SD") == {"uaa": None, "tardal": "best", "mine": "second", "average": None}


def test_a_note_gives_n_and_the_reason_in_one_line(incomplete):
    assert cell(incomplete, "uaa", "SD").n == 3
    assert incomplete.notes[cell(incomplete, "uaa", "SD").note] == (
        "n = 3 of 4 (1 failed: out of memory: 5_000 & more)."
    )
    assert incomplete.notes[cell(incomplete, "mine", "Nabf").note] == "n = 2 of 4 (2 undefined: no edges)."


def test_cells_with_one_explanation_share_a_note(incomplete):
    assert cell(incomplete, "uaa", "SD").note == cell(incomplete, "uaa", "Nabf").note
    assert set(incomplete.notes) == {"a", "b"}


def test_pairs_without_any_record_are_not_computed(records_of, table_of, values):
    table = table_of(records_of({"uaa": values["uaa"]}))
    assert cell(table, "tardal", "SD").mean is None
    assert table.notes[cell(table, "tardal", "SD").note] == "n = 0 of 4 (4 not computed)."


def test_data_sets_and_splits_are_kept_apart(records_of, table_of):
    test = records_of({"uaa": {"SD": [1] * 4}})
    train = records_of({"uaa": {"SD": [2] * 4}}).assign(split="train")
    other = records_of({"uaa": {"SD": [3] * 4}}, dataset="fmb")
    heads = [
        DatasetHead(name=name, title=name, split=split, planned=4)
        for name, split in [("msrs", "test"), ("msrs", "train"), ("fmb", "test")]
    ]
    table = table_of(pd.concat([other, train, test]), heads)
    assert [cell(table, "uaa", "SD", section).mean for section in range(3)] == [1, 2, 3]


def test_the_order_of_records_does_not_change_the_table(records_of, table_of):
    frame = records_of()
    assert table_of(frame.sample(frac=1, random_state=1)) == table_of(frame)


def test_rows_of_another_scope_do_not_count(records_of, table_of):
    frame = records_of()
    classes = frame.assign(scope="class", value=1000.0)
    assert table_of(pd.concat([frame, classes])) == table_of(frame)


def test_two_profiles_never_share_a_table(records_of, table_of):
    frame = records_of()
    with pytest.raises(UsageError, match="'other' beside 'cddfuse'"):
        table_of(pd.concat([frame, frame.assign(profile="other")]))


def test_methods_that_share_a_title_are_told_apart(complete):
    twins = [method for method in complete.methods if method.label == "uaa"]
    twins += [type(twins[0])(label="uaa@mine.pth", title="UAAFusion", kind="learned")]
    table = type(complete)(profile="p", profile_version=1, metrics=(), methods=twins, sections=())
    assert list(table.row_titles.values()) == ["UAAFusion (uaa)", "UAAFusion (uaa@mine.pth)"]
