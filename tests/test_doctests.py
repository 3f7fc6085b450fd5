"""The examples in the docstrings hold."""

import doctest
import importlib
import pkgutil

import pytest

PACKAGES = ("uaabench", "uaabench.baselines", "uaabench.datasets")


def module_names():
    # The sub-packages lie in folders of their own in a checkout, so each is walked by itself.
    for package in PACKAGES:
        folder = importlib.import_module(package).__path__
        yield from {module.name for module in pkgutil.walk_packages(folder, f"{package}.")}


@pytest.mark.parametrize("name", sorted(set(module_names())))
def test_the_examples_of_a_module_hold(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
