"""Flicker by arithmetic, of frames made by hand and of runs."""

import math
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest

from uaabench.judges.temporal.flicker import FLICKER, NOTHING, tally
from uaabench.judges.temporal.motion import Motion
from uaabench.statistics.resampling import Tallies, values

STILL = np.zeros((4, 5, 2), np.float32)


def moved(infrared, visible, followed=None):
    """A scene without motion whose sources change by so much at every pixel."""
    mask = np.ones((4, 5), bool) if followed is None else followed
    return Motion((STILL, STILL), mask, (infrared * float(mask.sum()), visible * float(mask.sum())))


def flicker(*tallies):
    return values(FLICKER, tallies, {})


def test_a_tally_has_the_changes_of_fused_frames_along_both_flows_and_of_the_sources():
    before = np.full((4, 5), 100.0)
    assert tally(before, before + 3, moved(2, 6)) == (2 * 3 * 20, (2 + 6) * 20, 20)
    half = np.zeros((4, 5), bool)
    half[:2] = True
    assert tally(before, before + 3, moved(2, 6, half)) == (2 * 3 * 10, (2 + 6) * 10, 10)


def test_flicker_is_the_change_relative_to_that_of_the_sources():
    before = np.full((4, 5), 100.0)
    # The average of sources that change by 2 and 6 changes by 4: as much as they do.
    assert flicker(tally(before, before + 4, moved(2, 6))) == 1
    assert flicker(tally(before, before + 8, moved(2, 6))) == 2
    # The visible source itself, along both flows: 2 * 6 of 2 + 6.
    assert flicker(tally(before, before + 6, moved(2, 6))) == 1.5


def test_a_fused_image_that_never_changes_has_none_even_where_the_sources_do_not_either():
    before = np.full((4, 5), 100.0)
    assert flicker(tally(before, before, moved(2, 6))) == 0
    assert flicker(tally(before, before, moved(0, 0))) == 0


def test_flicker_of_still_sources_has_no_measure():
    before = np.full((4, 5), 100.0)
    assert math.isnan(flicker(tally(before, before + 1, moved(0, 0))))


def test_frames_are_summed_before_they_are_divided_and_first_frames_add_nothing():
    assert flicker((10.0, 20.0, 5), (50.0, 20.0, 5), NOTHING) == 60 / 40
    assert math.isnan(flicker(NOTHING, NOTHING))


def test_flicker_of_draws_counts_frames_as_often_as_they_are_drawn():
    tallies = [(10.0, 20.0, 5), (50.0, 20.0, 5), NOTHING]
    found = FLICKER.of(tallies, np.array([[2, 1, 0], [0, 3, 0], [0, 0, 3]]), {})
    assert found[:2] == pytest.approx([70 / 60, 2.5])
    assert math.isnan(found[2])
    assert Tallies("", {}, ("a",), ((NOTHING,),)).on(["a"]).pairs == ("a",)


@pytest.fixture
def video(tmp_path):
    """Two videos of three frames with a drifting camera and noise of each frame, and a single image."""
    generator = np.random.default_rng(0)
    large = [cv2.GaussianBlur(generator.uniform(0, 255, (120, 160)), (0, 0), 3) for _ in range(2)]
    large = [(one - one.min()) / np.ptp(one) * 200 for one in large]
    for name, step in (("car_0001", 0), ("car_0002", 2), ("car_0003", 4), ("tree_07", 9), ("tree_08", 9), ("one", 12)):
        for folder, whole in zip(("ir", "vi"), large, strict=True):
            (tmp_path / "video" / folder).mkdir(parents=True, exist_ok=True)
            image = whole[10:106, step : step + 128] + generator.normal(0, 2, (96, 128)) + 20
            cv2.imwrite(str(tmp_path / "video" / folder / f"{name}.png"), np.clip(image, 0, 255).astype(np.uint8))
    return tmp_path / "video"


def run_of(uaabench, video, out, *words):
    given = ("--methods", "laplacian", "--datasets", f"mine={video}", "--metrics", "EN", "--out", out)
    return uaabench("run", *given, *words)


def cells(folder, metric="flicker"):
    found = pd.read_parquet(folder / "records.parquet")
    found = found[(found["metric"] == metric) & (found["scope"] == "method")]
    return found.set_index("method")["value"].to_dict()


def test_a_video_has_a_column_of_flicker_in_table_page_and_gate(uaabench, video, tmp_path):
    folder = tmp_path / "run"
    assert run_of(uaabench, video, folder).code == 0
    found = cells(folder)
    # An average of two independent noises changes by 1/sqrt(2) of each of them.
    assert found["average"] == pytest.approx(1 / math.sqrt(2), abs=0.06)
    # Each source changes as itself along its own flow, and both flows are the drift of the camera.
    assert found["visible"] == pytest.approx(1, abs=0.05)
    assert found["infrared"] + found["visible"] == pytest.approx(2, abs=0.02)
    assert set(cells(folder, "flicker pairs").values()) == {6}
    page, text = ((folder / "report" / name).read_text() for name in ("results.html", "results.md"))
    assert "flicker ↓" in text
    assert "flicker on Own images" in text or "flicker on mine" in text
    assert "p + w_X" in page
    assert "3 frames have one of their shot before them" in page
    assert uaabench("check", folder, "--reference", folder).code == 0
    assert "flicker" in uaabench("compare", folder, folder).out


def test_a_second_run_compares_nothing_anew_and_another_frame_its_two_comparisons(uaabench, video, tmp_path):
    folder, fused = tmp_path / "run", tmp_path / "fused"
    shutil.copytree(video / "vi", fused)

    def lines():
        run_of(uaabench, video, folder, "--methods", f"theirs={fused}")
        files = folder.glob("flicker/mine/all/theirs-*/results*.jsonl")
        return sorted(line for file in files for line in file.read_text().splitlines())

    before = lines()
    assert lines() == before
    assert len(before) == 6
    cv2.imwrite(str(fused / "car_0001.png"), np.full((96, 128), 50, np.uint8))
    lines()
    # Its change to the next frame is large: the first of the two comparisons of three that are no noise alone.
    assert cells(folder)["theirs"] > 5


def test_images_that_are_no_frames_have_no_flicker(uaabench, pair_folder, tmp_path):
    folder = tmp_path / "run"
    assert run_of(uaabench, pair_folder, folder).code == 0
    assert cells(folder) == {}
    assert not (folder / "flicker").exists()
    assert "flicker" not in (folder / "report" / "results.md").read_text()


def test_a_frame_that_cannot_be_read_fails_the_comparisons_with_it_and_no_others(uaabench, video, tmp_path):
    (video / "vi" / "car_0002.png").write_bytes(b"no image")
    result = run_of(uaabench, video, tmp_path / "run")
    assert result.code == 3
    found = pd.read_parquet(tmp_path / "run" / "tallies.parquet")
    assert sorted(found.loc[found["method"] == "average", "pair"]) == ["car_0001", "one", "tree_07", "tree_08"]


def test_a_cut_adds_nothing_and_how_many_frames_were_compared_is_said(uaabench, video, tmp_path):
    run_of(uaabench, video, tmp_path / "before")
    for folder in ("ir", "vi"):
        noise = np.random.default_rng(7).integers(0, 255, (96, 128), np.uint8)
        cv2.imwrite(str(video / folder / "tree_08.png"), noise)
    result = run_of(uaabench, video, tmp_path / "run")
    assert result.code == 0
    assert cells(tmp_path / "before", "flicker frames")["average"] == 3
    assert cells(tmp_path / "run", "flicker frames")["average"] == 2
    assert "2 frames have one of their shot before them" in (tmp_path / "run" / "report" / "results.md").read_text()


def test_numbered_images_that_have_nothing_in_common_have_no_flicker_and_do_not_fail(uaabench, video, tmp_path):
    for seed, path in enumerate(sorted(video.glob("*/*.png"))):
        other = cv2.GaussianBlur(np.random.default_rng(seed).uniform(0, 255, (96, 128)), (0, 0), 3)
        cv2.imwrite(str(path), np.rint((other - other.min()) / np.ptp(other) * 255).astype(np.uint8))
    assert run_of(uaabench, video, tmp_path / "run").code == 0
    found = pd.read_parquet(tmp_path / "run" / "records.parquet")
    assert set(found.loc[(found["metric"] == "flicker"), "status"]) == {"undefined"}
    assert "0 frames have one of their shot before them" in (tmp_path / "run" / "report" / "results.md").read_text()
