"""Plugin files import what lies beside them, and all of that is known by its hash."""

import pytest

from uaabench.core import registry
from uaabench.core.errors import UsageError

METHOD = """
from uaabench.core.interface import LuminanceMethod, MethodCard

class Method(LuminanceMethod):
    card = MethodCard(name="NAME", title="T", kind="classical", version=1, summary="s")

    def fuse_luminance(self, ir, y):
        return FACTOR * y
"""


def write(path, head="FACTOR = 1", name="mine"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{head}\n{METHOD.replace('NAME', name)}")
    return path


def source_after(path, file, content):
    """The source of a plugin as a later process sees it, after a file was written."""
    registry._plugins.clear()
    file.write_text(content)
    return registry.plugin_sources(path)


@pytest.mark.parametrize(
    ("head", "files"),
    [
        ("from helper import FACTOR", {"helper.py": "FACTOR = 1"}),
        ("import helper; FACTOR = 1", {"helper.py": "from deeper import x", "deeper.py": "x = 1"}),
        ("from pack.part import FACTOR", {"pack/__init__.py": "", "pack/part.py": "FACTOR = 1"}),
        ("from pack import FACTOR", {"pack/__init__.py": "from .part import FACTOR", "pack/part.py": "FACTOR = 1"}),
        ("from pack import part; FACTOR = 1", {"pack/__init__.py": "", "pack/part.py": "x = 1"}),
        ("from pack.a.b import FACTOR", {"pack/a/b.py": "from ..c import FACTOR", "pack/c.py": "FACTOR = 1"}),
        ("from importlib import import_module\nFACTOR = import_module('helper').F", {"helper.py": "F = 1"}),
        ("def late():\n    import helper\nFACTOR = 1", {"helper.py": "x = 1"}),
        ("try:\n    import helper\nexcept ImportError:\n    pass\nFACTOR = 1", {"helper.py": "import nowhere"}),
    ],
)
def test_what_a_plugin_imports_from_beside_it_is_part_of_its_source(tmp_path, head, files):
    plugin = write(tmp_path / "mine.py", head)
    for name, content in {**files, "unrelated.py": "x = 1"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    registry.load_plugin(plugin)
    sources = registry.plugin_sources(plugin)
    assert sources.keys() == {"mine.py", *files}
    assert len(registry.source_of("method", "mine")) == 64
    for name, content in files.items():
        if "import_module" not in head:  # what no import statement names is known of a plugin that was loaded
            changed = source_after(plugin, tmp_path / name, f"{content}\n# changed")
            assert {file for file in sources if sources[file] != changed[file]} == {name}
            source_after(plugin, tmp_path / name, content)


def test_the_source_is_the_same_in_another_folder_and_before_loading(tmp_path):
    for folder in ("a", "b"):
        write(tmp_path / folder / "mine.py", "FACTOR = 1\ndef late():\n    import helper")
        (tmp_path / folder / "helper.py").write_text("x = 1")
    before = registry.plugin_sources(tmp_path / "a" / "mine.py")
    registry.load_plugin(tmp_path / "a" / "mine.py")
    assert registry.plugin_sources(tmp_path / "a" / "mine.py") == before
    assert registry.plugin_sources(tmp_path / "b" / "mine.py") == before


def test_plugins_of_one_file_name_are_modules_of_their_own(tmp_path):
    for name in ("a", "b"):
        registry.load_plugin(write(tmp_path / name / "plugin.py", f"FACTOR = '{name}' and 1", name))
    first, second = registry.method_class("a"), registry.method_class("b")
    assert first.__module__ != second.__module__
    assert first.card.name == "a"


def test_files_of_one_name_beside_two_plugins_are_not_mistaken_for_each_other(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / name / f"{name}.py", "from helper import FACTOR", name)
        (tmp_path / name / "helper.py").write_text("FACTOR = 1")
    registry.load_plugin(tmp_path / "a" / "a.py")
    with pytest.raises(
        UsageError, match=rf"imports 'helper', and {tmp_path}/b/helper.py lies .* {tmp_path}/a/helper.py"
    ):
        registry.load_plugin(tmp_path / "b" / "b.py")


def test_a_file_beside_a_plugin_does_not_hide_an_installed_module(tmp_path):
    plugin = write(tmp_path / "mine.py", "import json; FACTOR = 1")
    (tmp_path / "json.py").write_text("x = 1")
    with pytest.raises(UsageError, match=r"imports 'json', and .* but that name already means"):
        registry.load_plugin(plugin)
    (tmp_path / "json.py").rename(tmp_path / "other.py")
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "data.py").write_text("")
    assert registry.load_plugin(plugin) == ["mine"]
    assert registry.plugin_sources(plugin).keys() == {"mine.py"}


def test_the_harness_is_no_part_of_a_plugin_beside_it(tmp_path):
    plugin = write(tmp_path / "mine.py")
    (tmp_path / "uaabench").mkdir()
    (tmp_path / "uaabench" / "__init__.py").write_text("")
    assert registry.load_plugin(plugin) == ["mine"]
    assert registry.plugin_sources(plugin).keys() == {"mine.py"}


def test_an_edit_within_one_second_is_not_hidden_by_bytecode(tmp_path):
    plugin = write(tmp_path / "mine.py", "from helper import FACTOR")
    (tmp_path / "helper.py").write_text("FACTOR = 1")
    registry.load_plugin(plugin)
    assert not list(tmp_path.rglob("*.pyc"))
