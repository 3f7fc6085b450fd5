"""Two entries of one data set are two sections everywhere; what could be taken for one is refused."""

import json
import re
import shutil

import pandas as pd
import pytest


@pytest.fixture
def lists(pair_folder, tmp_path):
    """MSRS with four test pairs, and two lists of two of them each."""
    for name in ("ir", "vi"):
        shutil.copytree(pair_folder / name, tmp_path / "data" / "MSRS" / "test" / name)
    (tmp_path / "day.txt").write_text("0\n1\n")
    (tmp_path / "night.txt").write_text("2\n3\n")
    return f"msrs:{tmp_path / 'day.txt'},msrs:{tmp_path / 'night.txt'}"


@pytest.fixture
def both(run, lists, tmp_path):
    result = run("--data-root", tmp_path / "data", methods="average,maximum,laplacian", datasets=lists)
    assert result.code == 0, result.err
    return result


def test_two_lists_of_one_data_set_are_two_sections_in_every_format(both, tmp_path):
    report = tmp_path / "R" / "report"
    table = pd.read_csv(report / "results.csv")
    assert table.groupby("split")["n"].sum().to_dict() == {"day": 6, "night": 6}
    means = table.pivot(index="method", columns="split", values="mean")
    records = pd.read_parquet(tmp_path / "R" / "records.parquet")
    assert means.equals(records.pivot_table(index="method", columns="split", values="value"))
    sections = json.loads((report / "results.json").read_text())["datasets"]
    assert [section["split"] for section in sections] == ["day", "night"]
    for name in ("results.md", "results.tex", "results.html"):
        text = (report / name).read_text()
        assert "MSRS day, 2 pairs" in text, name
        assert "MSRS night, 2 pairs" in text, name
    assert "MSRS day, 2 pairs" in both.out
    assert "MSRS night, 2 pairs" in both.out


def test_the_page_tells_splits_apart_in_every_id(both, tmp_path):
    page = (tmp_path / "R" / "report" / "results.html").read_text()
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    offered = re.findall(r'<option value="([^"]*)">', page.partition('id="chart-dataset"')[2].partition("</select>")[0])
    assert offered == list(dict.fromkeys(re.findall(r'data-dataset="([^"]*)"', page)))
    assert len(offered) == 2
    viewer = json.loads(re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    assert [[pair["id"] for pair in one["pairs"]] for one in viewer["datasets"]] == [["0", "1"], ["2", "3"]]


def test_a_supplement_labels_the_grids_of_each_split_once(both, uaabench, tmp_path):
    assert uaabench("report", tmp_path / "R", "--vs", "average", "--mark-floor").code == 0
    labels = re.findall(r"\\label\{([^}]*)\}", (tmp_path / "R" / "report" / "supplement.tex").read_text())
    assert len(labels) >= 4
    assert len(labels) == len(set(labels))


def test_compare_and_check_name_the_split_of_each_value(both, uaabench, tmp_path):
    out = uaabench("compare", tmp_path / "R", tmp_path / "R").out
    assert len(re.findall(r"^msrs day", out, re.MULTILINE)) == 1
    assert len(re.findall(r"^msrs night", out, re.MULTILINE)) == 1
    junit = tmp_path / "gate.xml"
    assert uaabench("check", tmp_path / "R", "--reference", tmp_path / "R", "--junit", junit).code == 0
    cases = re.findall(r'classname="([^"]*)" name="([^"]*)"', junit.read_text())
    assert len(cases) == len(set(cases)) == 6


def test_a_figure_takes_its_pairs_from_the_split_that_was_named(both, uaabench, tmp_path):
    figure = ("figure", "montage", tmp_path / "R", "--out", tmp_path / "m.svg", "--methods", "maximum")
    ambiguous = uaabench(*figure, "--dataset", "msrs")
    assert ambiguous.code == 2
    assert "msrs:day" in ambiguous.err
    night = uaabench(*figure, "--dataset", "msrs:night", "--pairs", "2")
    assert night.code == 0, night.err
    wrong = uaabench(*figure, "--dataset", "msrs:night", "--pairs", "0")
    assert wrong.code == 2
    assert uaabench(*figure, "--dataset", "msrs:night").code == 0


@pytest.mark.parametrize(
    "datasets",
    ["own={0},own={0}", "own={0},own={1}", "{2},msrs:test,msrs:{3}/test.txt", "msrs,msrs={0}", "{2},MSRS={0}"],
)
def test_entries_that_could_be_taken_for_one_are_refused_before_anything_runs(
    run, lists, pair_folder, tmp_path, datasets
):
    shutil.copytree(pair_folder, tmp_path / "other")
    (tmp_path / "test.txt").write_text("0\n1\n")
    named = datasets.format(pair_folder, tmp_path / "other", lists, tmp_path)
    result = run("--data-root", tmp_path / "data", datasets=named)
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert not (tmp_path / "R").exists()


def test_splits_and_labels_that_join_to_one_text_stay_two(run, lists, pair_folder, tmp_path):
    (tmp_path / "x-all.txt").write_text("0\n1\n")
    named = f"msrs:{tmp_path / 'x-all.txt'},msrs-x={pair_folder}"
    assert run("--data-root", tmp_path / "data", datasets=named).code == 0
    ids = re.findall(r'\bid="([^"]+)"', (tmp_path / "R" / "report" / "results.html").read_text())
    assert len(ids) == len(set(ids))


def test_a_list_whose_name_leads_out_of_the_run_is_refused(run, lists, tmp_path):
    (tmp_path / "...txt").write_text("0\n1\n")
    result = run("--data-root", tmp_path / "data", datasets=f"msrs:{tmp_path / '...txt'}")
    assert result.code == 2
    assert not (tmp_path / "R").exists()
