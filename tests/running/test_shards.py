"""Shards share a run out, each pair once, and give, merged, the run that one command gives."""

import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from uaabench.core.errors import UsageError
from uaabench.running import config, plan, shards
from uaabench.running.units import DatasetPlan


@pytest.fixture
def planned(pair_folder):
    return plan.make(config.build({"methods": ["average", "laplacian"], "datasets": [f"mine={pair_folder}"]}), "cpu")


@pytest.fixture
def run(uaabench, labelled, tmp_path):
    """Run into a folder, with label maps judged by a small stage that is always there: metrics alone."""

    def call(out, *more):
        words = ("--methods", "average,laplacian", "--datasets", f"mine={labelled}", "--metrics", "EN,MI", "--no-floor")
        return uaabench("run", *words, "--out", tmp_path / out, *more)

    return call


def join(runs, out):
    return shards.merge(runs, out) if shards.are_shards(runs) else None


def ids(dataset):
    return [pair.id for pair in dataset.pairs]


def test_shards_have_each_pair_once_under_the_keys_of_the_whole_run(planned):
    parts = [planned.shard(number, 3) for number in (1, 2, 3)]
    assert [ids(part.datasets[0]) for part in parts] == [["0", "3"], ["1"], ["2"]]
    for part in parts:
        assert part.key == planned.key
        assert [unit.key for unit in part.of()] == [unit.key for unit in planned.of()]
        assert all(unit.dataset is part.datasets[0] for unit in part.of())
        assert all(unit.fused.dataset is part.datasets[0] for unit in part.units["score"])
    # The marks of other files would travel for nothing.
    assert {path.stem for path in parts[1].datasets[0].marks} == {"1"}


@pytest.mark.parametrize("backwards", [False, True])
def test_a_video_is_in_one_shard(planned, backwards):
    # Frames 0, 1 and 2 are a video, 3 is an image.
    pairs = [
        replace(pair, previous=before)
        for pair, before in zip(planned.datasets[0].pairs, ("", "0", "1", "none"), strict=True)
    ]
    videos: DatasetPlan = replace(planned.datasets[0], pairs=tuple(pairs[::-1] if backwards else pairs))
    found = sorted(sorted(ids(videos.shard(number, 2))) for number in (1, 2))
    assert found == [["0", "1", "2"], ["3"]]
    with pytest.raises(
        UsageError, match="cannot be shared out among 3 shards, as it has 2 pairs or videos; take fewer"
    ):
        videos.shard(1, 3)


def test_frames_that_name_each_other_are_in_one_shard(planned):
    pairs = [replace(pair, previous=before) for pair, before in zip(planned.datasets[0].pairs, "1022", strict=True)]
    assert ids(replace(planned.datasets[0], pairs=tuple(pairs)).shard(1, 2)) == ["0", "1"]


def test_merged_shards_are_the_run(run, uaabench, labelled, tmp_path):
    # A pair that fails in its shard has failed in the run.
    cv2.imwrite(str(labelled / "ir" / "2.png"), np.zeros((5, 7), np.uint8))
    assert run("whole").code == 3
    parts = [tmp_path / f"part-{number}" for number in (1, 2, 3)]
    assert [run(part.name, "--shard", f"{number}/3").code for number, part in enumerate(parts, start=1)] == [0, 0, 3]
    result = uaabench("merge", *parts, "--out", tmp_path / "merged")
    assert result.code == 0, result.err
    for name in ("records.parquet", "tallies.parquet", "report/results.csv", "report/results.tex"):
        assert (tmp_path / "merged" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    # The command of the whole run finds nothing to do but what failed.
    images = {path: path.stat().st_mtime_ns for path in (tmp_path / "merged").rglob("*.png")}
    assert len(images) == 2 * 3
    assert run("merged").code == 3
    assert {path: path.stat().st_mtime_ns for path in images} == images


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("1/3", "3/3"), "A run of 3 shards needs each of them once, but 2/3 is not among them."),
        (
            ("1/2", "1/2"),
            "A run of 2 shards needs each of them once, but 2/2 is not among them, and 1/2 is there twice.",
        ),
        (("1/2", "2/3"), "are shards of different runs; merge those of one."),
        (("1/2", ""), "is none: merge the shards first, all of them and nothing else."),
    ],
)
def test_what_are_not_the_shards_of_one_run_is_refused(given, said, monkeypatch, tmp_path):
    runs = [tmp_path / str(number) for number in range(len(given))]
    facts = dict(zip(runs, ({"plan": "p", "config": {"shard": shard}} for shard in given), strict=True))
    monkeypatch.setattr(shards.manifest, "read", facts.get)
    with pytest.raises(UsageError) as error:
        join(runs, tmp_path / "out")
    assert said in str(error.value)


def test_shards_whose_images_have_changed_are_refused(run, uaabench, labelled, tmp_path):
    for number in (1, 2):
        run(f"part-{number}", "--shard", f"{number}/2")
    shutil.copy(labelled / "ir" / "0.png", labelled / "ir" / "1.png")
    result = uaabench("merge", tmp_path / "part-1", tmp_path / "part-2", "--out", tmp_path / "merged")
    assert result.code == 2
    assert "are not what they were: bring them back, or run the shards again." in result.err
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"])
def test_a_shard_that_cannot_be_is_refused(shard):
    with pytest.raises(UsageError, match="The entry 'shard' is not valid"):
        config.build({"methods": ["average"], "shard": shard})


def test_reference_rows_wait_for_the_whole_run():
    with pytest.raises(UsageError, match="reference rows stand beside whole data sets; give --beside once"):
        config.build({"methods": ["average"], "shard": "1/2", "beside": ["all"]})
