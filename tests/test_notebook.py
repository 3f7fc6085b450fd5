"""The notebook of the documentation runs from top to bottom, and is kept without what it printed."""

from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

NOTEBOOK = Path(__file__).parents[1] / "docs" / "python.ipynb"


@pytest.fixture
def book():
    return nbformat.read(NOTEBOOK, as_version=4)


def shown(cell) -> str:
    """What a cell shows: the HTML where there is any, else the text."""
    return "".join(
        str(output.get("text") or output["data"].get("text/html") or output["data"]["text/plain"])
        for output in cell.outputs
    )


def test_the_notebook_is_kept_without_outputs(book):
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell for cell in cells if cell.outputs or cell.execution_count] == []


@pytest.mark.slow
def test_the_notebook_runs_and_shows_tables(book, tmp_path):
    pytest.importorskip("ipykernel")
    nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    by_source = {cell.source: shown(cell) for cell in book.cells if cell.cell_type == "code"}

    def of(start: str) -> str:
        return next(text for source, text in by_source.items() if source.startswith(start))

    assert "Laplacian pyramid" in of("result = uaabench.run")
    assert "Profile cddfuse, version" in of("result = uaabench.run")
    assert "no fused image" in of("several = ")
    assert "p_holm" in of("result.versus")
    assert "has the type float64" in of("try:")
    assert "Brighter" in of("(folder /")
    assert "results.html" in of("[path.name")
