"""Fixtures for all tests."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
import torch
from hypothesis import settings

from uaabench.core import registry

# The same examples on every machine and in every run, however slow it is: a change must not be refused by chance.
settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.load_profile("reproducible")

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


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    """Keep the number of threads that a test or a run sets out of the others."""
    threads = torch.get_num_threads(), cv2.getNumThreads()
    yield
    torch.set_num_threads(threads[0])
    cv2.setNumThreads(threads[1])


@pytest.fixture
def one_thread() -> None:
    """What a training promises bit for bit, it promises for one thread: several may share a sum out in other ways."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _no_plugins_left(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the plugins that a test loads, and what they import from beside them, out of the others."""
    monkeypatch.setattr(registry, "_plugins", {})
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(os, "_exit", os._exit)
    yield
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path_factory.getbasetemp())):
            del sys.modules[name]


def draw_pair(seed: int, height: int = 48, width: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """A small textured infrared image and an RGB one, different for every seed."""
    generator = np.random.default_rng(seed)
    ir = cv2.GaussianBlur(generator.integers(0, 256, (height, width), np.uint8), (5, 5), 1.5)
    vi = cv2.GaussianBlur(generator.integers(0, 256, (height, width, 3), np.uint8), (3, 3), 1.0)
    return ir, vi


@pytest.fixture
def pair_folder(tmp_path: Path) -> Path:
    """A generic data set of four pairs `0` to `3`: the folders ir/ and vi/."""
    root = tmp_path / "pairs"
    for number in range(4):
        ir, vi = draw_pair(number)
        for name, image in (("ir", ir), ("vi", vi)):
            (root / name).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(root / name / f"{number}.png"), image)
    return root


@pytest.fixture
def labelled(pair_folder: Path) -> Path:
    """The pairs of `pair_folder`, with label maps of the classes of MSRS: the number of the pair everywhere."""
    (pair_folder / "labels").mkdir()
    for number in range(4):
        cv2.imwrite(str(pair_folder / "labels" / f"{number}.png"), np.full((48, 64), number, np.uint8))
    return pair_folder


class CommandResult(NamedTuple):
    """What a command line left: exit code, standard output and standard error."""

    code: int
    out: str
    err: str


@pytest.fixture
def uaabench(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., CommandResult]:
    """Run the command line in this process: `uaabench("list", "methods").out`."""

    def call(*arguments: object, columns: int = 200) -> CommandResult:
        from uaabench.cli.main import main

        monkeypatch.setattr(sys, "argv", ["uaabench", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", str(columns))
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            sys.exit(main())
        # Where a continuous integration forces colours upon typer, they are no part of what is said.
        out, err = (re.sub(r"\x1b\[[0-9;]*m", "", text) for text in capsys.readouterr())
        return CommandResult(int(stop.value.code or 0), out, err)

    return call


@pytest.fixture
def msrs_tree(pair_folder: Path) -> Path:
    """A data root with an MSRS of four training pairs of 48x64, labelled 0 on the left and 1 or 2 on the right."""
    train = pair_folder / "MSRS" / "train"
    for name in ("ir", "vi"):
        (train / name).mkdir(parents=True)
        for file in sorted((pair_folder / name).iterdir()):
            file.rename(train / name / f"0000{file.stem}D.png")
    (train / "Segmentation_labels").mkdir()
    for number in range(4):
        label = np.zeros((48, 64), np.uint8)
        label[:, 32:] = 1 + number % 2
        cv2.imwrite(str(train / "Segmentation_labels" / f"0000{number}D.png"), label)
    return pair_folder
