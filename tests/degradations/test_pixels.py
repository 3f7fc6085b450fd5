"""Degraded images are the same on any machine: their hashes are pinned, whatever instructions a processor has."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numpy._core import _multiarray_umath as numpy_core

import degraded_pixels

HERE = Path(degraded_pixels.__file__)


@pytest.fixture(scope="module")
def found():
    return degraded_pixels.hashes()


@pytest.mark.parametrize("text", degraded_pixels.texts())
def test_pixels_are_the_pinned_ones(text, found):
    clean = degraded_pixels.pair()
    assert (clean.ir.min(), clean.ir.max(), clean.vi.min(), clean.vi.max()) == (0, 255, 0, 255)
    assert degraded_pixels.pinned()[text] == found[text]


def test_every_pinned_hash_is_of_another_image():
    pinned = degraded_pixels.pinned()
    assert list(pinned) == degraded_pixels.texts()
    assert len(set(pinned.values())) == len(pinned)


def test_pixels_do_not_depend_on_the_instructions_of_the_processor():
    optional = [name for name in numpy_core.__cpu_dispatch__ if numpy_core.__cpu_features__.get(name)]
    plain = {
        "NPY_DISABLE_CPU_FEATURES": " ".join(optional),
        "OPENCV_CPU_DISABLE": "SSE4_1,SSE4_2,AVX,FP16,AVX2,AVX512-SKX",
        "JSIMD_FORCENONE": "1",
        "OPENCV_IPP": "disabled",
    }
    printed = subprocess.run(
        [sys.executable, str(HERE)], env={**os.environ, **plain}, capture_output=True, text=True, check=True
    ).stdout
    assert {row["degradation"]: row["sha256"] for row in csv.DictReader(printed.splitlines())} == (
        degraded_pixels.pinned()
    )
