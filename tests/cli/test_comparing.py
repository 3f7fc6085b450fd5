"""The verbs that compare runs, with the exit codes that scripts rely on."""

import json
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pandas as pd
import pytest

from runs import change_records, write_run, write_tallies
from uaabench.judges.segmentation.stage import Segment

BASE = np.random.default_rng(0).uniform(0.4, 0.6, 12)
VALUES = {"uaa": {"Qabf": BASE.tolist()}, "tardal": {"Qabf": (BASE - 0.1).tolist()}, "average": {"Qabf": [0.3] * 12}}
WORSE = {**VALUES, "uaa": {"Qabf": (BASE - 0.02).tolist()}}


@pytest.fixture
def reference(tmp_path):
    return write_run(tmp_path / "reference", VALUES)


def test_an_unchanged_run_passes(uaabench, reference, tmp_path):
    result = uaabench("check", write_run(tmp_path / "run", VALUES), "--reference", reference)
    assert result.code == 0
    assert "The gate passed" in result.out
    assert "of 3 values 0 are worse, 0 missing, 0 better, 3 the same." in result.out


def test_a_worse_run_fails_with_1_and_says_where(uaabench, reference, tmp_path):
    run = write_run(tmp_path / "run", WORSE)
    files = ("--junit", tmp_path / "gate.xml", "--json", tmp_path / "gate.json")
    result = uaabench("check", run, "--reference", reference, *files)
    assert result.code == 1
    assert "msrs test uaa Qabf is worse" in result.out
    assert "The gate failed" in result.out
    assert ElementTree.parse(tmp_path / "gate.xml").getroot().get("failures") == "1"
    assert json.loads((tmp_path / "gate.json").read_text())["passed"] is False
    assert uaabench("check", run, "--reference", reference, "--tolerance", "qabf=0.03").code == 0


def test_json_alone_stands_on_standard_output(uaabench, reference):
    assert json.loads(uaabench("check", reference, "--reference", reference, "--format", "json").out)["passed"] is True


def test_annotations_come_before_the_sentences(uaabench, reference, tmp_path):
    run = write_run(tmp_path / "run", WORSE)
    result = uaabench("check", run, "--reference", reference, "--format", "github")
    assert result.out.startswith("::error title=uaabench msrs test uaa Qabf::")


def test_what_cannot_be_compared_exits_with_2(uaabench, reference, tmp_path):
    other = write_run(tmp_path / "other", VALUES, dataset="msrs", profile={"name": "tang", "version": 1})
    assert uaabench("check", other, "--reference", reference).code == 2
    assert uaabench("check", reference, "--reference", tmp_path / "nowhere").code == 2
    assert uaabench("check", reference, "--reference", reference, "--tolerance", "x=1").code == 2


def empty_records(run):
    change_records(run, pd.read_parquet(run / "records.parquet").iloc[:0])


@pytest.mark.parametrize("verb", ["check RUN --reference REF", "compare REF RUN"])
@pytest.mark.parametrize("emptied", ["RUN", "REF", "both"])
def test_a_comparison_of_no_value_at_all_exits_with_2(uaabench, reference, tmp_path, verb, emptied):
    places = {"RUN": write_run(tmp_path / "run", VALUES), "REF": reference}
    for name in places if emptied == "both" else [emptied]:
        empty_records(places[name])
    result = uaabench(*(places.get(word, word) for word in verb.split()))
    assert result.code == 2
    assert "holds no value; score it first" in result.err
    assert "passed" not in result.out


def test_a_reference_without_methods_exits_with_2(uaabench, reference, tmp_path):
    empty = write_run(tmp_path / "empty", VALUES, methods=[])
    result = uaabench("check", reference, "--reference", empty)
    assert result.code == 2
    assert "no value that" in result.err


def test_a_reference_of_undefined_values_exits_with_2(uaabench, reference, tmp_path):
    undefined = write_run(tmp_path / "undefined", {"uaa": {"Qabf": [None] * 12}})
    assert uaabench("check", reference, "--reference", undefined).code == 2


def test_a_run_whose_every_pair_failed_fails_the_gate(uaabench, reference, tmp_path):
    failed = write_run(tmp_path / "failed", {name: {"Qabf": [None] * 12} for name in VALUES})
    assert uaabench("check", failed, "--reference", reference).code == 1


def test_a_new_reference_needs_its_reason(uaabench, reference, tmp_path):
    folder = tmp_path / "reports"
    assert uaabench("check", reference, "--reference", folder, "--update").code == 2
    assert uaabench("check", reference, "--reference", folder, "--update", "--reason", "first").code == 0
    assert uaabench("check", reference, "--reference", folder).code == 0


def test_compare_shows_differences_both_ways(uaabench, reference, tmp_path):
    run = write_run(tmp_path / "run", WORSE)
    assert "-0.0200" in uaabench("compare", reference, run).out
    assert "+0.0200" in uaabench("compare", run, reference).out
    content = json.loads(uaabench("compare", reference, run, "--json").out)
    assert {entry["method"]: entry["verdict"] for entry in content["changes"]} == {
        "uaa": "worse",
        "tardal": "same",
        "average": "same",
    }


def test_merged_runs_are_reported(uaabench, tmp_path):
    parts = [write_run(tmp_path / name, {name: VALUES[name]}) for name in ("uaa", "tardal")]
    result = uaabench("merge", *parts, "--out", tmp_path / "both")
    assert result.code == 0, result.err
    assert (tmp_path / "both" / "report" / "results.html").is_file()
    assert uaabench("merge", *parts, "--out", tmp_path / "both").code == 2


def test_report_takes_formats_reference_and_style(uaabench, reference, tmp_path):
    out = tmp_path / "paper"
    result = uaabench("report", reference, "--vs", "tardal", "--format", "latex,md", "--label", "tab:x", "--out", out)
    assert result.code == 0, result.err
    assert sorted(path.name for path in out.iterdir()) == ["results.md", "results.tex", "supplement.tex"]
    assert r"\label{tab:x}" in (out / "results.tex").read_text()
    assert "Difference to tardal" in result.out
    assert uaabench("report", reference, "--format", "pdf").code == 2
    assert "did you mean 'tardal'" in uaabench("report", reference, "--vs", "tradal").err


def test_methods_are_ranked_by_a_metric_even_where_the_last_column_is_a_measure(uaabench, tmp_path):
    demo = Path(__file__).parents[2] / "reports" / "demo"
    assert uaabench("figure", "cd", demo, "-o", tmp_path / "cd.svg").code == 0
    assert "Mean ranks by Qabf" in (tmp_path / "cd.svg").read_text()
    refused = uaabench("figure", "cd", demo, "--metric", "ap50", "-o", tmp_path / "no.svg")
    assert (refused.code, "AP50 is of a whole data set and ranks no pairs" in refused.err) == (2, True)


def test_figures_are_drawn_from_a_run(uaabench, reference, tmp_path):
    assert uaabench("figure", "cd", reference, "--mark-floor", "-o", tmp_path / "cd.pdf").code == 0
    assert (tmp_path / "cd.pdf").read_bytes().startswith(b"%PDF")
    assert "--mark-floor" in uaabench("figure", "cd", reference, "-o", tmp_path / "cd.pdf").err
    assert "uaabench profile" in uaabench("figure", "tradeoff", reference, "-o", tmp_path / "t.pdf").err
    assert "no image of 'infrared'" in uaabench("figure", "montage", reference, "-o", tmp_path / "m.pdf").err


def test_a_montage_shows_pairs_of_a_run(uaabench, pair_folder, tmp_path):
    run = tmp_path / "R"
    assert uaabench("run", "--methods", "laplacian", "--datasets", f"mine={pair_folder}", "--out", run).code == 0
    arguments = ("--pairs", "1,3", "--box", "3=4,4,20,16", "-o", tmp_path / "m.png")
    assert uaabench("figure", "montage", run, *arguments).code == 0
    grey = cv2.imread(str(tmp_path / "m.png"))
    assert uaabench("figure", "montage", run, *arguments, "--colour").code == 0
    coloured = cv2.imread(str(tmp_path / "m.png"))
    # The fused image is the rightmost of three columns; its frame apart, only colour makes channels differ.
    right = np.s_[:, 2 * grey.shape[1] // 3 + 60 :]
    assert np.ptp(coloured[right], axis=2).mean() > 2 * np.ptp(grey[right], axis=2).mean()
    assert uaabench("figure", "montage", run, "--pairs", "9", "-o", tmp_path / "m.png").code == 2
    assert uaabench("figure", "montage", run, "--box", "1=4,4,20", "-o", tmp_path / "m.png").code == 2
    assert uaabench("figure", "montage", run, "--methods", "laplace", "-o", tmp_path / "m.png").code == 2


def test_the_figure_of_which_metric_predicts_use_needs_five_methods_and_a_measure(uaabench, tmp_path):
    labels = [f"m{number}" for number in range(5)]
    run = write_run(tmp_path / "run", {label: {"Qabf": (BASE + n).tolist()} for n, label in enumerate(labels)})
    out = ("--out", tmp_path / "agreement.svg")
    assert "has no measure of a whole data set" in uaabench("figure", "agreement", run, *out).err
    for number, label in enumerate(labels):
        if number == 4:
            assert "Fewer than 5 methods" in uaabench("figure", "agreement", run, *out).err
        matrix = [[90 + number, 10], [10, 90]]
        write_tallies(run, label, Segment, "judge", {"counts_zero": True}, [matrix] * 12)
    assert uaabench("figure", "agreement", run, "--measure", "AP", *out).code == 2
    assert uaabench("figure", "agreement", run, "--measure", "miou", *out).code == 0
    assert "Kendall's tau with mIoU" in (tmp_path / "agreement.svg").read_text()
