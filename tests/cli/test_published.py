"""`uaabench published` prints what the comparison says, in three formats, and refuses what is not there."""

import json
import shutil

import pytest

from uaabench.reporting.published import papers
from uaabench.running import reference_rows

PAPER = """
paper = "A et al., [bold]A paper[/bold], 2024"
url = "https://example.org"
conventions = "It says nothing."

[[tables]]
name = "Table 1"
read = "https://example.org/table"
dataset = "msrs"
profile = "cddfuse"
metrics = ["EN", "SD"]

[tables.rows]
Maximum = "6.62 42.30"
"[red]|x|" = "6.1 -"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "a.toml").write_text(PAPER)
    return tmp_path / "papers"


def test_a_row_stands_beside_ours_with_how_far_off_it_is(uaabench, folder):
    # MSRS test has an EN of 6.6242 and an SD of 42.2841 for the pixel-wise maximum, by another implementation.
    result = uaabench("published", "msrs", "--folder", folder)
    assert result.code == 0
    (line,) = [line for line in result.out.splitlines() if "Maximum" in line]
    assert "maximum (cddfuse)" in line
    assert "unexplained" in line
    assert "1 of 2" in line
    assert "EN 6.62, SD 42.30 (42.284)" in line
    assert "[red]" not in result.out
    assert "2 published rows of 1 papers; 1 have a row here: 0 equal, 0 explained, 1 unexplained." in result.out
    assert "[red]|x|" in uaabench("published", "--all", "--folder", folder).out


def test_markdown_shows_names_as_they_are(uaabench, folder):
    out = uaabench("published", "--all", "--format", "md", "--folder", folder).out
    assert r"| msrs | a | \[red\]\|x\| |  | no row here |  | EN 6.1 |  |" in out
    assert "| msrs | a | Maximum | maximum (cddfuse) | unexplained | 1 of 2 | EN 6.62, SD 42.30 (42.284) |  |" in out


def test_json_has_every_row_and_where_it_was_read(uaabench, folder):
    found = json.loads(uaabench("published", "--format", "json", "--folder", folder).out)
    assert found["rows"] == {"equal": 0, "explained": 0, "unexplained": 1, "no row here": 1}
    assert found["values"] == {"equal": 1, "explained": 0, "unexplained": 1, "no row here": 1}
    ours, other = found["published"]
    assert (ours["method"], ours["row"], ours["read"]) == ("Maximum", "maximum", "https://example.org/table")
    assert ours["values"][1]["printed"] == "42.30"
    assert ours["values"][1]["here"] == pytest.approx(42.2841, abs=5e-5)
    assert (other["row"], other["values"][0]["here"]) == ("", None)


def test_what_is_not_there_is_one_sentence(uaabench, folder, tmp_path):
    for arguments, code, said in [
        (("mrss",), 2, "There is no data set 'mrss'; did you mean 'msrs'?"),
        (("llvip",), 2, "No paper prints rows of llvip; see: uaabench published --all"),
        (("--folder", tmp_path), 4, "has no published rows; name a folder with a TOML file for each paper."),
        (("--folder", tmp_path / "no"), 4, "has no published rows"),
        (("--reference", tmp_path / "no"), 2, "does not exist"),
        (("--format", "html"), 2, "'html' is not one of 'text', 'md', 'json'"),
    ]:
        result = uaabench("published", *arguments)
        assert result.code == code
        assert said in " ".join(result.err.replace("│", "").split())
    (folder / "b.toml").write_text("paper = 1")
    result = uaabench("published", "--folder", folder)
    assert result.code == 4
    assert result.err.count("uaabench: ") == 1


def test_a_spoilt_reference_is_refused_with_the_way_to_mend_it(uaabench, folder, tmp_path):
    place = shutil.copytree(reference_rows.shipped_folder(), tmp_path / "reference")
    (place / "msrs-test-cddfuse.parquet").write_bytes(b"")
    result = uaabench("published", "msrs", "--folder", folder, "--reference", place)
    assert result.code == 4
    assert "install uaabench again" in result.err


def test_a_row_of_the_package_is_found_by_its_data_set(uaabench):
    found = json.loads(uaabench("published", "tno", "--format", "json").out)["published"]
    assert {row["dataset"] for row in found} == {"tno"}
    assert {row["paper"] for row in found} <= {name for name, _ in papers.papers()}
