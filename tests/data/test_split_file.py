"""A list of pairs is read in the forms that people publish, and in no other."""

import pytest

from uaabench.core.errors import UsageError
from uaabench.data.split_file import read_stems

KNOWN = ("00001D", "00002N", "my scene 3", "#4", "été")


def read(tmp_path, content, known=KNOWN):
    file = tmp_path / "list.txt"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_stems(file, known)


@pytest.mark.parametrize(
    "line",
    [
        "00001D",
        "00001D.png",
        "  00001D.PNG\t",
        "test/vi/00001D.png",
        "test\\vi\\00001D.jpg",
        "C:\\data\\MSRS\\vi\\00001D.png",
        "/data/MSRS/vi/00001D.png",
        "vi/00001D.png ir/00001D.png",
        "vi/00001D.png,ir/00001D.png",
        "00001D.png\t00001D.png\tlabels/00001D.png",
    ],
)
def test_a_line_is_a_stem_or_a_path_or_columns_of_one_pair(tmp_path, line):
    assert read(tmp_path, f"{line}\n00002N\n") == ["00001D", "00002N"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_byte_order_marks_comments_and_empty_lines_do_not_count(tmp_path, end):
    text = end.join(["00001D", "# my list", "", "00002N.png"])
    assert read(tmp_path, b"\xef\xbb\xbf" + text.encode()) == ["00001D", "00002N"]


def test_a_stem_with_spaces_or_signs_is_itself(tmp_path):
    assert read(tmp_path, "my scene 3\n#4\nété.png\n") == ["my scene 3", "#4", "été"]


def test_a_name_that_is_not_there_stays_in_the_list(tmp_path):
    assert read(tmp_path, "00001D\n00099D\n") == ["00001D", "00099D"]


@pytest.mark.parametrize("line", ["00001D 00002N", "00001D 1", "../00002N.png", "a/../00002N", "vi/", "..", "x" * 300])
def test_a_line_that_names_no_single_pair_is_refused_by_its_number(tmp_path, line):
    with pytest.raises(UsageError, match=r"Line 2 of .*list\.txt names no single pair"):
        read(tmp_path, f"00001D\n{line}\n")


def test_a_pair_that_is_named_twice_is_refused_by_both_lines(tmp_path):
    with pytest.raises(UsageError, match=r"Line 3 of .* names '00001D' as line 1 does"):
        read(tmp_path, "00001D\n00002N\nvi/00001D.png\n")


@pytest.mark.parametrize("content", [b"\xff\xfe0\0", "été".encode("latin-1")])
def test_a_list_that_is_not_utf8_is_refused(tmp_path, content):
    with pytest.raises(UsageError, match="it is not UTF-8"):
        read(tmp_path, content)


def test_a_list_of_which_nothing_is_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"None of the 2 names in .*, such as 'a', is that of a pair that is here"):
        read(tmp_path, "a\nb\n")
