"""Every metric against the values of the original implementations, on every triple of the oracle."""

import csv
from pathlib import Path

import pytest

from uaabench import imaging
from uaabench.interface import Sources
from uaabench.metrics.profiles import CDDFUSE


@pytest.mark.shared
@pytest.mark.parametrize("name", ["EN", "SD", "SF", "VIF", "Qabf"])
def test_every_triple_has_the_value_of_cddfuse_in_float64(shared: Path, name: str) -> None:
    folder = shared / "oracle" / "metrics"
    with (folder / "oracle.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == name]
    golden = {row["triple"]: float(row["value"]) for row in rows if row["implementation"] == "cddfuse_float64"}
    assert len(golden) == 18
    for triple, expected in golden.items():
        fused, ir, vi = (
            imaging.read_rgb(folder / "triples" / triple / f"{kind}.png") for kind in ("fused", "ir", "vi")
        )
        sources = Sources(imaging.grey(ir).astype("uint8"), vi)
        (value,) = CDDFUSE.score(fused, sources, CDDFUSE.select([name]))
        assert value.status == "ok", triple
        assert value.value == pytest.approx(expected, abs=1e-6, rel=0), triple
