"""Which metric predicts use: the section of every format, from the values and tallies of a run."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import kendalltau

from uaabench.core.columns import Measure
from uaabench.reporting import plots
from uaabench.reporting.build import build_table
from uaabench.reporting.grids import grids
from uaabench.reporting.json_table import json_table
from uaabench.reporting.latex import latex_supplement
from uaabench.reporting.markdown import markdown
from uaabench.reporting.numbers import Numbers
from uaabench.reporting.table import MethodRow
from uaabench.running.evidence import DatasetHead, DegradedHead
from uaabench.statistics.resampling import Tallies

PAIRS = [f"{number:05}" for number in range(6)]
# Use of six methods on six pairs, from worst to best.
USE = np.arange(6)[:, None] + np.tile([0.0, 3.0, 1.0, 2.0, 5.0, 4.0], (6, 1))
LABELS = [f"m{number}" for number in range(6)]
# What is left of it by degraded split and method: two severities of noise, and one without infrared.
LEFT = {
    "test+noise-1": dict(zip(LABELS, (0.9, 0.8, 0.9, 0.7, 0.6, 0.5), strict=True)),
    "test+noise-3": dict(zip(LABELS, (0.7, 0.8, 0.3, 0.5, 0.4, 0.3), strict=True)),
    "test+drop-ir": dict(zip(LABELS, (0.2, 0.1, 0.45, 0.2, 0.1, 0.1), strict=True)),
}


def share(tallies, counts, setting):
    """Mean of the tallies; of losses, where lower is better, the same."""
    return counts @ np.asarray(tallies, float) / counts.sum(axis=1)


def measure(name="Share", higher_is_better=True):
    return Measure(
        name=name, title=name, higher_is_better=higher_is_better, range=(0, 1), gameable_by_noise=False, version=1,
        reference="", of=share,
    )  # fmt: skip


@dataclass
class Found:
    """What judges found, as a run has it."""

    measure: Measure
    by_method: dict

    def tallies(self, dataset, method):
        values = self.by_method.get(method)
        left = LEFT.get(dataset.split, {}).get(method, 1.0)
        return values and Tallies("judge", {}, tuple(values), (tuple(left * value for value in values.values()),))


def judgements(use=USE, **changes):
    found = {label: dict(zip(PAIRS, row.tolist(), strict=True)) for label, row in zip(LABELS, use, strict=True)}
    return {**found, "average": dict.fromkeys(PAIRS, 9.0), **changes}


@pytest.fixture
def predicted(records_of, metrics):
    """The table of six methods and the average rule; SD follows their use, Nabf, lower is better, runs against it."""

    def make(judged=None, kept=None, drop=(), labels=LABELS, degraded=(), **options):
        values = {
            label: {"SD": USE[n].tolist(), "Nabf": (0.1 * USE[n] ** 2).tolist()}
            for n, label in enumerate(LABELS)
            if label in labels
        }
        values["average"] = {"SD": [0] * 6, "Nabf": [0] * 6}
        frame = records_of(values)
        for method, metric, pair in drop:
            frame = frame[~((frame["method"] == method) & (frame["metric"] == metric) & (frame["pair"] == pair))]
        judged = judged or measure()
        numbers = Numbers(frame, "cddfuse", 1, {judged.name: Found(judged, kept or judgements())})
        methods = [MethodRow(label=label, title=label, kind="learned") for label in labels]
        table = build_table(
            numbers,
            methods=[*methods, MethodRow(label="average", title="Average", kind="trivial")],
            datasets=[DatasetHead(name="msrs", title="MSRS", split="test", planned=6), *degraded],
            metrics=[*metrics, judged],
            **options,
        )
        return table, numbers

    return make


def taus(table, use="Share"):
    return {name: found.tau for name, found in table.sections[0].agreements[use].items()}


def test_metrics_are_sorted_by_tau_and_lower_is_better_is_turned_round(predicted):
    found = taus(predicted()[0])
    # Nabf grows with use, and lower is better: who believes it chooses the least useful method.
    assert list(found.items()) == [("SD", pytest.approx(1.0)), ("Nabf", pytest.approx(-1.0))]
    losses = measure("Loss", higher_is_better=False)
    assert taus(predicted(losses)[0], "Loss") == {"Nabf": pytest.approx(1.0), "SD": pytest.approx(-1.0)}


def test_the_floor_takes_part_only_where_it_is_marked(predicted):
    table, _ = predicted(marks_floor=True)
    assert table.sections[0].agreements["Share"]["SD"].methods == 7
    # The average rule is best by use (9) and worst by SD (0).
    expected = kendalltau([*USE.mean(axis=1), 0], [*USE.mean(axis=1), 9]).statistic
    assert taus(table)["SD"] == pytest.approx(expected)
    assert predicted()[0].sections[0].agreements["Share"]["SD"].methods == 6


def test_too_few_methods_get_a_sentence_and_no_number(predicted):
    table, _ = predicted(labels=LABELS[:4])
    assert table.sections[0].agreements == {"Share": {}}
    assert not [grid for grid in grids(table) if "predicts" in grid.name]
    assert "an order of fewer than 5 methods says nothing" in table.assumptions["agreement"]
    assert table.assumptions["agreement"] in markdown(table)


def test_a_table_without_measures_says_nothing_of_use(complete):
    assert "agreement" not in complete.assumptions
    assert complete.sections[0].agreements == {}


def test_methods_that_lack_pairs_or_a_judge_are_left_out_and_take_no_pairs_along(predicted):
    part = dict.fromkeys(PAIRS[:2], 9.0)
    table, _ = predicted(kept=judgements(m0=part))
    found = table.sections[0].agreements["Share"]
    assert (found["SD"].methods, found["SD"].pairs) == (5, 6)
    without = judgements()
    del without["m0"]
    assert predicted(kept=without)[0].sections[0].agreements["Share"] == found
    holes, _ = predicted(drop=[("m1", "SD", PAIRS[3])])
    assert {name: one.methods for name, one in holes.sections[0].agreements["Share"].items()} == {"SD": 5, "Nabf": 6}


def test_pairs_without_labels_do_not_count(predicted):
    some = {label: {pair: values[pair] for pair in PAIRS[:3]} for label, values in judgements().items()}
    assert predicted(kept=some)[0].sections[0].agreements["Share"]["SD"].pairs == 3


def test_one_judged_pair_is_no_sample(predicted):
    single = {label: {PAIRS[0]: values[PAIRS[0]]} for label, values in judgements().items()}
    assert predicted(kept=single)[0].sections[0].agreements == {"Share": {}}


def versions(splits=tuple(LEFT)):
    return [
        DatasetHead(
            name="msrs",
            title="MSRS",
            split=split,
            planned=6,
            degraded=DegradedHead(
                text=split, kind=split.split("+")[1].split("-")[0], clean="test", scored_against="clean", key={}
            ),
        )
        for split in splits
    ]


def test_retention_is_a_use_as_well(predicted):
    table, _ = predicted(kept=judgements(1 + USE), degraded=versions())
    left = [(LEFT["test+noise-1"][m] + LEFT["test+noise-3"][m]) / 4 + LEFT["test+drop-ir"][m] / 2 for m in LABELS]
    found = taus(table, "retention of Share")
    assert found["SD"] == pytest.approx(kendalltau(USE.mean(1), left).statistic)
    assert list(table.sections[0].agreements) == ["Share", "retention of Share"]
    assert all(not section.agreements for section in table.sections[1:])
    assert any("predicts retention of Share" in grid.title for grid in grids(table))
    assert "retention of Share" in json.loads(json_table(table))["datasets"][0]["agreements"]


def test_a_difference_is_no_retention_to_predict(predicted):
    table, _ = predicted(judged=measure(higher_is_better=False), degraded=versions())
    assert list(table.sections[0].agreements) == ["Share"]


def test_every_format_has_the_section(predicted):
    table, _ = predicted()
    (grid,) = (grid for grid in grids(table) if "predicts" in grid.name)
    assert (grid.first, [row.title for row in grid.rows]) == ("Metric", ["SD", "Nabf"])
    assert [cell.text for cell in grid.rows[0].cells] == ["+1.00", "[+1.00, +1.00]", "+1.00", "6", "6"]
    assert "Nabf, lower is better, turned round" in grid.sentences[0]
    heading = "Which metric predicts Share: MSRS test, 6 pairs"
    assert f"## {heading}\n\n| Metric | tau ↑ |" in markdown(table)
    assert heading in latex_supplement(table)
    found = json.loads(json_table(table))["datasets"][0]["agreements"]["Share"]["Nabf"]
    assert (found["tau"], found["within"], found["within_pairs"], found["methods"]) == (-1.0, -1.0, 6, 6)


def test_the_figure_has_a_line_for_each_metric(predicted):
    table, _ = predicted()
    axes = plots.agreement_of(table.sections[0], "Share").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["SD", "Nabf"]
    assert plots.agreement_of(table.sections[0], "no such measure") is None


def test_a_metric_without_any_order_is_last_and_a_dash(predicted, records_of, metrics):
    table, _ = predicted(kept=judgements(np.ones((6, 6))))
    (grid,) = (grid for grid in grids(table) if "predicts" in grid.name)
    assert {row.cells[0].text for row in grid.rows} == {"-"}
    assert json.loads(json_table(table))["datasets"][0]["agreements"]["Share"]["SD"]["tau"] is None
