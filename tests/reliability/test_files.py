"""Files of a run or its data that change behind its back are healed or fail by name; none is dropped in silence."""

import shutil

import cv2
import numpy as np
import pandas as pd
import pytest

from uaabench.running import store
from uaabench.running.stages import score as scoring


def table(folder):
    return (folder / "report" / "results.csv").read_bytes()


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


ATTACKS = {
    "cut": cut,
    "flipped": flip,
    "deleted": lambda path: path.unlink(),
    "emptied": lambda path: path.write_bytes(b""),
    "replaced": lambda path: shutil.copyfile(path.with_name("3.png"), path),
    "made a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("attack", sorted(ATTACKS.keys() - {"made a folder"}))
def test_an_artefact_that_was_changed_is_fused_anew(run, tmp_path, unit, attack):
    assert run().code == 0
    before = table(tmp_path / "R")
    image = unit("fuse", "average") / "1.png"
    whole = image.read_bytes()
    ATTACKS[attack](image)
    assert run().code == 0
    assert image.read_bytes() == whole
    assert table(tmp_path / "R") == before


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_changed_artefact_that_is_scored_anew_fails_by_name(run, uaabench, tmp_path, unit, attack):
    assert run().code == 0
    ATTACKS[attack](unit("fuse", "average") / "1.png")
    result = uaabench("score", tmp_path / "R", "--metrics", "EN,SD")
    assert result.code == 3
    assert "score average on own all, 1: " in result.err
    counts = pd.read_csv(tmp_path / "R" / "report" / "results.csv").set_index(["method", "metric"])["n"]
    assert counts.to_dict() == {("average", "EN"): 3, ("average", "SD"): 3, ("maximum", "EN"): 4, ("maximum", "SD"): 4}


def lines_of(folder):
    return (folder / "results-0.jsonl").read_text().splitlines(keepends=True)


def other_unit(folder):
    return next(path for path in folder.parent.iterdir() if path != folder)


LINES = {
    "cut": lambda folder, lines: [*lines[:3], lines[3][:50]],
    "changed": lambda folder, lines: [*lines[:3], lines[3].replace(r"\"3\"", r"\"2\"")],
    "of another unit": lambda folder, lines: [*lines[:3], lines_of(other_unit(folder))[3]],
    "deleted": lambda folder, lines: lines[:3],
    "said twice": lambda folder, lines: [*lines, lines[0]],
    "all gone": lambda folder, lines: [],
    "no text": lambda folder, lines: ["\0\udcff\n", *lines[1:]],
}


@pytest.mark.parametrize("attack", LINES)
@pytest.mark.parametrize("stage", ["fuse", "score"])
def test_results_that_are_not_whole_are_computed_again(run, tmp_path, unit, stage, attack):
    assert run().code == 0
    before = table(tmp_path / "R")
    folder = unit(stage, "average")
    content = "".join(LINES[attack](folder, lines_of(folder)))
    (folder / "results-0.jsonl").write_text(content, errors="surrogateescape")
    assert run().code == 0
    assert table(tmp_path / "R") == before


@pytest.mark.parametrize("attack", sorted(LINES.keys() - {"said twice"}))
def test_a_pair_without_a_result_of_the_fusion_is_a_failure_of_score(run, uaabench, tmp_path, unit, attack):
    assert run().code == 0
    folder = unit("fuse", "average")
    (folder / "results-0.jsonl").write_text("".join(LINES[attack](folder, lines_of(folder))), errors="surrogateescape")
    result = uaabench("score", tmp_path / "R")
    assert result.code == (2 if attack == "all gone" else 3)
    if result.code == 3:
        assert "fuse average on own all" in result.err
        rows = pd.read_csv(tmp_path / "R" / "report" / "results.csv").set_index("method")
        assert rows.loc["average", "n"] == 3
        assert rows.loc["average", "n_planned"] == 4


def test_a_line_cut_by_a_death_does_not_take_the_next_one_along(run, tmp_path, unit, monkeypatch):
    """A worker that dies while it writes leaves half a line; what is kept after it is whole."""
    append, half = store.append, []

    def dying(folder, unit, share, pair, result):
        if not half:
            half.append(pair)
            (folder / unit.folder / f"results-{share}.jsonl").write_text('{"check": "0123')
        append(folder, unit, share, pair, result)

    monkeypatch.setattr(store, "append", dying)
    assert run().code == 0
    rows = pd.read_csv(tmp_path / "R" / "report" / "results.csv")
    assert rows["n"].tolist() == [4, 4]


def test_a_stage_that_forgets_a_pair_fails_that_pair(run, tmp_path, monkeypatch):
    work = scoring.Score.work

    def forgetful(self, share, runtime):
        yield from (outcome for outcome in work(self, share, runtime) if outcome.pair.id != "2")

    monkeypatch.setattr(scoring.Score, "work", forgetful)
    result = run()
    assert result.code == 3
    assert "score average on own all, 2: " in result.err


@pytest.mark.parametrize("kind", ["ir", "vi"])
def test_a_source_that_changes_after_it_was_hashed_fails_its_pair(run, pair_folder, monkeypatch, kind):
    begin = store.begin

    def overtaken(*arguments):
        cv2.imwrite(str(pair_folder / kind / "0.png"), np.full((48, 64), 9, np.uint8))
        begin(*arguments)

    monkeypatch.setattr(store, "begin", overtaken)
    result = run()
    assert result.code == 3
    assert "fuse average on own all, 0: " in result.err
    assert "has changed since the run was planned" in result.err


def test_a_precomputed_image_that_changes_after_it_was_hashed_fails_its_pair(run, pair_folder, tmp_path, monkeypatch):
    shutil.copytree(pair_folder / "ir", tmp_path / "fused")
    begin = store.begin

    def overtaken(*arguments):
        cv2.imwrite(str(tmp_path / "fused" / "0.png"), np.full((48, 64), 9, np.uint8))
        begin(*arguments)

    monkeypatch.setattr(store, "begin", overtaken)
    result = run(methods=f"average,mine={tmp_path / 'fused'}")
    assert result.code == 3
    assert "fuse mine on own all, 0: " in result.err
