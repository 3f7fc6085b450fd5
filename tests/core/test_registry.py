"""Methods, data sets and metrics are found by name."""

import pytest

from uaabench.core import registry
from uaabench.core.errors import UsageError
from uaabench.core.interface import FusionMethod

PLUGIN = """
import numpy as np
from uaabench.core.interface import LuminanceMethod, Metric, MethodCard


class Darker(LuminanceMethod):
    card = MethodCard(name="darker", title="Darker", kind="classical", version=1, summary="halves the visible image")

    def fuse_luminance(self, ir, y):
        return y / 2


BRIGHTNESS = Metric(
    name="Brightness", title="Mean grey level", compute=lambda fused, ir, vi: float(fused.mean()),
    higher_is_better=True, range=(0, 255), gameable_by_noise=False, version=1, reference="arithmetic",
)
"""


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "darker.py"
    path.write_text(PLUGIN)
    return path


def test_a_plugin_registers_its_method_and_its_metric(plugin):
    assert registry.load_plugin(plugin) == ["darker", "Brightness"]
    assert issubclass(registry.method_class("darker"), FusionMethod)
    assert registry.extra_metrics()["Brightness"].title == "Mean grey level"


def test_a_plugin_may_not_take_a_built_in_name(plugin):
    plugin.write_text(PLUGIN.replace('name="darker"', 'name="average"'))
    with pytest.raises(UsageError, match="'average', which is built in"):
        registry.load_plugin(plugin)


@pytest.mark.parametrize(
    ("content", "message"),
    [("import nowhere_to_be_found", "cannot be imported: ModuleNotFoundError"), ("x = 1", "defines no FusionMethod")],
)
def test_a_useless_plugin_is_explained(plugin, content, message):
    plugin.write_text(content)
    with pytest.raises(UsageError, match=message):
        registry.load_plugin(plugin)


def test_a_missing_plugin_is_explained(tmp_path):
    with pytest.raises(UsageError, match="no plugin file"):
        registry.load_plugin(tmp_path / "none.py")


def test_a_typo_gets_the_nearest_name():
    with pytest.raises(UsageError, match="no method 'avrage'; did you mean 'average'"):
        registry.method_card("avrage")
    with pytest.raises(UsageError, match="no data set 'msr'; did you mean 'msrs'"):
        registry.dataset_class("msr")


def test_every_built_in_card_names_the_class_that_carries_it():
    for name, card in registry.method_cards().items():
        assert registry.method_class(name).card == card


def test_an_installed_package_is_found_by_its_entry_point(plugin, monkeypatch):
    registry.load_plugin(plugin)
    darker = registry.method_class("darker")
    monkeypatch.setattr(registry, "_plugin_methods", {})

    class Point:
        name = "darker"

        def load(self):
            return darker

    def points(*, group):
        return [Point()] if group == "uaabench.methods" else []

    registry._entry_methods.cache_clear()
    monkeypatch.setattr(registry, "entry_points", points)
    assert registry.method_class("darker") is darker
    registry._entry_methods.cache_clear()
