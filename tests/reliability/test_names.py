"""Names are text: any of them goes through run, report and comparison, and none leads out of the run directory."""

import csv
import json
import re
import shutil

import pytest

LABELS = [
    "<script>alert(1)", "a&b \"c\" 'd'", "$frac{1}{2}$", "%_#{}~^", "[bold]x[]", "夜间红外", "🔥🌙", "a·b;c",
    "-rf", "{{7*7}}", "%s %d {0}", "x" * 120, "CON", "é\u0301",
]  # fmt: skip
REFUSED = [
    "../x", "/abs", "..", ".", "", ".hidden", "a/b", "a\\b", "a\nb", "a\0b", "a\tb", "\x1b[31mred", "x" * 300,
    "a\u202eb", "夜" * 100, "\udcff",
]  # fmt: skip


@pytest.mark.parametrize("label", LABELS)
def test_any_label_is_text_in_every_format(run, uaabench, pair_folder, tmp_path, label):
    shutil.copytree(pair_folder / "ir", tmp_path / "fused")
    before = set(tmp_path.iterdir())
    result = run(methods=f"average,{label}={tmp_path / 'fused'}", datasets=f"{label}={pair_folder}")
    assert result.code == 0, result.err
    assert set(tmp_path.iterdir()) - before == {tmp_path / "R"}
    report = tmp_path / "R" / "report"
    with (report / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["dataset"].lstrip("'") for row in rows} == {label}
    assert label in {row["method"].lstrip("'") for row in rows}
    section = json.loads((report / "results.json").read_text())["datasets"][0]
    assert section["dataset"] == label
    assert "<script>alert" not in re.sub(r"<script.*?</script>", "", (report / "results.html").read_text(), flags=re.S)
    assert uaabench("compare", tmp_path / "R", tmp_path / "R").code == 0


@pytest.mark.parametrize("label", REFUSED)
@pytest.mark.parametrize("kind", ["method", "dataset"])
def test_a_label_that_could_lead_elsewhere_is_refused_before_anything_runs(run, pair_folder, tmp_path, label, kind):
    before = set(tmp_path.iterdir())
    named = {"methods": f"{label}={pair_folder / 'ir'}"} if kind == "method" else {"datasets": f"{label}={pair_folder}"}
    result = run(**named)
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert set(tmp_path.iterdir()) == before


IDS = [
    "<b>&\"'",
    "$\\frac$",
    "夜间-01",
    "🔥",
    "a b  c",
    "-x",
    "a\nb",
    "x" * 240,
    "%s{0}",
    "é\u0301",
    "a;b|c",
    "\x1b[31m",
]


def test_any_file_stem_is_a_pair_that_goes_through_run_and_report(run, uaabench, pair_folder, tmp_path):
    own = tmp_path / "own"
    for kind in ("ir", "vi"):
        (own / kind).mkdir(parents=True)
        for number, name in enumerate(IDS):
            shutil.copyfile(pair_folder / kind / f"{number % 4}.png", own / kind / f"{name}.png")
    before = set(tmp_path.iterdir())
    result = run(datasets=f"own={own}", out="R")
    assert result.code == 0, result.err
    assert set(tmp_path.iterdir()) - before == {tmp_path / "R"}
    again = uaabench("report", tmp_path / "R", "--vs", "average")
    assert again.code == 0, again.err
    assert "\x1b[31m" not in result.out + result.err + again.out
    assert len(list((tmp_path / "R").glob("fuse/own/all/average-*/*.png"))) == len(IDS)
    montage = uaabench(
        "figure", "montage", tmp_path / "R", "--pairs", "夜间-01", "--methods", "maximum", "--out", tmp_path / "m.svg"
    )
    assert montage.code == 0, montage.err
