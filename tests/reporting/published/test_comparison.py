"""A published value is equal to ours at the printed digits, or the first rule that knows why it is not says so."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from uaabench.core import registry, weights
from uaabench.reporting.published import comparison, formats, papers
from uaabench.reporting.published.comparison import Verdict
from uaabench.reporting.published.papers import Explanation, Paper, Table
from uaabench.running import reference_rows
from uaabench.running.reference_rows import Reference

EQUAL, EXPLAINED, UNEXPLAINED, ABSENT = Verdict


def reference(values, profile="cddfuse", split="all", track="", **facts):
    """A reference of TNO: means are worked out from `values`, a list over pairs `1`, `2`, ... by label and metric."""
    table = pd.DataFrame(
        [
            {"method": label, "pair": str(number), **dict(zip(metrics, line, strict=True))}
            for label, metrics in values.items()
            for number, line in enumerate(zip(*metrics.values(), strict=True), 1)
        ]
    )
    pairs = {pair: ["", ""] for pair in table["pair"]}
    methods = [{**current(label), "track": track, **facts} for label in values]
    dataset = {"adapter": "tno", "split": split, "pairs": pairs}
    found = Reference(Path("r.json"), {"dataset": dataset, "profile": {"name": profile}, "methods": methods})
    found.__dict__["values"] = table.set_index(["method", "pair"]).astype(np.float32)
    return found


def current(label):
    """What a reference says of a row that is up to date."""
    name, _, checkpoint = label.partition("@")
    card = registry.method_card(name)
    official = card.checkpoints[checkpoint] if checkpoint else None
    digest = weights.known_hash(official) if official else ""
    options = dict(official.options) if official else {}
    return {"label": label, "version": card.version, "sha256": digest, "options": options}


@pytest.fixture(autouse=True)
def _two_pairs(monkeypatch):
    """Let TNO have two pairs."""
    monkeypatch.setitem(registry.dataset_class("tno").card.splits, "all", 2)


def table(rows, metrics=("EN", "SD"), profile="cddfuse", **more):
    read = "https://example.org"
    return Table(name="Table 1", read=read, dataset="tno", profile=profile, metrics=metrics, rows=rows, **more)


def paper(*tables, explanations=()):
    return Paper(paper="A", url="u", conventions="c", tables=tables, explanations=explanations)


def only(one, *references):
    (row,) = comparison.compare([("a", one)], references)
    return row


def verdicts(row):
    return [value.verdict for value in row.values]


def reasons(row):
    return [value.reason and (value.reason.cause, value.reason.why) for value in row.values]


def test_the_mean_of_our_pairs_is_equal_at_as_many_digits_as_are_printed():
    ours = reference({"swt": {"EN": [5.0, 6.1], "SD": [40.0, 41.0]}})  # 5.55 and 40.5
    row = only(paper(table({"SWT": "5.55 40.9"})), ours)
    assert (row.label, row.profile, verdicts(row)) == ("swt", "cddfuse", [EQUAL, UNEXPLAINED])
    assert [value.here for value in row.values] == pytest.approx([5.55, 40.5], rel=1e-6)
    assert row.verdict is UNEXPLAINED
    # A tie may be rounded either way, and fewer digits say less.
    assert verdicts(only(paper(table({"swt": "5.5 40"})), ours)) == [EQUAL, EQUAL]
    assert verdicts(only(paper(table({"swt": "5.550 41"})), ours)) == [EQUAL, EQUAL]
    assert verdicts(only(paper(table({"swt": "5.5500001 40.50000"})), ours))[1] is EQUAL


def test_a_value_that_either_side_lacks_is_not_counted():
    ours = reference({"swt": {"EN": [5.0, 5.0], "SD": [np.nan, np.nan]}})
    row = only(paper(table({"swt": "5.0 1.0"})), ours)
    assert (verdicts(row), row.verdict) == ([EQUAL, ABSENT], EQUAL)
    assert [value.metric for value in only(paper(table({"swt": "- 1.0"})), ours).values] == ["SD"]
    assert only(paper(table({"gff": "5.0 1.0"})), ours).verdict is ABSENT
    assert only(paper(table({"swt": "5.0 1.0"}, metrics=("MI", "SF"))), ours).verdict is ABSENT
    assert only(paper(table({"swt": "5.0 1.0"})), reference({"swt": {"EN": [5.0] * 3}}, split="x")).verdict is ABSENT


def test_the_mean_is_over_the_pairs_that_the_paper_took():
    ours = reference({"swt": {"EN": [5.0, 6.0], "SD": [40.0, 41.0]}})
    assert verdicts(only(paper(table({"swt": "6.0 41.0"}, pairs=("2",))), ours)) == [EQUAL, EQUAL]
    row = only(paper(table({"swt": "5.5 41.0"}, pairs=("2", "3"))), ours)
    assert verdicts(row) == [EQUAL, EXPLAINED]
    assert reasons(row)[1] == ("pairs", "Probably another list of pairs: 2 there, 2 here.")
    assert reasons(only(paper(table({"swt": "5.5 41.0"}, count=7)), ours))[1] == (
        "pairs",
        "Probably another list of pairs: 7 there, 2 here.",
    )
    assert verdicts(only(paper(table({"swt": "5.5 41.0"}, count=2)), ours)) == [EQUAL, UNEXPLAINED]


def test_the_worst_value_says_how_a_row_stands():
    ours = reference({"swt": {"EN": [5.0, 5.0], "SD": [40.0, 40.0], "SF": [9.0, 9.0]}})
    told = [Explanation(cause="colour", text="It says so.", metrics=("SD",))]
    for printed, verdict in (("5.0 40 9", EQUAL), ("5.0 50 9", EXPLAINED), ("5.0 50 5", UNEXPLAINED)):
        one = table({"swt": printed}, metrics=("EN", "SD", "SF"))
        assert only(paper(one, explanations=told if verdict is not EQUAL else ()), ours).verdict is verdict


def test_the_nearest_way_of_running_a_method_stands_for_all():
    values = {"EN": [5.0, 5.0], "SD": [40.0, 40.0]}
    ours = reference({"tardal@dt": {"EN": [6.0, 6.0], "SD": [41.0, 41.0]}, "tardal@dt-eval": values}, track="official")
    assert only(paper(table({"TarDAL": "5.2 40.1"})), ours).label == "tardal@dt-eval"
    assert only(paper(table({"TarDAL": "6.2 40.9"})), ours).label == "tardal@dt"
    # A value that is equal says more than a small distance of both.
    near = {"EN": [5.02, 5.02], "SD": [79.9, 79.9]}
    ours = reference({"tardal@dt": near, "tardal@dt-eval": values}, track="official")
    assert only(paper(table({"TarDAL": "5.00 80.0"})), ours).label == "tardal@dt-eval"


def test_rows_trained_here_or_out_of_date_are_not_compared():
    values = {"tardal@dt": {"EN": [5.0, 5.0]}}
    one = paper(table({"TarDAL": "5.0 40.0"}))
    assert only(one, reference(values, track="official")).verdict is EQUAL
    assert only(one, reference(values, track="retrained")).verdict is ABSENT
    assert only(one, reference(values, track="official", version=99)).verdict is ABSENT


def test_a_row_of_the_profile_of_the_paper_comes_before_a_nearer_one_of_another():
    one = reference({"swt": {"EN": [5.0, 5.0], "SD": [40.0, 40.0]}})
    other = reference({"swt": {"EN": [5.1, 5.1], "SD": [9.0, 9.0]}}, profile="tang-legacy")
    row = only(paper(table({"swt": "5.0 9.0"})), one, other)
    assert (row.profile, verdicts(row)) == ("cddfuse", [EQUAL, EXPLAINED])
    assert reasons(row)[1] == ("profile", "The profile tang-legacy gives the printed digits.")
    row = only(paper(table({"swt": "5.0 9.4"}, profile="tang-legacy")), one)
    assert reasons(row)[1] == (
        "profile",
        "Probably another profile: tang-legacy there, and the row here is of cddfuse.",
    )


def test_a_peak_of_255_on_images_in_0_to_1_adds_48_decibel():
    # 20 log10(255) = 48.1308.
    ours = reference({"swt": {"PSNR": [14.0, 15.0]}})
    for printed, verdict in (("62.63", EXPLAINED), ("62.2", EXPLAINED), ("63.2", UNEXPLAINED), ("14.9", UNEXPLAINED)):
        row = only(paper(table({"swt": printed}, metrics=("PSNR",))), ours)
        assert row.verdict is verdict
        assert "48.13 dB" in (reasons(row)[0] or ("", "48.13 dB"))[1]


def test_one_unit_of_the_last_digit_is_rounding_unless_the_rest_of_the_row_is_further_off():
    ours = reference({"swt": {"EN": [5.0, 5.0], "SD": [40.0, 40.0]}})
    row = only(paper(table({"swt": "5.01 40.0"})), ours)
    assert verdicts(row) == [EXPLAINED, EQUAL]
    assert reasons(row)[0][0] == "rounding"
    assert verdicts(only(paper(table({"swt": "5.01 39.9"})), ours)) == [EXPLAINED, EXPLAINED]
    assert verdicts(only(paper(table({"swt": "5.01 40.2"})), ours)) == [UNEXPLAINED, UNEXPLAINED]
    assert verdicts(only(paper(table({"swt": "5.02 40.0"})), ours)) == [UNEXPLAINED, EQUAL]


def test_what_is_told_of_a_paper_says_whether_it_is_a_guess():
    ours = reference({"swt": {"EN": [5.0, 5.0], "SD": [40.0, 40.0]}})
    told = [
        Explanation(cause="colour", text="It says so.", probably=False, metrics=("EN",)),
        Explanation(cause="weights", text="They moved."),
    ]
    row = only(paper(table({"swt": "7.0 70.0"}), explanations=told), ours)
    assert reasons(row) == [("colour", "It says so."), ("weights", "Probably: They moved.")]
    assert row.verdict is EXPLAINED


def test_a_row_of_a_part_of_the_pairs_explains_a_row_that_lies_in_its_intervals(monkeypatch):
    monkeypatch.setitem(registry.dataset_class("tno").card.splits, "all", 100)
    ours = reference({"swt": {"EN": [5.0, 6.0, 5.0, 6.0], "SD": [40.0, 40.0, 40.0, 40.0]}})
    row = only(paper(table({"swt": "5.6 40.0"})), ours)
    assert verdicts(row) == [EXPLAINED, EXPLAINED]  # equal would be too much to say
    assert reasons(row)[0] == (
        "pairs",
        "Probably equal over all pairs: the row lies in the 95 % intervals of our means over 4 of 100.",
    )
    # One value outside, and the other lies inside by chance.
    assert verdicts(only(paper(table({"swt": "5.6 41.0"})), ours)) == [UNEXPLAINED, UNEXPLAINED]
    near, far = {"EN": [5.0, 6.0, 5.0, 6.0]}, {"EN": [7.0, 8.0, 7.0, 8.0]}
    variants = reference({"tardal@dt": far, "tardal@dt-eval": near}, track="official")
    row = only(paper(table({"TarDAL": "5.6"}, metrics=("EN",))), variants)
    assert reasons(row)[0][1].endswith("of our means over 4 of 100, and this value not in that of tardal@dt.")
    # Of all pairs there is a row of the same method: the part has no say.
    monkeypatch.setitem(registry.dataset_class("tno").card.splits, "all", 5)
    whole = reference({"swt": {"EN": [7.0] * 5, "SD": [40.0] * 5}})
    assert verdicts(only(paper(table({"swt": "5.5 40.0"})), ours, whole)) == [UNEXPLAINED, EQUAL]


def test_rows_and_values_are_counted_by_verdict():
    ours = reference({"swt": {"EN": [5.0, 5.0], "SD": [40.0, 40.0]}, "gff": {"EN": [5.0, 5.0], "SD": [40.0, 40.0]}})
    rows = comparison.compare([("a", paper(table({"swt": "5.0 40.0", "gff": "5.02 40.0", "none": "5 4"})))], [ours])
    assert comparison.count(row.verdict for row in rows) == {EQUAL: 1, EXPLAINED: 0, UNEXPLAINED: 1, ABSENT: 1}
    assert formats.summary(rows) == (
        "3 published rows of 1 papers; 2 have a row here: 1 equal, 0 explained, 1 unexplained. "
        "Of their 4 values: 3 equal, 0 explained, 1 unexplained."
    )


def shipped_rows(method, label):
    """Rows of the shipped papers of one method that stand beside one of ours, by paper and data set."""
    parts = reference_rows.references(papers.shipped_folder())
    rows = comparison.compare(papers.papers(), [*reference_rows.references(), *parts])
    return {(row.paper, row.table.dataset): row for row in rows if (row.method, row.label) == (method, label)}


def test_tardal_of_cddfuse_is_tardal_with_the_statistics_of_its_training():
    rows = shipped_rows("TarDAL", "tardal@dt-eval")
    assert verdicts(rows["cddfuse", "roadscene"]) == [EQUAL] * 8
    # Of the 25 pairs of TNO, whose images the paper stretched: EN, SD and SF are a little higher than ours.
    assert verdicts(rows["cddfuse", "tno"]) == [EXPLAINED] * 3 + [EQUAL] * 5
    # EN, SD, SF, SCD, VIF and Qabf for the same reason; MI and SSIM do not care.
    stretched = [EXPLAINED] * 3 + [EQUAL] + [EXPLAINED] * 3 + [EQUAL]
    assert verdicts(rows["cddfuse", "msrs"]) == stretched
    given = [reason for name in ("cddfuse", "emma", "film") for reason in reasons(rows[name, "msrs"]) if reason]
    assert len(given) == 6 + 6 + 6
    assert all("stretched" in why for _, why in given)


def test_didfuse_prints_what_its_weights_give_on_its_forty_pairs_by_two_profiles():
    row = shipped_rows("DIDFuse", "didfuse@official")["didfuse", "tno"]
    found = dict(zip(row.table.metrics, verdicts(row), strict=True))
    assert found == {"EN": EQUAL, "VIF": EQUAL, "MI": EXPLAINED, "AG": EXPLAINED, "SD": UNEXPLAINED, "SF": UNEXPLAINED}


def test_no_value_is_lost_of_the_shipped_papers():
    shipped = dict(papers.papers())
    rows = comparison.compare(shipped.items(), reference_rows.references())
    printed = [
        len(one.printed(method)) for one_paper in shipped.values() for one in one_paper.tables for method in one.rows
    ]
    assert [len(row.values) for row in rows] == printed
    assert all(isinstance(value.printed, Decimal) for row in rows for value in row.values)
