"""Differences and ranks of the small run of conftest.py, against SciPy and by hand."""

import csv
import io
import json

import pandas as pd
import pytest
from scipy import stats

from uaabench.core.errors import UsageError
from uaabench.reporting.csv_table import csv_table
from uaabench.reporting.grids import grids
from uaabench.reporting.json_table import json_table
from uaabench.reporting.latex import latex_supplement
from uaabench.reporting.markdown import markdown
from uaabench.statistics import bootstrap_mean, holm

# SD over ten pairs, better when higher: uaa gains about one on tardal on every pair, mine is in between and mixed.
GAINS = [0.9, 1.1, 1.0, 1.2, 0.8, 1.05, 0.95, 1.15, 0.85, 1.3]
TARDAL = [5.0, 6.5, 4.0, 8.0, 7.0, 5.5, 6.0, 4.5, 7.5, 9.0]
MIXED = [0.3, -0.2, 0.1, -0.4, 0.5, -0.1, 0.2, -0.3, 0.4, -0.6]
VALUES = {
    "average": {"SD": [value - 3 for value in TARDAL], "Nabf": [0.1] * 10},
    "tardal": {"SD": TARDAL, "Nabf": [0.5] * 10},
    "uaa": {"SD": [a + b for a, b in zip(TARDAL, GAINS, strict=True)], "Nabf": [0.5 + 0.01 * n for n in range(10)]},
    "mine": {"SD": [a + b for a, b in zip(TARDAL, MIXED, strict=True)], "Nabf": [0.5] * 10},
}


@pytest.fixture
def compared(records_of, table_of, ten_pairs):
    def make(values=VALUES, **options):
        return table_of(records_of(values), [ten_pairs], **{"reference": "tardal", **options})

    return make


@pytest.fixture
def ten_pairs():
    from uaabench.reporting.table import DatasetHead

    return DatasetHead(name="msrs", title="MSRS", split="test", planned=10)


def test_differences_are_paired_and_corrected_over_all_methods_and_metrics(compared):
    versus = compared().sections[0].versus
    assert set(versus) == {"uaa", "mine", "average"}
    raw = [
        stats.wilcoxon([a - b for a, b in zip(VALUES[label][name], VALUES["tardal"][name], strict=True)]).pvalue
        if VALUES[label][name] != VALUES["tardal"][name]
        else 1.0
        for label in ("uaa", "mine", "average")
        for name in ("SD", "Nabf")
    ]
    found = [versus[label][name].p_value for label in ("uaa", "mine", "average") for name in ("SD", "Nabf")]
    assert found == pytest.approx(holm(raw))
    interval = bootstrap_mean([a - b for a, b in zip(VALUES["uaa"]["SD"], TARDAL, strict=True)])
    assert (versus["uaa"]["SD"].difference, versus["uaa"]["SD"].low) == (interval.mean, interval.low)
    assert versus["uaa"]["SD"].win_rate == 1


def test_a_verdict_respects_the_direction_and_needs_a_small_p_value(compared):
    versus = compared().sections[0].versus
    # Nabf is better when lower; nine of ten pairs of uaa are higher.
    assert [versus["uaa"][name].verdict for name in ("SD", "Nabf")] == ["better", "worse"]
    assert [versus["mine"][name].verdict for name in ("SD", "Nabf")] == ["", ""]


def test_only_pairs_that_both_have_are_compared(compared):
    values = {**VALUES, "uaa": {"SD": VALUES["uaa"]["SD"][:6], "Nabf": ["no edges"] * 10}}
    versus = compared(values).sections[0].versus["uaa"]
    assert versus["SD"].n == 6
    assert "Nabf" not in versus


def test_an_unknown_reference_is_refused_with_the_nearest_name(compared):
    with pytest.raises(UsageError, match="did you mean 'tardal'"):
        compared(reference="tradal")


def test_ranks_leave_out_the_floor_unless_asked(compared):
    ranks = compared().sections[0].ranks
    # Per pair: uaa 1 always; mine before tardal on five pairs of ten.
    assert ranks.by_metric["SD"].mean_ranks == {"uaa": 1.0, "tardal": 2.5, "mine": 2.5}
    with_floor = compared(marks_floor=True).sections[0].ranks
    assert with_floor.by_metric["Nabf"].mean_ranks["average"] == 1.0
    # Means: SD uaa, tardal, mine (mean of MIXED is -0.01); Nabf tardal and mine tie at 1.5, uaa 3.
    assert ranks.average == {"uaa": 2.0, "tardal": 1.75, "mine": 2.25}


def test_the_floor_is_marked_when_asked(compared):
    def marks(table):
        return {row.method.label: row.cells["Nabf"].mark for row in table.sections[0].rows}

    assert marks(compared())["average"] is None
    assert marks(compared(marks_floor=True)) == {"average": "best", "tardal": "second", "mine": "second", "uaa": None}


def test_two_methods_are_not_ranked(compared):
    values = {label: VALUES[label] for label in ("average", "uaa", "tardal")}
    # `mine` has no value at all, so nothing can be ranked by any metric.
    assert compared(values).sections[0].ranks is None


def test_all_formats_show_the_same_difference(compared):
    table = compared()
    entry = table.sections[0].versus["uaa"]["SD"]
    lines = list(csv.DictReader(io.StringIO(csv_table(table))))
    (line,) = [line for line in lines if (line["method"], line["metric"]) == ("uaa", "SD")]
    assert (float(line["difference"]), float(line["p_holm"])) == (entry.difference, entry.p_value)
    assert (line["vs"], line["verdict"], float(line["mean_rank"])) == ("tardal", "better", 1.0)
    content = json.loads(json_table(table))["datasets"][0]
    assert content["versus"]["uaa"]["SD"]["difference"] == entry.difference
    assert content["ranks"]["by_metric"]["SD"]["mean_ranks"]["uaa"] == 1.0
    # 10 pairs, all gains: p = 2 / 2^10, times 6 by Holm = 0.012.
    assert "**better** +1.0300 (p = 0.012, 100% won)" in markdown(table)
    assert r"\textbf{+1.0300} better" in latex_supplement(table)
    assert r"p = 0.012, 100\% won" in latex_supplement(table)


def test_every_test_states_its_assumptions_in_one_line(compared, complete):
    assert [line.split(":")[0] for line in compared().assumptions.values()] == ["Intervals", "Against TarDAL", "Ranks"]
    assert all(line in markdown(compared()).replace("\\", "") for line in compared().assumptions.values())
    assert [line.split(":")[0] for line in complete.assumptions.values()] == ["Intervals", "Ranks"]


def test_the_grid_of_ranks_names_the_critical_difference(compared):
    (grid,) = [grid for grid in grids(compared()) if grid.name == "ranks-msrs/test"]
    # Demsar 2006: 2.343 * sqrt(3 * 4 / (6 * 10)) = 1.048.
    assert "differ by less than 1.05 (Nemenyi, 3 methods, 10 pairs)" in grid.sentences[0]
    p_value = stats.friedmanchisquare(*(VALUES[label]["SD"] for label in ("uaa", "tardal", "mine"))).pvalue
    assert f"SD p = {p_value:.3f}" in grid.sentences[1] or "SD p < 0.001" in grid.sentences[1]


def test_efficiency_is_a_grid_of_its_own(compared):
    from uaabench.methods.efficiency import Efficiency

    cost = Efficiency(
        method="uaa", title="UAAFusion", kind="learned", height=480, width=640, parameters=147_729,
        weights_bytes=300_000, flops=32_100_000_000, latency_ms=2100.04, latency_q1_ms=2000.0, latency_q3_ms=2200.0,
        repetitions=5, peak_memory_mib=812.4, device="cpu", threads=2, precision="fp32", reason="",
    )  # fmt: skip
    broken = Efficiency(
        **{**vars_of(cost), "method": "mine", "title": "mine", "latency_ms": None, "reason": "it crashed"}
    )
    (grid,) = [grid for grid in grids(compared(efficiency=[cost, broken])) if grid.name == "efficiency"]
    assert grid.columns == ["parameters/M", "weights/MB", "GFLOP 480x640", "ms 480x640", "MiB 480x640"]
    assert [cell.text for cell in grid.rows[0].cells] == ["0.148", "0.300", "32.10", "2100.0", "812"]
    assert grid.rows[0].cells[3].detail == "[2000.0, 2200.0]"
    assert [cell.text for cell in grid.rows[1].cells][2:] == ["-", "-", "-"]
    assert "mine at 480x640: it crashed" in grid.sentences


def vars_of(entry):
    from dataclasses import asdict

    return asdict(entry)


def test_a_single_pair_has_a_difference_without_an_interval(records_of, table_of):
    from uaabench.reporting.table import DatasetHead

    one = DatasetHead(name="msrs", title="MSRS", split="test", planned=1)
    records = pd.concat([records_of({"uaa": {"SD": [3]}, "tardal": {"SD": [2]}})])
    entry = table_of(records, [one], reference="tardal").sections[0].versus["uaa"]["SD"]
    assert (entry.difference, entry.low, entry.p_value, entry.verdict) == (1.0, None, 1.0, "")
