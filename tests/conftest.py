"""Fixtures for all tests."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the development data beside the checkout; the test is skipped where there is none."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the development data in {SHARED.name}/ beside the checkout")
    return SHARED


@pytest.fixture(autouse=True)
def _private_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's own data folder and weights store out of the tests."""
    monkeypatch.setenv("UAABENCH_HOME", str(tmp_path_factory.getbasetemp() / "home"))
    monkeypatch.delenv("UAABENCH_DATA", raising=False)
