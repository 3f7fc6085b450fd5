"""A fourth stage is one file: it appears in run, resume, records, table, page, comparison and gate."""

import json

import cv2
import numpy as np
import pandas as pd
import pytest

# Of how many pixels of the data set a threshold says that they are bright: a measure of the whole set.
STAGE = '''
"""A stage that counts bright pixels."""

import os
from pathlib import Path

import numpy as np

from uaabench.core import imaging
from uaabench.core.grid import Grid, GridCell, GridRow
from uaabench.core.columns import Measure
from uaabench.running import store
from uaabench.running.stage import Stage, unit_of
from uaabench.running.units import Outcome


def brightness(tallies, counts, setting):
    sums = counts @ np.asarray(tallies, float)
    return sums[:, 0] / sums[:, 1]


class Bright(Stage):
    name = "bright"
    doing = "Counting"
    measures = (
        Measure(
            name="Bright", title="share of bright pixels", higher_is_better=True, range=(0, 1),
            gameable_by_noise=False, version=1, reference="", of=brightness,
        ),
    )
    finds = "bright in"

    def __init__(self, threshold=128):
        self.threshold = threshold

    def units(self, planning):
        return [unit_of(self, fused, {"threshold": self.threshold}, self.threshold) for fused in planning.fuse]

    def work(self, share, runtime):
        (unit,) = share.units
        for pair, _ in share.waiting:
            with Path(os.environ["BRIGHT_LOG"]).open("a") as log:
                log.write("x")
            image = imaging.read_grey(store.artefact(runtime.run, unit, pair.id))
            yield Outcome(unit, pair, {"tally": [int((image > unit.task).sum()), image.size]})

    def judge(self, units):
        return f"threshold {units[0].task}", {"threshold": units[0].task}

    def grids(self, view):
        rows = [GridRow(title, label in view.floor, [GridCell("seen")]) for label, title in view.titles.items()]
        return [Grid(f"bright-{view.name}", f"Brightness: {view.heading}", ["looked at"], [None], rows)]

    def legend(self, view):
        return f"Bright on {view.title}: threshold {self.threshold}."

    def layer(self, folder, pair, value, classes):
        layer = np.zeros((48, 64, 4), np.uint8)
        layer[:24] = (255, 0, 0, 255)
        return layer
'''


@pytest.fixture
def run(uaabench, pair_folder, tmp_path, monkeypatch):
    (tmp_path / "bright.py").write_text(STAGE)
    monkeypatch.setenv("BRIGHT_LOG", str(tmp_path / "log"))

    def call(*extra, out="R"):
        words = ("run", "--methods", "average,maximum", "--no-floor", "--metrics", "EN", "--segmenter", "none")
        words += ("--datasets", f"mine={pair_folder}", "--plugin", tmp_path / "bright.py", "--out", tmp_path / out)
        return uaabench(*words, *extra)

    return call


def shares(folder, method):
    """Bright pixels and all pixels of each artefact, counted here."""
    (place,) = (folder / "fuse" / "mine" / "all").glob(f"{method}-*")
    greys = [cv2.imread(str(file), cv2.IMREAD_UNCHANGED) for file in sorted(place.glob("*.png"))]
    planes = [
        image if image.ndim == 2 else np.rint(cv2.cvtColor(image.astype(np.float32), cv2.COLOR_BGR2GRAY))
        for image in greys
    ]
    return [((plane > 128).sum(), plane.size) for plane in planes]


@pytest.mark.slow
def test_a_stage_of_a_plugin_is_part_of_the_whole_run(run, uaabench, tmp_path):
    result = run()
    assert result.code == 0, result.err
    assert "Bright on mine: threshold 128." in result.out

    # Records: the sum over all pixels, not the mean of the shares.
    counted = shares(tmp_path / "R", "average")
    expected = sum(bright for bright, _ in counted) / sum(size for _, size in counted)
    records = pd.read_parquet(tmp_path / "R" / "records.parquet")
    whole = records[(records["scope"] == "method") & (records["method"] == "average")].set_index("metric")["value"]
    assert whole["Bright"] == pytest.approx(expected, abs=1e-12)
    assert whole["Bright low"] <= expected <= whole["Bright high"]
    assert whole["Bright pairs"] == 4

    # Table, in every format; the average and the maximum are trivial, and take no mark.
    table = pd.read_csv(tmp_path / "R" / "report" / "results.csv").set_index(["method", "metric"])
    assert table.loc[("average", "Bright"), "mean"] == pytest.approx(expected, abs=1e-12)
    for name in ("results.html", "results.md", "results.json", "results.tex"):
        assert "Bright" in (tmp_path / "R" / "report" / name).read_text(), name

    # Page: its grid, and its layer over the images.
    page = (tmp_path / "R" / "report" / "results.html").read_text()
    assert "Brightness: mine all, 4 pairs" in page
    assert "bright in Average" in page

    # Resume: a pair was looked at once for each method, and is not looked at again.
    log = tmp_path / "log"
    assert log.read_text() == "x" * 8
    assert run().code == 0
    assert log.read_text() == "x" * 8
    (folder,) = (tmp_path / "R" / "bright" / "mine" / "all").glob("average-*")
    lines = (folder / "results-0.jsonl").read_text().splitlines(keepends=True)
    (folder / "results-0.jsonl").write_text("".join(lines[:2]) + lines[2][:40])
    assert run().code == 0
    assert log.read_text() == "x" * 10

    # Gate and comparison: a paired difference, with its interval, from the tallies of both runs.
    assert uaabench("check", tmp_path / "R", "--reference", tmp_path / "R").code == 0
    other = json.loads(uaabench("compare", tmp_path / "R", tmp_path / "R", "--json").out)["changes"]
    assert {change["metric"] for change in other} == {"EN", "Bright"}
    versus = uaabench("report", tmp_path / "R", "--vs", "average")
    assert versus.code == 0, versus.err
    assert "Without a value for a pair: Bright." in " ".join(versus.out.split())


@pytest.mark.slow
def test_an_option_of_a_plugin_stage_is_part_of_its_key_and_of_its_judge(run, uaabench, tmp_path):
    assert run().code == 0
    (tmp_path / "dim.yaml").write_text("options: {bright: {threshold: 60}}")
    assert run("--config", tmp_path / "dim.yaml", out="S").code == 0
    assert len((tmp_path / "log").read_text()) == 16
    gate = uaabench("check", tmp_path / "S", "--reference", tmp_path / "R")
    assert gate.code == 1
    assert "it was judged by 'threshold 128' and now by 'threshold 60'" in gate.out
