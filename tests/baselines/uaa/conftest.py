"""The golden run of the released modules, and its checkpoint in their layout."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch


@pytest.fixture(scope="session")
def golden(shared):
    """Golden arrays of the released modules in float64."""
    return np.load(shared / "oracle" / "uaa" / "uaa_golden.npz")


@pytest.fixture(scope="session")
def checkpoint_path(shared, tmp_path_factory) -> Path:
    """A file in the layout of the release with the parameters of the golden run."""
    spec = importlib.util.spec_from_file_location("golden", Path(__file__).with_name("golden.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path = tmp_path_factory.mktemp("uaa") / "released.pth"
    torch.save(module.golden_checkpoint(shared / "oracle" / "uaa"), path)
    return path
