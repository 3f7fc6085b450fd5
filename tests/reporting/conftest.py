"""A small run whose table can be worked out by hand."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence

import pandas as pd
import pytest

import gated
from runs import write_run
from uaabench.core.columns import Metric
from uaabench.reporting import gate
from uaabench.reporting.build import build_table
from uaabench.reporting.gate import Tolerances
from uaabench.reporting.numbers import Numbers
from uaabench.reporting.table import DatasetHead, MethodRow, Table
from uaabench.running.evidence import load

MSRS = DatasetHead(name="msrs", title="MSRS", split="test", planned=4)
METHODS = (
    MethodRow(label="average", title="Average", kind="trivial"),
    MethodRow(
        label="uaa", title="UAAFusion", kind="learned", track="official", weights="official weights 0123456789ab"
    ),
    MethodRow(
        label="tardal", title="TarDAL", kind="learned", track="official", weights="official weights ba9876543210"
    ),
    MethodRow(label="mine", title="my_method & co", kind="precomputed"),
)


def metric(name: str, higher_is_better: bool = True) -> Metric:
    return Metric(
        name=name,
        title=name,
        compute=lambda fused, ir, vi: 0.0,
        higher_is_better=higher_is_better,
        range=(0, 1),
        gameable_by_noise=False,
        version=1,
        reference="",
    )


METRICS = (metric("SD"), metric("Nabf", higher_is_better=False))

# Means over four pairs: SD 2.5, 5, 4 and 40 on the floor; Nabf 0.25, 0.5, 0.5 and 0.1 on the floor.
VALUES: Mapping[str, Mapping[str, Sequence[float | str]]] = {
    "average": {"SD": [40, 40, 40, 40], "Nabf": [0.1, 0.1, 0.1, 0.1]},
    "uaa": {"SD": [1, 2, 3, 4], "Nabf": [0.25, 0.25, 0.25, 0.25]},
    "tardal": {"SD": [5, 5, 5, 5], "Nabf": [0.5, 0.5, 0.5, 0.5]},
    "mine": {"SD": [1, 3, 5, 7], "Nabf": [0.25, 0.75, 0.5, 0.5]},
}


def make_records(
    values: Mapping[str, Mapping[str, Sequence[float | str]]] = VALUES, dataset: str = "msrs"
) -> pd.DataFrame:
    """Long records; a text in place of a number is the reason why a value is undefined."""
    rows = []
    for method, columns in values.items():
        for name, column in columns.items():
            for pair, value in enumerate(column):
                is_number = not isinstance(value, str)
                rows.append(
                    {
                        "run": "r",
                        "method": method,
                        "track": "",
                        "dataset": dataset,
                        "split": "test",
                        "scope": "pair",
                        "pair": f"{pair:05}",
                        "class": "",
                        "metric": name,
                        "profile": "cddfuse",
                        "value": float(value) if is_number else None,
                        "status": "ok" if is_number else "undefined",
                        "reason": "" if is_number else value,
                    }
                )
    return pd.DataFrame(rows)


def make_failure(pair: str, method: str, reason: str) -> pd.DataFrame:
    """The record of a pair that was not fused."""
    one = make_records({method: {"": [0]}})
    return one.assign(pair=pair, value=None, status="failed", reason=reason)


def make_table(frame: pd.DataFrame, datasets: Sequence[DatasetHead] = (MSRS,), **options) -> Table:
    return build_table(
        Numbers(frame, "cddfuse", 1),
        methods=METHODS,
        datasets=datasets,
        metrics=METRICS,
        **options,
    )


@pytest.fixture
def complete() -> Table:
    """Every method has a value for every pair."""
    return make_table(make_records())


@pytest.fixture
def incomplete() -> Table:
    """`uaa` was not fused on one pair, and `mine` has no Nabf on two."""
    values = {**VALUES, "uaa": {"SD": [1, 2, 3], "Nabf": [0.25, 0.25, 0.25]}}
    values["mine"] = {"SD": [1, 3, 5, 7], "Nabf": [0.5, 0.5, "no edges", "no edges"]}
    return make_table(pd.concat([make_records(values), make_failure("00003", "uaa", "out of memory:\n 5_000 & more")]))


@pytest.fixture
def records_of():
    return make_records


@pytest.fixture
def failure_of():
    return make_failure


@pytest.fixture
def table_of():
    return make_table


@pytest.fixture
def values():
    return VALUES


@pytest.fixture
def metrics():
    return METRICS


@pytest.fixture
def judge(tmp_path):
    """Compare a run of these values with the reference of the gate; verdicts by (method, metric)."""
    reference = load(write_run(tmp_path / "reference", gated.VALUES))

    def call(values, *tolerances: str, **facts):
        run = load(write_run(tmp_path / f"run{len(list(tmp_path.iterdir()))}", values, **facts))
        parsed = Tolerances.parse(tolerances, reference.metrics)
        return {(c.method, c.metric): c for c in gate.changes(run, reference, parsed)}

    return call


@pytest.fixture(scope="module")
def browser():
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("needs Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield chromium
        chromium.close()
