"""Files of published rows are read as they are printed, and whatever is wrong with one is said in one sentence."""

import re
from decimal import Decimal

import pytest

from uaabench.core.errors import DataError
from uaabench.reporting.published import papers

PAPER = """
paper = "A et al., A paper, 2024"
url = "https://example.org"
conventions = "It says nothing."

[[tables]]
name = "Table 1"
read = "https://example.org/table"
dataset = "msrs"
profile = "cddfuse"
metrics = ["EN", "SD"]

[tables.rows]
TarDAL = "5.28 46.00"
"Some-Method" = "6.1 -"
"""
EXPLANATION = '\n[[explanations]]\ncause = "colour"\ntext = "It says so."\n'


@pytest.fixture
def file(tmp_path):
    return tmp_path / "paper.toml"


def test_every_digit_that_is_printed_is_kept(file):
    file.write_text(PAPER)
    (table,) = papers.read(file).tables
    assert {metric: str(value) for metric, value in table.printed("TarDAL").items()} == {"EN": "5.28", "SD": "46.00"}
    assert table.printed("Some-Method") == {"EN": Decimal("6.1")}


def test_an_explanation_without_names_is_of_every_value_and_one_with_names_of_these(file):
    file.write_text(PAPER + EXPLANATION + EXPLANATION + 'methods = ["TarDAL"]\nmetrics = ["SD"]\n')
    everything, some = papers.read(file).explanations
    assert everything.holds_for("msrs", "Some-Method", "EN")
    assert some.holds_for("msrs", "TarDAL", "SD")
    assert not some.holds_for("msrs", "TarDAL", "EN")
    assert not some.holds_for("msrs", "Some-Method", "SD")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("paper =", "papre =", "paper: Field required"),
        ("paper =", "=", "Invalid statement"),
        ('"It says nothing."', '""', "conventions: String should have at least 1 character"),
        ('"It says nothing."', "7", "conventions: Input should be a valid string"),
        ('"https://example.org/table"', '"../table"', "tables.0: '../table' is no https address of the table"),
        ('"msrs"', '"mrss"', "tables.0: There is no data set 'mrss'; did you mean 'msrs'?"),
        ('"msrs"', '"msrs"\nsplit = "tset"', "There is no split of msrs 'tset'; did you mean 'test'?"),
        ('"cddfuse"', '"cddfuze"', "There is no profile 'cddfuze'; did you mean 'cddfuse'?"),
        ('"SD"]', '"DS"]', "There is no metric of the profile cddfuse 'DS'"),
        ('"SD"]', '"EN"]', "a metric stands twice in metrics"),
        ("46.00", "", "the row 'TarDAL' has 1 values for 2 metrics"),
        ("46.00", "nan", "'nan' in the row 'TarDAL' is no number"),
        ("46.00", "46,00", "'46,00' in the row 'TarDAL' is no number"),
        ("46.00", "1e999999999", "'1e999999999' in the row 'TarDAL' is no number"),
        ('"5.28 46.00"', "5.28", "tables.0.rows.TarDAL: Input should be a valid string"),
        ('"Some-Method"', "TarDAL", "Cannot overwrite a value"),
        ('"msrs"', '"msrs"\npairs = ["1"]\ncount = 3', "pairs and count exclude each other"),
        ('"msrs"', '"msrs"\ncount = -3', "count is no number of pairs"),
        ("[[tables]]", "[[tablse]]", "tables: Input should be a valid tuple"),
        ("url =", "colour = 1\nurl =", "colour: Unexpected keyword argument"),
        ("A et al., A paper, 2024", "A\x00", "Illegal character"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_sentence(file, old, new, said):
    text = PAPER.replace(old, new, 1)
    assert text != PAPER
    file.write_text(text)
    with pytest.raises(DataError) as error:
        papers.read(file)
    assert str(error.value).startswith(f"{file} has no valid rows of a paper: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("also", "said"),
    [
        (PAPER[PAPER.index("[[tables]]") :], "the row 'TarDAL' of msrs stands twice"),
        (EXPLANATION.replace("colour", "moon"), "explanations.0.cause: Input should be 'profile'"),
        (EXPLANATION + 'methods = ["U2Fusion"]\n', "the explanation 'It says so.' is of no value of this paper"),
    ],
)
def test_what_stands_twice_or_is_of_nothing_is_refused(file, also, said):
    file.write_text(PAPER + also)
    with pytest.raises(DataError, match=re.escape(said)):
        papers.read(file)


def test_a_folder_without_papers_and_a_file_that_is_no_text_are_refused(tmp_path, file):
    with pytest.raises(DataError, match="has no published rows"):
        list(papers.papers(tmp_path))
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="has no valid rows of a paper: 'utf-8' codec"):
        list(papers.papers(tmp_path))


def test_the_shipped_rows_are_of_four_data_sets_and_name_the_commit_they_were_read_at():
    shipped = dict(papers.papers())
    tables = [table for paper in shipped.values() for table in paper.tables]
    assert len(shipped) >= 8
    assert sum(len(table.rows) for table in tables) >= 60
    assert {table.dataset for table in tables} == {"msrs", "tno", "roadscene", "m3fd"}
    assert all(re.fullmatch(r"https://github\.com/[^/]+/[^/]+/blob/[0-9a-f]{40}/.+", table.read) for table in tables)
