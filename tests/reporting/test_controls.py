"""What noise does to each metric: verdicts worked out by hand, and the same in every format."""

import io
import json
import re

import pandas as pd
import pytest
from rich.console import Console

from uaabench.reporting.build import build_table
from uaabench.reporting.csv_table import csv_table
from uaabench.reporting.json_table import json_table
from uaabench.reporting.latex import latex, latex_supplement
from uaabench.reporting.markdown import markdown
from uaabench.reporting.numbers import Numbers
from uaabench.reporting.table import DatasetHead, MethodRow
from uaabench.reporting.terminal import print_table

TITLE = "What noise does to each metric here"
METHODS = [
    MethodRow(label="average", title="Average", kind="trivial"),
    MethodRow(label="uaa", title="UAAFusion", kind="learned"),
    MethodRow(label="checker", title="Checkerboard", kind="trivial"),
    MethodRow(label="noise", title="Average + noise", kind="trivial"),
]
# SD is better when higher, Nabf when lower. Means over four pairs:
#   SD    average 2.5, noise 5 (higher: better), checker 2 (lower: not better)
#   Nabf  average 0.25, noise 0.5 (higher: not better), checker 0.125 (lower: better)
VALUES = {
    "average": {"SD": [1, 2, 3, 4], "Nabf": [0.25, 0.25, 0.25, 0.25]},
    "uaa": {"SD": [9, 9, 9, 9], "Nabf": [0.0, 0.0, 0.0, 0.0]},
    "noise": {"SD": [2, 4, 6, 8], "Nabf": [0.5, 0.5, 0.5, 0.5]},
    "checker": {"SD": [2, 2, 2, 2], "Nabf": [0.125, 0.125, 0.125, 0.125]},
}


@pytest.fixture
def table_with(complete, records_of):
    """Build the table of the values above, some columns replaced, for some of the methods."""

    def make(changes=None, labels=tuple(VALUES)):
        values = {label: {**VALUES[label], **(changes or {}).get(label, {})} for label in labels}
        return build_table(
            Numbers(records_of(values), "cddfuse", 1),
            methods=[method for method in METHODS if method.label in labels],
            datasets=[DatasetHead(name="msrs", title="MSRS", split="test", planned=4)],
            metrics=complete.metrics,
        )

    return make


def shown(table, encoding: str = "utf-8", width: int = 100) -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    print_table(table, Console(file=stream, width=width))
    stream.seek(0)
    return stream.read()


def verdicts(table) -> dict[str, dict[str, bool | None]]:
    (comparison,) = table.controls
    return {label: dict(by_metric) for label, by_metric in comparison.better.items()}


def test_better_goes_by_the_direction_of_the_metric(table_with):
    assert verdicts(table_with()) == {"noise": {"SD": True, "Nabf": False}, "checker": {"SD": False, "Nabf": True}}


def test_the_numbers_are_those_of_the_table(table_with):
    table = table_with()
    rows = {row.method.label: row for row in table.sections[0].rows}
    (comparison,) = table.controls
    assert comparison.reference is rows["average"]
    assert [row is rows[label] for row, label in zip(comparison.controls, ("noise", "checker"), strict=True)] == [
        True,
        True,
    ]


def test_equal_is_not_better(table_with):
    assert verdicts(table_with({"noise": VALUES["average"]}))["noise"] == {"SD": False, "Nabf": False}


def test_values_that_print_alike_are_still_told_apart(table_with):
    # 2.5 and 2.50001 both print as 2.5000.
    table = table_with({"noise": {"SD": [2.50001] * 4}, "checker": {"SD": [2.49999] * 4}})
    assert {row.cells["SD"].text for row in (table.controls[0].reference, *table.controls[0].controls)} == {"2.5000"}
    assert (verdicts(table)["noise"]["SD"], verdicts(table)["checker"]["SD"]) == (True, False)


@pytest.mark.parametrize("lacking", [["no edges"] * 4, [9.0, 9.0, 9.0, "no edges"]])
def test_a_missing_or_incomplete_cell_gives_no_verdict(table_with, lacking):
    assert verdicts(table_with({"noise": {"SD": lacking}})) == {
        "noise": {"SD": None, "Nabf": False},
        "checker": {"SD": False, "Nabf": True},
    }
    without_reference = verdicts(table_with({"average": {"SD": lacking}}))
    assert (without_reference["noise"]["SD"], without_reference["checker"]["SD"]) == (None, None)


def test_data_sets_have_verdicts_of_their_own(complete, records_of):
    records = records_of(VALUES), records_of({**VALUES, "noise": VALUES["checker"]}, dataset="fmb")
    table = build_table(
        Numbers(pd.concat(records), "cddfuse", 1),
        methods=METHODS,
        datasets=[DatasetHead(name=name, title=name, split="test", planned=4) for name in ("msrs", "fmb")],
        metrics=complete.metrics,
    )
    assert [comparison.dataset.name for comparison in table.controls] == ["msrs", "fmb"]
    assert [comparison.better["noise"]["SD"] for comparison in table.controls] == [True, False]


def test_one_control_is_enough(table_with):
    assert verdicts(table_with(labels=["average", "checker"])) == {"checker": {"SD": False, "Nabf": True}}


@pytest.mark.parametrize("labels", [["noise", "checker", "uaa"], ["average", "uaa"]])
def test_without_average_or_without_controls_there_is_no_section(table_with, labels):
    table = table_with(labels=labels)
    assert list(table.controls) == []
    assert json.loads(json_table(table))["controls"] == []
    for text in (shown(table), markdown(table), latex(table)):
        assert TITLE not in text
        assert "can be gamed" not in text


def test_controls_are_shown_with_the_floor_and_never_marked(table_with):
    (section,) = table_with().sections
    assert [row.method.label for row in section.rows] == ["uaa", "average", "checker", "noise"]
    assert {row.method.label for row in section.rows if any(cell.mark for cell in row.cells.values())} == {"uaa"}


def test_the_terminal_calls_better_what_a_metric_calls_better(table_with):
    text = shown(table_with())
    section = text[text.index(f"{TITLE}: MSRS test, 4 pairs") :]
    lines = [line.split() for line in section.splitlines() if re.match(r" (Method|Average|Checkerboard) ", line)]
    assert lines == [
        ["Method", "SD", "↑", "Nabf", "↓"],
        ["Average", "2.5000", "0.2500"],
        ["Average", "+", "noise", "better", "5.0000", "0.5000"],
        ["Checkerboard", "2.0000", "better", "0.1250"],
    ]
    assert "\nAverage + noise is better than Average by SD.\nCheckerboard is better than Average by Nabf.\n" in text
    assert text.count("can be gamed") == 1


def test_markdown_has_the_same_table(table_with):
    section = markdown(table_with()).split(f"{TITLE}: MSRS test, 4 pairs\n")[1]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("|")]
    assert [row[0].strip("*") for row in rows[2:5]] == ["Average", "Average + noise", "Checkerboard"]
    assert ["better" in cell for row in rows[2:5] for cell in row[1:]] == [False, False, True, False, False, True]
    assert "Average + noise is better than Average by SD." in section


def test_json_holds_means_and_verdicts(table_with):
    content = json.loads(json_table(table_with({"noise": {"SD": ["flat"] * 4}})))
    assert content["schema"] == 1  # an added entry breaks no reader
    assert content["controls"] == [
        {
            "dataset": "msrs",
            "split": "test",
            "reference": {"method": "average", "means": {"SD": 2.5, "Nabf": 0.25}},
            "rows": [
                {"method": "noise", "means": {"SD": None, "Nabf": 0.5}, "better": {"SD": None, "Nabf": False}},
                {"method": "checker", "means": {"SD": 2, "Nabf": 0.125}, "better": {"SD": False, "Nabf": True}},
            ],
        }
    ]


def test_latex_has_the_table_in_the_supplement(table_with):
    text = latex_supplement(table_with())
    assert f"{TITLE}: MSRS test, 4 pairs" in text
    assert "Average + noise is better than Average by SD." in text


def test_sentences_say_what_is_not_better_and_what_is_unknown(table_with):
    text = shown(table_with({"noise": {"SD": ["flat"] * 4}, "checker": {"Nabf": [0.25] * 4}}))
    assert "Average + noise is better than Average by no metric; no verdict on SD.\n" in text
    assert "Checkerboard is better than Average by no metric.\n" in text


def test_csv_has_no_other_rows_for_it(table_with):
    assert len(csv_table(table_with()).splitlines()) == 1 + 4 * 2  # head, four methods, two metrics
