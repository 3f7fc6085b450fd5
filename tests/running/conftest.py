"""Fixtures for the tests of runs."""

import shutil

import pytest

from uaabench.running import reference_rows


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """The reference that a module has made, in the place of those of the package."""
    place = shutil.copytree(made / "reference", tmp_path / "reference")
    monkeypatch.setattr(reference_rows, "shipped_folder", lambda: place)
    return place
