"""Methods, data sets and metrics are found by name, and a name means one thing."""

import inspect
import sys

import pytest

from uaabench.core import registry
from uaabench.core.errors import UsageError
from uaabench.core.interface import FusionMethod

PLUGIN = """
import numpy as np
from uaabench.core.columns import Metric
from uaabench.core.interface import LuminanceMethod, MethodCard


class Darker(LuminanceMethod):
    card = MethodCard(name="darker", title="Darker", kind="classical", version=1, summary="halves the visible image")

    def fuse_luminance(self, ir, y):
        return y / 2


BRIGHTNESS = Metric(
    name="Brightness", title="Mean grey level", compute=lambda fused, ir, vi: float(fused.mean()),
    higher_is_better=True, range=(0, 255), gameable_by_noise=False, version=1, reference="arithmetic",
)
"""
DATASET = """
from uaabench.core.interface import DatasetCard, FusionDataset


class Drives(FusionDataset):
    card = DatasetCard(name="drives", title="D", version=1, summary="s", splits={"all": None}, default_split="all")

    @classmethod
    def locate(cls, data_root):
        return None

    def pairs(self, split):
        return []
"""
# Each kind of thing in a plugin of its own, and a name of that kind that is built in.
KINDS = {
    "method": (PLUGIN.split("BRIGHTNESS", maxsplit=1)[0], "darker", "average"),
    "data set": (DATASET, "drives", "msrs"),
    "metric": (PLUGIN.replace("class Darker(LuminanceMethod)", "class Unused"), "Brightness", "EN"),
}
on_every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "darker.py"
    path.write_text(PLUGIN)
    return path


@pytest.fixture
def install(monkeypatch):
    """Make entry points of installed packages: group, name and what it leads to."""

    class Point:
        dist = None
        module = "nowhere"

        def __init__(self, name, load):
            self.name, self.value, self.load = name, f"package:{name}", load

    def do(asked, *named):
        points = [Point(name, load) for name, load in named]
        monkeypatch.setattr(registry, "entry_points", lambda *, group: points if group == asked else [])
        registry._installed.cache_clear()

    registry._installed.cache_clear()
    yield do
    registry._installed.cache_clear()


def write(folder, kind, name):
    """A plugin of one thing of this kind, under this name."""
    content, usual, _ = KINDS[kind]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plugin.py").write_text(content.replace(f'name="{usual}"', f'name="{name}"'))
    return folder / "plugin.py"


def test_a_plugin_registers_its_method_and_its_metric(plugin):
    assert registry.load_plugin(plugin) == ["darker", "Brightness"]
    assert issubclass(registry.method_class("darker"), FusionMethod)
    assert registry.extra_metrics()["Brightness"].title == "Mean grey level"


@on_every_kind
def test_a_plugin_may_not_take_a_built_in_name(tmp_path, kind):
    for number, name in enumerate([KINDS[kind][2], KINDS[kind][2].swapcase()]):
        path = write(tmp_path / str(number), kind, name)
        with pytest.raises(UsageError, match=rf"Two {kind}s have one name: '.*' \(built in\) and '{name}' \(.*{path}"):
            registry.load_plugin(path)


@on_every_kind
def test_two_plugins_may_not_share_a_name(tmp_path, kind):
    first, second = write(tmp_path / "a", kind, "mine"), write(tmp_path / "b", kind, "Mine")
    assert registry.load_plugin(first) == ["mine"]
    with pytest.raises(UsageError, match=rf"'mine' \(.* {first}\) and 'Mine' \(.* {second}\); rename one"):
        registry.load_plugin(second)


@on_every_kind
def test_a_plugin_may_not_use_a_name_twice(tmp_path, kind):
    path = write(tmp_path, kind, "mine")
    own = path.read_text()
    again = own.replace("class Darker", "class Other").replace("class Drives", "class Other")
    path.write_text(own + again.replace("BRIGHTNESS =", "OTHER ="))
    with pytest.raises(UsageError, match=rf"Two {kind}s have one name: 'mine' \(.* and 'mine' \((Other|OTHER) "):
        registry.load_plugin(path)
    assert "mine" not in [*registry.method_cards(), *registry.dataset_names(), *registry.extra_metrics()]


def test_a_class_that_inherits_its_card_needs_one_of_its_own(plugin):
    plugin.write_text(PLUGIN + "\nclass Same(Darker):\n    pass\n")
    with pytest.raises(UsageError, match=r"'darker' .Darker of the plugin .* and 'darker' .Same of the plugin"):
        registry.load_plugin(plugin)


def test_a_base_class_without_a_card_is_no_method(plugin):
    base = "class Base(LuminanceMethod):\n    factor = 2\n\n\nclass Darker(Base)"
    plugin.write_text(PLUGIN.replace("class Darker(LuminanceMethod)", base))
    assert registry.load_plugin(plugin) == ["darker", "Brightness"]


def test_things_of_different_kinds_may_share_a_name(tmp_path):
    registry.load_plugins([write(tmp_path / kind, kind, "mine") for kind in KINDS])
    assert "mine" in registry.method_cards()
    assert "mine" in registry.dataset_names()
    assert "mine" in registry.extra_metrics()


def test_another_name_for_a_thing_and_imported_things_are_no_doubt(plugin):
    plugin.write_text(PLUGIN + "ALIAS = BRIGHTNESS\nSame = Darker\nfrom uaabench.metrics.profiles.vifb import VIFB\n")
    plugin.write_text(plugin.read_text() + "CE, SD = VIFB.metrics['CE'], VIFB.metrics['SD']\n")
    assert registry.load_plugin(plugin) == ["darker", "Brightness"]


def test_loading_a_plugin_twice_is_no_doubt_unless_it_was_changed(plugin, tmp_path, monkeypatch):
    assert registry.load_plugin(plugin) == ["darker", "Brightness"]
    first = registry.method_class("darker")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.py").symlink_to(plugin)
    for same in (plugin, plugin.relative_to(tmp_path), tmp_path / "link.py"):
        assert registry.load_plugin(same) == ["darker", "Brightness"]
    assert registry.method_class("darker") is first
    plugin.write_text(PLUGIN.replace("y / 2", "y / 3"))
    with pytest.raises(UsageError, match="was changed after it had been loaded"):
        registry.load_plugin(plugin)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("import nowhere_to_be_found", "cannot be imported: ModuleNotFoundError"),
        ("x = ", "cannot be imported: SyntaxError"),
        ("x = 1", "defines none of FusionMethod, FusionDataset, Metric"),
        ("import sys; sys.exit()", "cannot be imported: its code asked the process to end"),
        ("raise KeyboardInterrupt", "cannot be imported: KeyboardInterrupt"),
        (PLUGIN.replace("card = M", "facts = M"), "method Darker of the plugin .* has no card of type MethodCard"),
        (PLUGIN.replace("card = MethodCard", "card = dict"), "method Darker of the plugin .* has no card of type"),
        (PLUGIN.replace('name="darker"', "name=7"), "method Darker of the plugin .* has no name"),
        (
            PLUGIN.replace("def fuse_luminance", "def fuse_luminence"),
            "method Darker of the plugin .* lacks fuse_luminance",
        ),
    ],
)
def test_a_useless_plugin_is_one_sentence_and_exit_code_2(uaabench, plugin, content, message):
    plugin.write_text(content)
    with pytest.raises(UsageError, match=message):
        registry.load_plugin(plugin)
    result = uaabench("list", "methods", "--plugin", plugin)
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(("name", "message"), [("none.py", "no plugin file"), ("data.txt", "no Python file")])
def test_what_is_no_plugin_file_is_explained(tmp_path, name, message):
    (tmp_path / "data.txt").write_text(PLUGIN)
    with pytest.raises(UsageError, match=message):
        registry.load_plugin(tmp_path / name)


def test_a_typo_gets_the_nearest_name():
    with pytest.raises(UsageError, match="no method 'avrage'; did you mean 'average'"):
        registry.method_card("avrage")
    with pytest.raises(UsageError, match="no data set 'msr'; did you mean 'msrs'"):
        registry.dataset_class("msr")


def test_every_built_in_card_names_the_class_that_carries_it():
    for name, card in registry.method_cards().items():
        assert registry.method_class(name).card == card


@pytest.fixture
def darker(plugin, monkeypatch):
    """A class as a package may define it."""
    registry.load_plugin(plugin)
    found = registry.method_class("darker")
    monkeypatch.setattr(registry, "_plugins", {})
    return found


def test_an_installed_package_is_found_by_its_entry_point(darker, install):
    install("uaabench.methods", ("darker", lambda: darker))
    assert registry.method_class("darker") is darker
    assert registry.method_card("darker") is darker.card


@pytest.mark.parametrize("name", ["average", "Average"])
def test_an_entry_point_may_not_take_a_built_in_name(darker, install, monkeypatch, name):
    monkeypatch.setattr(darker, "card", type(darker.card)(**vars(darker.card) | {"name": name}))
    install("uaabench.methods", (name, lambda: darker))
    for ask in (registry.method_cards, lambda: registry.method_card("average"), lambda: registry.method_class("tif")):
        with pytest.raises(
            UsageError, match=rf"'average' \(built in\) and '{name}' \(the entry point {name} = package"
        ):
            ask()


def test_two_packages_may_not_share_a_name(darker, install):
    install("uaabench.methods", ("darker", lambda: darker), ("darker", lambda: type("Other", (darker,), {})))
    with pytest.raises(UsageError, match=r"Two methods have one name: 'darker' .the entry point .* .the entry point"):
        registry.method_cards()


def test_a_plugin_may_not_take_the_name_of_an_installed_package(darker, install, plugin):
    install("uaabench.methods", ("darker", lambda: darker))
    with pytest.raises(
        UsageError, match=rf"'darker' \(the entry point .* and 'darker' \(Darker of the plugin {plugin}"
    ):
        registry.load_plugin(plugin)


@pytest.mark.parametrize(
    ("name", "load", "message"),
    [
        (
            "darker",
            sys.exit,
            "the entry point darker = package:darker cannot be imported: its code asked",
        ),
        ("darker", lambda: int, "method the entry point darker = package:darker has no card of type MethodCard"),
        ("other", None, "leads to a method named 'darker'; the entry point must have that name"),
    ],
)
def test_a_broken_entry_point_is_explained(darker, install, name, load, message):
    install("uaabench.methods", (name, load or (lambda: darker)))
    with pytest.raises(UsageError, match=message):
        registry.method_cards()


def test_only_what_may_be_edited_has_a_source(plugin):
    registry.load_plugin(plugin)
    assert registry.source_of("method", "average") == registry.source_of("metric", "EN") == ""
    assert registry.source_of("method", "darker") == registry.source_of("metric", "Brightness") != ""
    with pytest.raises(UsageError, match="no data set 'msr'"):
        registry.source_of("dataset", "msr")


def test_the_classes_of_a_plugin_can_be_read_back(plugin):
    registry.load_plugin(plugin)
    assert "return y / 2" in inspect.getsource(registry.method_class("darker"))
