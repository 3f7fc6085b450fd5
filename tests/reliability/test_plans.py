"""What a run left is never taken for the result of another plan; no verb writes over what it cannot vouch for."""

import shutil

import cv2
import numpy as np
import pytest

from uaabench.running import manifest, records


def contents(folder):
    """Everything that a table, a comparison or a report reads."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


class Killed(BaseException):
    """Stands for the end of the process, which nothing may catch."""


@pytest.mark.parametrize("moment", ["collect", "write"])
@pytest.mark.parametrize("change", ["data", "limit", "method"])
def test_a_run_killed_after_it_was_planned_anew_believes_no_record_of_the_old_plan(
    run, uaabench, pair_folder, tmp_path, monkeypatch, change, moment
):
    assert run().code == 0
    assert run(out="whole").code == 0
    if change == "data":
        cv2.imwrite(str(pair_folder / "ir" / "0.png"), np.full((48, 64), 7, np.uint8))
    extra = ("--limit", "2") if change == "limit" else ()
    methods = "average,maximum,laplacian" if change == "method" else "average,maximum"

    def die(*_):
        raise Killed

    module = {"collect": records, "write": manifest}[moment]
    with monkeypatch.context() as patched:
        patched.setattr(module, moment, die)
        assert run(*extra, methods=methods).code == 70
    first, again = (uaabench("report", tmp_path / name) for name in ("whole", "R"))
    if moment == "collect":  # the old run is still whole, and is what is shown, under its own command
        assert again.out.replace(str(tmp_path / "R"), "") == first.out.replace(str(tmp_path / "whole"), "")
    else:
        for words in ("report R", "compare R whole", "check R --reference whole", "merge R whole --out both"):
            names = {"R": tmp_path / "R", "whole": tmp_path / "whole", "both": tmp_path / "both"}
            result = uaabench(*(names.get(word, word) for word in words.split()))
            assert result.code == 4, words
            assert "not what the manifest of this run was written for" in result.err
        assert not (tmp_path / "both").exists()
    assert run(*extra, methods=methods).code == 0
    assert run(*extra, methods=methods, out="fresh").code == 0
    table, fresh = ((tmp_path / name / "report" / "results.csv").read_bytes() for name in ("R", "fresh"))
    assert table == fresh


def take_away(pair_folder, what):
    """Take away some of the data that a run was made of."""
    if what == "everything":
        shutil.rmtree(pair_folder)
    elif what == "all label maps":
        shutil.rmtree(pair_folder / "labels")
    elif what == "a label map":
        (pair_folder / "labels" / "0.png").unlink()
    else:
        (pair_folder / "vi" / "0.png").unlink()


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("what", ["everything", "a source", "all label maps", "a label map"])
def test_score_of_a_run_whose_data_are_gone_is_refused_and_leaves_it_as_it_was(
    uaabench, pair_folder, tmp_path, what, fresh
):
    (pair_folder / "labels").mkdir()
    for number in range(4):
        cv2.imwrite(str(pair_folder / "labels" / f"{number}.png"), np.full((48, 64), number, np.uint8))
    words = ("--methods", "average", "--no-floor", "--metrics", "EN", "--protocol", "msrs-9", "--segmenter", "demo")
    made = uaabench("run", *words, "--datasets", f"own={pair_folder}", "--out", tmp_path / "R")
    assert made.code == 0, made.err
    before = contents(tmp_path / "R")
    take_away(pair_folder, what)
    result = uaabench("score", tmp_path / "R", *(["--fresh"] if fresh else []))
    assert result.code in (2, 4)
    assert result.err.count("\n") == 1
    assert contents(tmp_path / "R") == before
    assert uaabench("report", tmp_path / "R").code == 0


def test_score_of_a_run_whose_images_are_gone_is_refused_and_leaves_it_as_it_was(run, uaabench, tmp_path, unit):
    assert run().code == 0
    shutil.rmtree(unit("fuse", "average"))
    before = contents(tmp_path / "R")
    assert uaabench("score", tmp_path / "R").code == 2
    assert contents(tmp_path / "R") == before
