"""Progress says what is worked on and how long it takes, without filling a log."""

import io

import pytest
from rich.console import Console

from uaabench.running import progress


@pytest.fixture
def clock(monkeypatch):
    """The time in seconds, which passes only when a test lets it."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_lines_say_stage_pairs_method_and_time_left(clock, capsys):
    with progress.progress({"fuse": 101}) as advance:
        for _ in range(100):
            clock[0] += 2
            advance("fuse", "uaa on msrs")
    lines = capsys.readouterr().err.splitlines()
    # 2 s a pair: the first line after 5 s, then one in 30 s; the first pair only started the clock.
    assert lines[0] == "fuse: 3 of 101 pairs, uaa on msrs, about 3 min left"
    assert lines[1].startswith("fuse: 18 of 101 pairs, uaa on msrs, about 3 min left")
    assert len(lines) == 7


def test_the_end_of_a_stage_is_told_at_once(clock, capsys):
    with progress.progress({"fuse": 2, "score": 1}) as advance:
        for stage in ("fuse", "fuse", "score"):
            advance(stage)
    assert capsys.readouterr().err.splitlines() == ["fuse: 2 of 2 pairs", "score: 1 of 1 pairs"]


def test_what_was_done_before_does_not_shorten_the_rest(clock, capsys):
    with progress.progress({"fuse": 1000}) as advance:
        for _ in range(900):
            advance("fuse")
        clock[0] += 60
        advance("fuse")
    # 99 pairs at a minute each, not at a fifteenth of a second.
    assert capsys.readouterr().err.splitlines() == ["fuse: 901 of 1000 pairs, about 1.6 h left"]


def test_a_bar_shows_the_stages_that_have_begun_and_names_as_text(monkeypatch):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    monkeypatch.setattr(progress, "Console", lambda **_: console)
    with progress.progress({"fuse": 2, "score": 2}) as advance:
        advance("fuse", "[bold]mine on msrs")
    shown = screen.getvalue()
    assert "fuse [bold]mine on msrs" in shown
    assert "1/2" in shown
    assert "score" not in shown


def test_a_run_says_which_method_it_works_on(uaabench, pair_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_TO_FIRST_LINE", 0)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
    words = ("--methods", "average,maximum", "--no-floor", "--datasets", f"mine={pair_folder}", "--metrics", "EN")
    lines = uaabench("run", *words, "--out", tmp_path / "run").err.splitlines()
    assert [line.split(", about")[0] for line in lines[:8]] == [
        f"fuse: {n} of 8 pairs, {method} on mine all" for n, method in enumerate(["average"] * 4 + ["maximum"] * 4, 1)
    ]
    assert lines[8].startswith("score: 1 of 8 pairs, mine all")
