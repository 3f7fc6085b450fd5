"""Every verb that meets a plug-in's method, data set or metric takes the file that defines it."""

import pytest

from runs import write_run
from uaabench.core import registry

PLUGIN = """
import numpy as np
from uaabench.core.columns import Metric
from uaabench.core.interface import DatasetCard, FusionDataset, Pair

MEAN = Metric(
    name="Mean9", title="mean", compute=lambda fused, ir, vi: float(fused.mean()), higher_is_better=True,
    range=(0, 255), gameable_by_noise=False, version=1, reference="none",
)

class Own(FusionDataset):
    card = DatasetCard(name="own9", title="Own", version=1, summary="", splits={"test": None}, default_split="test")

    @classmethod
    def locate(cls, data_root):
        return data_root

    def pairs(self, split):
        return []

    def read(self, pair):
        raise NotImplementedError
"""
VALUES = {name: {"Mean9": [100.0 + n, 101.0, 99.5]} for n, name in enumerate(("uaa", "tardal", "mine"))}


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "plugin.py"
    path.write_text(PLUGIN)
    return path


@pytest.mark.parametrize(
    "words",
    [
        "report RUN --format csv",
        "compare RUN RUN",
        "check RUN --reference RUN",
        "merge RUN OTHER --out both",
        "figure cd RUN -o cd.pdf",
        "figure tradeoff RUN -o t.pdf",
    ],
)
def test_a_run_with_a_metric_of_a_plugin_is_read(uaabench, plugin, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    registry.load_plugin(plugin)
    other = {"other": VALUES["uaa"]}
    runs = {"RUN": write_run(tmp_path / "run", VALUES), "OTHER": write_run(tmp_path / "other", other)}
    monkeypatch.setattr(registry, "_plugins", {})
    result = uaabench(*(runs.get(word, word) for word in words.split()), "--plugin", plugin)
    # Latencies were not measured, which is told only once the metric is known.
    assert result.code == 0 or "holds no latencies" in result.err, result.err


@pytest.mark.parametrize(
    "words", ["list datasets", "show own9", "show Mean9", "data verify own9 --data-root .", "data info --data-root ."]
)
def test_what_a_plugin_defines_is_found(uaabench, plugin, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    result = uaabench(*words.split(), "--plugin", plugin)
    assert "There is no" not in result.err
    assert result.code in (0, 4), result.err


@pytest.mark.parametrize("verb", ["score", "segment"])
def test_a_plugin_that_has_moved_can_be_named_again(uaabench, tmp_path, plugin, verb):
    config = {"methods": ["mine"], "plugins": [str(tmp_path / "gone.py")]}
    run = write_run(tmp_path / "run", {"mine": {"EN": [6.0, 6.5]}}, config=config)
    assert "gone.py" in uaabench(verb, run).err
    assert "gone.py" not in uaabench(verb, run, "--plugin", plugin).err
