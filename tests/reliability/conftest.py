"""Small runs to be attacked: two trivial methods, one metric, four pairs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from uaabench.core import registry


@pytest.fixture
def run(uaabench: Callable, pair_folder: Path, tmp_path: Path) -> Callable:
    """Run average and maximum on the four pairs, scored by EN, into `R`; what is given comes on top or instead."""

    def call(*extra: object, methods: str = "average,maximum", datasets: str = "", out: str = "R"):
        words = ("--methods", methods, "--datasets", datasets or f"own={pair_folder}", "--out", tmp_path / out)
        return uaabench("run", "--no-floor", "--metrics", "EN", "--segmenter", "none", *words, *extra)

    return call


@pytest.fixture
def unit(tmp_path: Path) -> Callable[[str, str], Path]:
    """The one folder of a stage and method in `R`."""

    def find(stage: str, method: str) -> Path:
        (folder,) = (tmp_path / "R" / stage / "own" / "all").glob(f"{method}-*")
        return folder

    return find


@pytest.fixture
def forget_plugins(tmp_path: Path) -> Callable[[], None]:
    """Forget the plug-ins that were loaded, as a new process would not know them."""

    def forget() -> None:
        registry._plugins.clear()
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
                del sys.modules[name]

    return forget
