"""Degraded input in reports: what is left of each number, in every format, and never in the clean table."""

import csv
import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from runs import change_manifest, change_records, dataset_facts, write_run
from uaabench.core.errors import UsageError
from uaabench.degradations import parse
from uaabench.reporting import files, frames
from uaabench.reporting.build import table_of
from uaabench.reporting.grids import grids
from uaabench.reporting.html import page
from uaabench.running.evidence import load

CLEAN = {
    "average": {"Qabf": [0.8, 0.6], "MSE": [10.0, 30.0]},
    "one": {"Qabf": [0.4, 0.6], "MSE": [10.0, 30.0]},
    "two": {"Qabf": [0.2, 0.4], "MSE": [20.0, 20.0]},
    "three": {"Qabf": [0.6, 0.8], "MSE": [5.0, 5.0]},
}
# By degradation the factor of each method's values.
FACTORS = {
    "noise:1": {"average": 0.5, "one": 0.5, "two": 1.0, "three": 0.25},
    "noise:3": {"average": 0.5, "one": 0.3, "two": 1.0, "three": 0.15},
    "drop-ir": {"average": 1.0, "one": 0.5, "two": 0.5, "three": 0.5},
}


def degraded_facts(text, against="clean"):
    degradation = parse(text)
    said = {"text": text, "kind": degradation.kind, "clean": "test", "scored_against": against, **degradation.key}
    return dataset_facts("msrs", 2) | {"split": f"test+{degradation.name}", "index": text, "degradation": said}


@pytest.fixture
def run(tmp_path):
    """A run with three degraded versions, the degraded ones named first."""
    folder = write_run(tmp_path / "run", CLEAN)
    records = load(folder).records
    parts = []
    for text, factors in FACTORS.items():
        part = records.assign(split=f"test+{parse(text).name}")
        parts.append(part.assign(value=part["value"] * part["method"].map(factors)))
    change_records(folder, pd.concat([*parts, records], ignore_index=True))
    change_manifest(folder, datasets=[*(degraded_facts(text) for text in FACTORS), dataset_facts("msrs", 2)])
    return load(folder)


def kept(table, metric):
    (found,) = [one for one in table.retention if one.metric.name == metric]
    return found, {row.method.label: row for row in found.rows}


def test_retention_is_the_mean_share_over_severities(run):
    found, rows = kept(table_of(run), "Qabf")
    assert found.as_ratio
    assert found.degradations == {"noise": ("noise:1", "noise:3"), "drop-ir": ("drop-ir",)}
    assert rows["one"].clean == pytest.approx(0.5)
    assert rows["one"].by_kind["noise"].value == pytest.approx(0.4)
    assert rows["one"].by_kind["noise"].n == 2
    assert rows["two"].by_kind["noise"].value == pytest.approx(1.0)
    assert rows["three"].by_kind["drop-ir"].value == pytest.approx(0.5)


def test_of_a_column_where_lower_is_better_the_difference_is_shown(run):
    found, rows = kept(table_of(run), "MSE")
    assert not found.as_ratio
    # Mean 20; with half and 0.3 of it: 10 and 6, mean 8.
    assert rows["one"].by_kind["noise"].value == pytest.approx(-12)


def test_ranks_are_by_the_values_themselves_and_the_floor_has_none(run):
    _, rows = kept(table_of(run), "Qabf")
    assert {label: row.clean_rank for label, row in rows.items()} == {"average": None, "three": 1, "one": 2, "two": 3}
    # On noise one has 0.2, two 0.3, three 0.14.
    ranks = {label: row.by_kind["noise"].rank for label, row in rows.items()}
    assert ranks == {"average": None, "two": 1, "one": 2, "three": 3}
    _, rows = kept(table_of(run, marks_floor=True), "Qabf")
    assert rows["average"].clean_rank is not None


def test_a_method_that_lacks_a_pair_is_left_on_common_pairs_and_not_ranked(run):
    records = run.records.copy()
    lost = (records["method"] == "one") & (records["split"] == "test+noise-3") & (records["pair"] == "000")
    records.loc[lost, ["value", "status"]] = [None, "failed"]
    change_records(run.folder, records)
    _, rows = kept(table_of(load(run.folder)), "Qabf")
    found = rows["one"].by_kind["noise"]
    # The pair 001 alone: 0.6 to 0.3 and 0.18.
    assert (found.value, found.n, found.rank) == (pytest.approx(0.4), 1, None)
    assert rows["one"].by_kind["drop-ir"].rank == 2
    (grid,) = [grid for grid in grids(table_of(load(run.folder))) if grid.name == "retention-Qabf-msrs/test"]
    (row,) = [row for row in grid.rows if row.title == "one"]
    assert (row.cells[1].text, row.cells[1].detail) == ("0.4000", "n = 1")


def test_the_grid_shows_value_interval_and_rank_and_says_what_they_are(run):
    (grid,) = [grid for grid in grids(table_of(run)) if grid.name == "retention-Qabf-msrs/test"]
    assert (grid.columns, grid.arrows) == (["clean", "noise", "drop-ir"], [True] * 3)
    (row,) = [row for row in grid.rows if row.title == "two"]
    assert [(cell.text, cell.detail) for cell in row.cells] == [
        ("0.3000", "rank 3"),
        ("1.0000", "[1.0000, 1.0000], rank 1"),
        ("0.5000", "[0.5000, 0.5000], rank 3"),
    ]
    assert "noise:1, noise:3, drop-ir" in grid.sentences[0]
    assert "against the clean sources" in grid.sentences[1]


def test_a_metric_that_noise_can_improve_says_so(tmp_path):
    folder = write_run(tmp_path / "run", {"one": {"EN": [5.0, 6.0]}})
    records = load(folder).records
    change_records(folder, pd.concat([records, records.assign(split="test+noise-1")], ignore_index=True))
    change_manifest(folder, datasets=[dataset_facts("msrs", 2), degraded_facts("noise:1", "degraded")])
    (grid,) = [grid for grid in grids(table_of(load(folder))) if grid.name.startswith("retention")]
    assert grid.sentences[1:] == [
        "Fused images of degraded input are scored against the degraded sources.",
        "Noise can improve EN: more of it on degraded input is no better picture.",
    ]


def test_a_run_on_clean_input_has_no_retention(tmp_path):
    table = table_of(load(write_run(tmp_path / "run", CLEAN)))
    assert (table.retention, table.degraded) == ([], [])
    assert json.loads(files.texts(table, ["json"])["results.json"])["retention"] == []


def test_the_main_table_is_of_clean_input_in_every_format(run):
    table = table_of(run)
    assert [section.dataset.split for section in table.sections] == [
        "test", "test+noise-1", "test+noise-3", "test+drop-ir",
    ]  # fmt: skip
    texts = files.texts(table)
    assert "test+noise-1" not in texts["results.tex"]
    assert texts["supplement.tex"].count(r"\begin{table*}") == len(grids(table)) + 3
    assert "degraded by noise:3, metrics against the clean ones" in texts["supplement.tex"]
    headings = [line for line in texts["results.md"].splitlines() if line.startswith("## ")]
    assert headings[0] == "## MSRS test, 2 pairs"
    assert [line.split(",")[0] for line in headings[-3:]] == [
        "## MSRS test+noise-1", "## MSRS test+noise-3", "## MSRS test+drop-ir",
    ]  # fmt: skip
    shown = page(run, table, shown_pairs=0)
    results = shown[shown.index('<section id="results">') : shown.index('<section id="degraded">')]
    degraded = shown[shown.index('<section id="degraded">') : shown.index('<section id="beside">')]
    assert "test+noise" not in results
    # Qabf and MSE, and three sections.
    assert degraded.count("<caption>") == 5
    assert "Retention of Qabf: MSRS test, 2 pairs" in degraded


def test_csv_holds_all_sections_and_json_the_exact_retention(run):
    table = table_of(run)
    texts = files.texts(table)
    lines = list(csv.DictReader(texts["results.csv"].splitlines()))
    assert {line["split"] for line in lines} == {"test", "test+noise-1", "test+noise-3", "test+drop-ir"}
    content = json.loads(texts["results.json"])
    assert [section["degraded"] and section["degraded"]["text"] for section in content["datasets"]] == [None, *FACTORS]
    (one,) = [entry for entry in content["retention"] if entry["metric"] == "Qabf"]
    expected, rows = kept(table, "Qabf")
    assert (one["split"], one["as_ratio"], one["scored_against"]) == ("test", True, "clean")
    for row in one["rows"]:
        for kind, found in row["by_kind"].items():
            assert found == asdict(rows[row["method"]].by_kind[kind])
    frame = frames.retention(table)
    assert frame.loc[("msrs", "test", "Qabf", "noise", "one"), "retention"] == rows["one"].by_kind["noise"].value
    assert len(frame) == 2 * 2 * len(expected.rows)


def test_a_figure_of_degraded_input_must_name_it(run, uaabench, tmp_path):
    words = ("figure", "cd", run.folder, "--metric", "Qabf")
    result = uaabench(*words, "--dataset", "msrs", "-o", tmp_path / "clean.svg")
    assert result.code == 0, result.err
    assert uaabench(*words, "--dataset", "msrs:test+drop-ir", "-o", tmp_path / "degraded.svg").code == 0
    assert "test+drop-ir" in (tmp_path / "degraded.svg").read_text()
    assert "test+" not in (tmp_path / "clean.svg").read_text()
    assert uaabench(*words, "--dataset", "msrs:test+fog-1", "-o", tmp_path / "none.svg").code == 2


def test_the_terminal_shows_what_noise_cannot_improve(run, uaabench):
    printed = uaabench("report", run.folder, "--format", "csv").out
    assert "Retention of Qabf" in printed
    assert "MSE: MSRS" not in printed
    assert "MSRS test+noise-1" not in printed


def test_degraded_versions_of_other_data_sets_are_not_taken(run):
    facts = [*run.facts["datasets"], dataset_facts("tno", 2)]
    change_manifest(run.folder, datasets=facts)
    table = table_of(load(run.folder))
    assert {one.dataset.key for one in table.retention} == {"msrs/test"}
    with pytest.raises(UsageError):
        table_of(load(run.folder), "nobody")
    assert np.isfinite(kept(table, "Qabf")[1]["one"].clean)
