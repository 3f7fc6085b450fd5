"""What judges found of reference rows is drawn where the run is judged in the same way, and is as if computed there."""

import csv
import io
import json
import shutil

import pandas as pd
import pytest

from uaabench import api
from uaabench.datasets import demo
from uaabench.running import reference_making, reference_rows
from uaabench.running.evidence import load
from uaabench.running.tables import read_table

LABELS = ["visible", "maximum"]


@pytest.fixture(scope="module", autouse=True)
def _small_demo(tmp_path_factory):
    """A demo of four test scenes in a cache of its own, which take a quarter of the time of all."""
    place = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(demo.COUNTS, "test", 4)
        patch.setattr(demo, "cache_folder", lambda: place)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory, _small_demo):
    """A run of two methods on the demo, judged by the shipped segmenter, and the reference that was made of it."""
    root = tmp_path_factory.mktemp("made")
    api.run(methods=LABELS, datasets=["demo"], metrics=["EN"], floor=False, detector="none", out=root / "run")
    ((_, taken, refused),) = reference_making.make(load(root / "run"), root / "reference")
    assert (taken, refused) == (LABELS, {})
    return root


@pytest.fixture
def run(uaabench, made, tmp_path, monkeypatch):
    """Run images that are those of the rule `visible`."""
    monkeypatch.setattr("uaabench.reporting.html.page", lambda *_, **__: "")
    (unit,) = [
        unit for unit in load(made / "run").facts["units"] if unit["folder"].startswith("fuse/demo/test/visible")
    ]
    mine = f"mine={made / 'run' / unit['folder']}"

    def call(*arguments, out="run", detector="none"):
        where = ("--datasets", "demo", "--detector", detector, "--out", tmp_path / out)
        return uaabench("run", "--methods", mine, "--metrics", "EN", *where, *arguments)

    return call


def table(folder):
    text = (folder / "report" / "results.csv").read_text()
    return {(line["method"], line["metric"]): line for line in csv.DictReader(io.StringIO(text))}


def whole(folder):
    """Records of whole data sets by method, class and metric."""
    records = load(folder).records
    rows = records[records["scope"] != "pair"].set_index(["method", "class", "metric"])
    return rows[["value", "profile", "status"]].sort_index()


def test_what_is_drawn_is_what_a_run_of_the_same_methods_computes(run, folder, made, tmp_path, uaabench):
    assert run("--beside", "maximum", "--no-floor").code == 0
    drawn, computed = whole(tmp_path / "run"), whole(made / "run")
    pd.testing.assert_frame_equal(drawn.loc["maximum"], computed.loc["maximum"])
    mine = drawn.loc["mine"]
    assert mine["value"].tolist() == computed.loc["visible"]["value"].tolist()
    assert uaabench("report", tmp_path / "run", "--vs", "mine").code == 0
    shutil.copytree(made / "run", tmp_path / "computed")
    assert uaabench("report", tmp_path / "computed", "--vs", "visible").code == 0
    ours, theirs = (table(tmp_path / name)["maximum", "mIoU"] for name in ("run", "computed"))
    # Paired with the images of the run, pair by pair.
    assert {**ours, "vs": "", "origin": ""} == {**theirs, "vs": "", "origin": ""}
    assert (ours["origin"], ours["n"]) == ("reference", "4")
    assert ours["difference_low"] != ""


def test_of_a_part_of_the_pairs_the_measures_are_of_that_part(run, folder, made, tmp_path):
    assert run("--beside", "maximum", "--no-floor", "--limit", 3).code == 0
    drawn = whole(tmp_path / "run")
    api.run(
        methods=["maximum"], datasets=["demo"], metrics=["EN"], floor=False, detector="none", limit=3,
        out=tmp_path / "computed",
    )  # fmt: skip
    pd.testing.assert_frame_equal(drawn.loc["maximum"], whole(tmp_path / "computed").loc["maximum"])
    assert drawn.loc[("maximum", "", "mIoU pairs"), "value"] == 3
    assert not drawn.loc["maximum"].equals(whole(made / "run").loc["maximum"])


def change(folder, **entries):
    path = folder / "demo-test-cddfuse.json"
    facts = json.loads(path.read_text())
    facts["judged"][0] |= entries
    path.write_text(json.dumps(facts))


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ({"version": 99}, "it was computed by another version."),
        ({"measures": {"mIoU": 99}}, "it was computed by another version."),
        ({"truth": {}}, "it was compared with other label maps or boxes."),
        (
            {"judge": {"name": "frozen eye", "weights": "0123456789abcdef"}},
            "it is by 'frozen eye, weights 0123456789ab', and here judges 'frozen msrs-9,",
        ),
        ({"methods": ["visible"]}, "they were not judged."),
    ],
)
def test_what_was_judged_otherwise_is_not_drawn_and_says_why(run, folder, tmp_path, entries, why):
    change(folder, **entries)
    result = run("--beside", "maximum", "--no-floor")
    assert result.code == 0
    assert f"The reference has no mIoU of 'maximum': {why}" in " ".join(result.out.split())
    lines = table(tmp_path / "run")
    assert (lines["maximum", "mIoU"]["mean"], lines["maximum", "EN"]["n"], lines["mine", "mIoU"]["n"]) == (
        "",
        "4",
        "4",
    )


def test_the_floor_is_computed_where_the_reference_lacks_what_the_run_measures(run, folder, tmp_path):
    def origins(*arguments, out):
        assert run("--beside", "maximum", "--limit", 2, *arguments, out=out).code == 0
        return {key[0]: line["origin"] for key, line in table(tmp_path / out).items()}

    assert (origins(out="judged")["visible"], origins(out="judged")["average"]) == ("reference", "run")
    change(folder, truth={})
    assert origins(out="unlike")["visible"] == "run"
    assert origins("--segmenter", "none", out="unjudged")["visible"] == "reference"


def test_judgements_stay_with_rows_that_stay_and_go_with_those_that_change(made, folder, tmp_path, uaabench):
    (one,) = reference_rows.references(folder)
    assert reference_making.outdated(LABELS, one, ["segment"]) == []
    assert reference_making.outdated(LABELS, one, ["segment", "detect"]) == LABELS
    api.run(methods=["average", "visible"], datasets=["demo"], metrics=["EN"], floor=False, segmenter="none",
            detector="none", out=tmp_path / "unjudged")  # fmt: skip
    reference_making.make(load(tmp_path / "unjudged"), folder)
    (one,) = reference_rows.references(folder)
    # The row of `visible` was made again and is what it was.
    assert (list(one.methods), one.facts["judged"][0]["methods"]) == (["visible", "average", "maximum"], LABELS)
    pd.testing.assert_frame_equal(
        one.judgements.records, read_table(made / "reference" / "demo-test-cddfuse-measures.parquet")
    )
    assert uaabench("reference", "list").out.splitlines()[1].split()[-2:] == ["mIoU", "(2)"]
    shown = uaabench("reference", "show", "demo").out
    assert f"{one.judgements.value('maximum', 'mIoU'):.4f}" in shown
    assert "mIoU by frozen msrs-9, resnet18-segformer on mix." in shown
    manifest = json.loads((folder / "demo-test-cddfuse.json").read_text())
    for method in manifest["methods"]:
        method["version"] += method["label"] == "visible"
    (folder / "demo-test-cddfuse.json").write_text(json.dumps(manifest))
    reference_making.make(load(tmp_path / "unjudged"), folder)
    (one,) = reference_rows.references(folder)
    assert one.facts["judged"][0]["methods"] == ["maximum"]
    assert set(one.judgements.tallies["method"]) == {"maximum"}


def test_another_judge_begins_anew(made, folder):
    change(folder, judge={"name": "frozen eye", "weights": "0"}, methods=[*LABELS, "gff"])
    reference_making.make(load(made / "run"), folder)
    (one,) = reference_rows.references(folder)
    (entry,) = one.facts["judged"]
    assert (entry["judge"]["protocol"], entry["methods"]) == ("msrs-9", LABELS)


@pytest.mark.parametrize("name", ["measures", "tallies"])
def test_spoilt_judgements_are_one_sentence(run, folder, name):
    path = folder / f"demo-test-cddfuse-{name}.parquet"
    path.write_bytes(path.read_bytes()[:-10])
    result = run("--beside", "maximum")
    assert result.code == 4
    assert result.err.count("uaabench: ") == 1
    assert "install uaabench again" in result.err


def test_drawn_judgements_go_into_merged_runs_and_references_of_the_gate(run, folder, tmp_path, uaabench):
    assert run("--beside", "maximum", "--no-floor").code == 0
    reason = ("--update", "--reason", "test")
    assert uaabench("check", tmp_path / "run", "--reference", tmp_path / "gate", *reason).code == 0
    for file in folder.iterdir():
        file.unlink()
    kept = load(tmp_path / "gate")
    assert ("segment", "demo", "test", "maximum") in kept.tallies
    assert whole(tmp_path / "gate").loc[("maximum", "", "mIoU"), "status"] == "ok"
