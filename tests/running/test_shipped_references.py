"""The reference rows that come with the package are whole, and those of other implementations and runs."""

from pathlib import Path

import numpy as np
import pytest

from uaabench.core import registry
from uaabench.running import reference_rows
from uaabench.running.evidence import load

# What the released set gives under the profile cddfuse, over all 361 pairs, computed by another implementation.
MSRS_FLOOR = {
    "infrared": (5.3207, 17.2993, 5.0354, 1.0286, 0.3865),
    "visible": (6.5027, 42.6524, 10.6200, 1.0445, 0.6471),
    "average": (5.7482, 23.5919, 6.0321, 0.6921, 0.3683),
    "maximum": (6.6242, 42.2841, 10.9924, 1.0406, 0.7126),
}


def test_the_references_of_the_package_are_whole_and_their_floor_is_that_of_the_release():
    folder = reference_rows.shipped_folder()
    assert sum(file.stat().st_size for file in folder.iterdir() if file.is_file()) < 6_000_000
    for one in reference_rows.references():
        assert len(one.values) == len(one.hashes) * len(one.methods)
        assert one.values.index.is_unique
        assert set(one.values.columns) == one.facts["metrics"].keys()
        assert one.values.dtypes.unique().tolist() == [np.float32]
    msrs = reference_rows.find("msrs", "test", "cddfuse")
    assert msrs is not None
    released = registry.dataset_class("msrs")(folder).expected_hashes("test")
    assert msrs.hashes == released
    means = msrs.values[["EN", "SD", "SF", "VIF", "Qabf"]].astype(float).groupby(level="method").mean()
    for name, values in MSRS_FLOOR.items():
        assert means.loc[name].round(4).tolist() == list(values)


def test_what_was_judged_of_the_references_of_the_package_is_whole():
    for one in reference_rows.references():
        for entry in one.facts.get("judged", ()):
            assert set(entry["methods"]) <= one.methods.keys()
            assert entry["truth"].keys() == one.hashes.keys()
            tallies = one.judgements.of([entry]).tallies
            assert len(tallies) == len(entry["methods"]) * len(one.hashes)
            for method in entry["methods"]:
                assert all(0 < one.judgements.value(method, measure) < 1 for measure in entry["measures"])


def test_the_rows_of_the_demo_are_those_of_the_run_that_the_gate_compares_with():
    gate = load(Path(__file__).parents[2] / "reports" / "demo")
    demo = reference_rows.find("demo", "test", "cddfuse")
    records = gate.records.set_index(["method", "scope", "pair", "metric"])["value"].astype(float)
    for method in ("average", "laplacian", "tardal", "uaa"):
        for metric in ("EN", "VIF", "Qabf"):
            # Both were made on processors of several kinds.
            expected = records[method, "pair", :, metric]
            assert demo.values.loc[method, metric].to_dict() == pytest.approx(expected.to_dict(), abs=1e-3)
        for measure in ("mIoU", "AP50"):
            assert demo.judgements.value(method, measure) == pytest.approx(
                records[method, "method", "", measure], abs=1e-3
            )
