"""Degraded versions of a data set: fused from degraded sources, judged by the clean scene, and never mixed with it."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest

from uaabench.core import imaging
from uaabench.core.errors import UsageError
from uaabench.core.interface import Sources
from uaabench.degradations import CORRUPTIONS, catalogue, parse
from uaabench.metrics.profiles import profile
from uaabench.running import config, entries, evidence, plan


@pytest.fixture
def planned(labelled):
    def call(*degrade, methods=("uaa",), **given):
        words = {"methods": list(methods), "datasets": [f"mine={labelled}"], "metrics": ["EN"], "floor": False}
        judged = {"segmenter": "demo", "protocol": "msrs-9"}
        return plan.make(config.build(words | judged | {"degrade": list(degrade)} | given), "cpu")

    return call


def keys(planned, split):
    of_split = {stage: [u for u in units if u.dataset.split == split] for stage, units in planned.units.items()}
    return {stage: units[0].key for stage, units in of_split.items() if units}


def differing(one, other):
    return {stage for stage in one if one[stage] != other[stage]}


ALL = {"fuse", "score", "segment"}


def test_each_degradation_follows_the_clean_version_of_each_data_set(planned):
    found = planned("ir.noise:3", "drop-ir").datasets
    assert [dataset.name for dataset in found] == ["mine all", "mine all+ir.noise-3", "mine all+drop-ir"]
    assert len({dataset.place for dataset in found}) == len({dataset.index for dataset in found}) == 3
    assert {dataset.labels for dataset in found} == {found[0].labels}


def test_the_keys_of_clean_units_know_nothing_of_degradations(planned):
    before = keys(planned(), "all")
    assert keys(planned("noise:3", score_against="degraded"), "all") == before


def test_corruption_strength_source_and_seed_are_in_every_key(planned):
    names = ("noise:3", "noise:4", "ir.noise:3", "blur:3", "ir.noise:3+vi.noise:3")
    splits = ["all+" + parse(name).name for name in names]
    found = [keys(planned(*names), split) for split in splits]
    found.append(keys(planned("noise:3", seed=1), "all+noise-3"))
    for number, one in enumerate(found):
        for other in found[:number]:
            assert differing(one, other) == ALL


def test_the_version_of_a_corruption_is_in_every_key(planned, monkeypatch):
    before = keys(planned("noise:3"), "all+noise-3")
    newer = {**CORRUPTIONS, "noise": replace(CORRUPTIONS["noise"], version=2)}
    monkeypatch.setattr(catalogue, "CORRUPTIONS", newer)
    monkeypatch.setattr("uaabench.degradations.degradation.CORRUPTIONS", newer)
    assert differing(before, keys(planned("noise:3"), "all+noise-3")) == ALL


def test_what_is_scored_against_is_in_the_key_of_scores_alone(planned):
    before = keys(planned("noise:3"), "all+noise-3")
    assert differing(before, keys(planned("noise:3", score_against="degraded"), "all+noise-3")) == {"score"}


def test_what_is_read_is_degraded_and_what_is_judged_is_the_clean_scene(planned, labelled):
    clean, noisy = planned("noise:3").datasets
    pair = clean.pairs[1]
    as_it_is = clean.open().read(pair)
    opened = noisy.open()
    expected = parse("noise:3").apply(as_it_is, "folder", "1")
    assert (opened.read(pair).ir == expected.ir).all()
    assert (opened.read(pair).vi == expected.vi).all()
    assert (opened.read(pair).ir != as_it_is.ir).any()
    assert (opened.read_clean(pair).ir == as_it_is.ir).all()
    assert (opened.read_label(pair) == 1).all()


def test_two_sections_of_one_name_are_refused(tmp_path):
    for name in ("ir", "vi"):
        (tmp_path / "MSRS" / "test" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "MSRS" / "test" / name / "00001D.png"), np.zeros((8, 8, 3), np.uint8))
    listed = tmp_path / "test+noise-3.txt"
    listed.write_text("00001D\n")
    given = {"methods": ["average"], "data_root": tmp_path, "datasets": ["msrs", f"msrs:{listed}"]}
    entries.plan_datasets(config.build({**given, "degrade": ["noise:2"]}))
    with pytest.raises(UsageError, match=r"^Two sections of the table would be called 'msrs test\+noise-3'"):
        entries.plan_datasets(config.build({**given, "degrade": ["noise:3"]}))


def test_images_that_were_fused_elsewhere_stand_for_no_degraded_input(planned, labelled):
    (labelled / "fused").mkdir()
    for number in range(4):
        cv2.imwrite(str(labelled / "fused" / f"{number}.png"), np.zeros((48, 64), np.uint8))
    folder = f"theirs={labelled / 'fused'}"
    planned(methods=[folder])
    with pytest.raises(UsageError, match=r"'theirs' is a folder of images that were fused from clean sources"):
        planned("noise:3", methods=[folder])


@pytest.fixture
def run(uaabench, pair_folder, tmp_path):
    def call(*extra, metrics="MSE"):
        words = ("run", "--methods", "average", "--datasets", f"mine={pair_folder}", "--metrics", metrics)
        return uaabench(*words, "--out", tmp_path / "run", *extra)

    return call


def values(folder, split, method="average"):
    records = pd.read_parquet(folder / "records.parquet")
    found = records[(records["split"] == split) & (records["method"] == method)]
    return found.set_index("pair")["value"].to_dict()


def expected_mse(pair_folder, pair, degradation, against):
    """MSE of the average of degraded sources, as the profile computes it of arrays."""
    clean = Sources(
        imaging.read_grey(pair_folder / "ir" / f"{pair}.png"), imaging.read_rgb(pair_folder / "vi" / f"{pair}.png")
    )
    degraded = parse(degradation).apply(clean, "folder", pair)
    grey = imaging.grey(degraded.vi)
    luminance = degraded.vi.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    fused = np.rint((degraded.ir + luminance) / 2).astype(np.uint8)
    assert grey.shape == fused.shape
    convention = profile("cddfuse")
    metrics = convention.select(["MSE"])
    (value,) = convention.score(
        np.repeat(fused[..., None], 3, 2), {"clean": clean, "degraded": degraded}[against], metrics
    )
    return value.value


def test_degraded_input_is_scored_against_clean_sources_unless_asked_otherwise(run, uaabench, pair_folder, tmp_path):
    folder = tmp_path / "run"
    assert run("--degrade", "lowcontrast:3").code == 0
    clean = values(folder, "all")
    for pair, value in values(folder, "all+lowcontrast-3").items():
        assert value == pytest.approx(expected_mse(pair_folder, pair, "lowcontrast:3", "clean"), rel=0.01)
    assert uaabench("score", folder, "--score-against", "degraded").code == 0
    for pair, value in values(folder, "all+lowcontrast-3").items():
        assert value == pytest.approx(expected_mse(pair_folder, pair, "lowcontrast:3", "degraded"), rel=0.01)
    assert values(folder, "all") == clean
    facts = evidence.load(folder)
    assert [head.degraded and head.degraded.scored_against for head in facts.datasets] == [None, "degraded"]


def test_a_run_goes_on_where_it_stopped_with_further_degradations(run, tmp_path):
    run("--degrade", "ir.noise:1")
    folder = tmp_path / "run"
    files = {file: file.stat().st_mtime_ns for file in folder.rglob("fuse/**/*.png")}
    assert run("--degrade", "ir.noise:1,blur:2").code == 0
    assert {file: file.stat().st_mtime_ns for file in files} == files
    splits = {path.name for path in (folder / "fuse" / "mine").iterdir()}
    assert splits == {"all", "all+ir.noise-1", "all+blur-2"}
    command = json.loads((folder / "manifest.json").read_text())["command"]
    assert "--degrade ir.noise:1,blur:2" in command


def test_a_source_that_cannot_be_read_fails_its_pair_in_every_version(run, pair_folder, tmp_path):
    (pair_folder / "ir" / "2.png").write_bytes(b"no image")
    result = run("--degrade", "noise:1")
    assert result.code == 3
    assert "average on mine all+noise-1" in result.err
    for split in ("all", "all+noise-1"):
        assert pd.isna(values(tmp_path / "run", split)["2"])
        assert not pd.isna(values(tmp_path / "run", split)["1"])


def test_what_cannot_be_done_is_said_before_anything_runs(run, tmp_path):
    result = run("--degrade", "ir.fog:2")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "'ir.fog:2' makes no sense for the infrared image" in result.err
    result = run("--score-against", "both")
    assert result.code == 2
    assert "score_against" in result.err
    assert not (tmp_path / "run").exists()


def test_runs_that_were_scored_against_other_sources_are_not_compared(run, uaabench, pair_folder, tmp_path):
    run("--degrade", "noise:1")
    other = tmp_path / "other"
    words = ("run", "--methods", "average", "--datasets", f"mine={pair_folder}", "--metrics", "MSE", "--out", other)
    uaabench(*words, "--degrade", "noise:1", "--score-against", "degraded")
    for verb in (("compare", tmp_path / "run", other), ("check", other, "--reference", tmp_path / "run")):
        result = uaabench(*verb)
        assert result.code == 2
        assert "'mine all+noise-1' is scored against" in result.err
    assert uaabench("merge", tmp_path / "run", other, "--out", tmp_path / "both").code == 2


def test_a_run_without_the_degraded_version_misses_it(run, uaabench, pair_folder, tmp_path):
    run("--degrade", "noise:1")
    other = tmp_path / "other"
    words = ("run", "--methods", "average", "--datasets", f"mine={pair_folder}", "--metrics", "MSE", "--out", other)
    uaabench(*words)
    result = uaabench("check", other, "--reference", tmp_path / "run")
    assert result.code == 1
    assert "the run has no data set mine all+noise-1" in result.out + result.err
