"""The page docs/published.md has the tables that the command makes."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture
def maker():
    spec = importlib.util.spec_from_file_location("make_published", DOCS / "make_published.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_of_the_page_are_those_of_the_command(maker):
    assert maker.PAGE.read_text(encoding="utf-8") == maker.page(), "run: python docs/make_published.py"


def test_a_page_without_its_marks_is_refused_and_left_as_it_is(maker, tmp_path):
    maker.PAGE = tmp_path / "page.md"
    maker.PAGE.write_text("no marks")
    with pytest.raises(ValueError, match="does not have the marks of papers once"):
        maker.page()
    assert maker.PAGE.read_text() == "no marks"
