"""Imports go one way: no module imports itself by a detour, packages form layers, and starting is cheap."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from uaabench.core import registry
from uaabench.metrics.profiles import PROFILES

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def layout():
    """The module that draws the imports."""
    spec = importlib.util.spec_from_file_location("make_layout", DOCS / "make_layout.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_layout"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def imports(layout):
    return layout.read_imports()


def test_no_modules_import_each_other(layout, imports):
    assert layout.circles(imports) == []


def test_every_package_has_a_layer_and_imports_lower_ones_only(layout, imports):
    edges = layout.between_packages(imports)
    assert {package for edge in edges for package in edge} == {name for row in layout.LAYERS for name in row}
    assert layout.upward(edges) == set()


def test_nothing_in_the_harness_imports_a_method_or_a_data_set(imports):
    concrete = ("uaabench.baselines", "uaabench.datasets")
    harness = {name: others for name, others in imports.items() if not name.startswith(concrete)}
    assert [name for name, others in harness.items() for other in others if other.startswith(concrete)] == []


def test_nothing_in_the_harness_names_a_learned_method():
    learned = {card.name for card in registry.method_cards().values() if card.kind == "learned"}
    learned -= PROFILES.keys()  # what is called like a method is the evaluation code of its authors
    naming = {
        path.name
        for path in (DOCS.parent / "uaabench").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in learned
    }
    assert naming == set()


def test_imports_in_functions_and_for_type_checkers_count(layout, tmp_path):
    for folder in layout.FOLDERS:
        (tmp_path / folder / "part").mkdir(parents=True)
    root = tmp_path / "uaabench"
    (root / "part" / "__init__.py").write_text("from uaabench import one")
    (root / "one.py").write_text("def late():\n    from uaabench import two")
    (root / "two.py").write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import uaabench.part.three")
    (root / "part" / "three.py").write_text("from . import x\nfrom ..one import late\nimport json")
    found = layout.read_imports(tmp_path)
    assert found["uaabench.part.three"] == {"uaabench.part", "uaabench.one"}
    modules = ["uaabench.one", "uaabench.part", "uaabench.part.three", "uaabench.two"]
    assert layout.circles(found) == [modules]


def loaded_by(statements: str, heavy: set[str]) -> list[str]:
    """Which of some packages a fresh interpreter has imported after some statements."""
    code = f"import sys; {statements}; print(*{heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize("module", ["uaabench", "uaabench.cli.main", "uaabench.core.registry"])
def test_starting_imports_neither_torch_nor_pandas(module):
    assert loaded_by(f"import {module}", {"torch", "pandas", "matplotlib", "scipy"}) == []


def test_a_run_imports_no_cluster_before_one_is_asked_for():
    assert loaded_by("import uaabench.running.pipeline", {"dask", "distributed", "dask_jobqueue"}) == []


def test_looking_at_the_python_interface_imports_nothing_of_it():
    names = "assert {'run', 'evaluate', 'RunResult', 'Evaluation'} <= set(dir(uaabench))"
    assert loaded_by(f"import uaabench; {names}", {"numpy", "torch", "pandas", "pydantic", "uaabench.api"}) == []
    assert loaded_by("import uaabench; uaabench.run", {"uaabench.api"}) == ["uaabench.api"]
