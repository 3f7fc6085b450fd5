import io
import re

from rich.console import Console

from uaabench.reporting.terminal import print_table


def shown(table, width: int, colour: bool = False, encoding: str = "utf-8") -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    print_table(
        table, Console(file=stream, width=width, force_terminal=colour, color_system="standard" if colour else None)
    )
    stream.seek(0)
    return stream.read()


def test_terminal_shows_the_numbers_of_the_table(complete):
    text = shown(complete, 100)
    means = {line.strip().split("  ")[0]: re.findall(r"\d+\.\d{4}", line) for line in text.splitlines()}
    assert means["UAAFusion"] == ["2.5000", "0.2500"]
    assert means["TarDAL"] == ["5.0000", "0.5000"]
    assert means["my_method & co"] == ["4.0000", "0.5000"]
    assert means["Average"] == ["40.0000", "0.1000"]
    assert "SD ↑" in text
    assert "Nabf ↓" in text


def test_intervals_show_only_where_there_is_room(complete):
    assert "[5.0000, 5.0000]" in shown(complete, 100)
    narrow = shown(complete, 40)
    assert "[5.0000" not in narrow
    assert "5.0000" in narrow


def test_best_is_bold_second_underlined_and_the_floor_dim(complete):
    text = shown(complete, 100, colour=True)
    assert "\x1b[1m5.0000" in text
    assert "\x1b[4m4.0000" in text
    assert "\x1b[2mAverage" in text


def test_missing_values_are_explained_below(records_of, table_of):
    text = shown(table_of(records_of({"uaa": {"SD": ["no contrast"] * 4}})), 100)
    assert "(a) -" in text
    assert "(a) n = 0 of 4 (4 undefined: no contrast)." in text


def test_the_foot_names_profile_and_weights(complete):
    text = shown(complete, 300)
    assert "Profile cddfuse, version 1." in text
    assert "Weights of UAAFusion: official weights 0123456789ab\n" in text


def test_numbers_are_never_cut(incomplete):
    text = shown(incomplete, 20)
    assert "5.0000" in text
    assert "(a) 2.0000" in text
    assert "(a) 0.2500" in text
    assert "…" not in text


def test_no_column_is_dropped(complete):
    # One metric is wider than the terminal already, so it goes beyond the edge.
    lines = [line.split() for line in shown(complete, 12).splitlines()]
    assert ["Method", "SD", "↑"] in lines
    assert ["Method", "Nabf", "↓"] in lines
    assert ["UAAFusion", "2.5000"] in lines
    assert ["TarDAL", "0.5000"] in lines


def test_points_stay_aligned_beside_notes(incomplete):
    lines = [line for line in shown(incomplete, 45).splitlines() if re.search(r"\d\.\d{4}", line)]
    assert len(lines) == 4
    # The first point of a line is that of SD.
    assert len({line.index(".") for line in lines}) == 1


def test_terminals_without_unicode_get_plain_arrows(complete):
    assert "SD ^" in shown(complete, 100, encoding="ascii")
    assert "Nabf v" in shown(complete, 100, encoding="ascii")


def test_a_table_wider_than_the_terminal_comes_in_blocks_of_metrics(complete):
    lines = shown(complete, 30).splitlines()
    assert len([line for line in lines if "4 pairs" in line]) == 2
    assert [re.findall(r"\d+\.\d{4}", line) for line in lines if "UAAFusion " in line] == [["2.5000"], ["0.2500"]]
