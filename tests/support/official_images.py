"""Golden images of authors' code that lie in `tests/baselines/goldens`: of which scenes, and in which files.

Images of the demo's scenes may lie there; of pairs of others only hashes and differences do. Where a checkpoint may not
lie beside the tests, the authors' network was given drawn parameters. `benchmarks/official_scenes.py` writes scenes and
parameters for the authors' code, and keeps what that made of them.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from uaabench.core import imaging
from uaabench.core.arrays import ByteImage
from uaabench.datasets.demo.render import render
from uaabench.datasets.demo.scene import compose

GOLDENS = Path(__file__).resolve().parents[1] / "baselines" / "goldens"
# Beside them: of pairs of others, the hash, mean and standard deviation of the authors' image, and how far ours is off.
REAL_PAIRS = "real_pairs.csv"
# Two levels at more than a few pixels are another computation.
NEXT = 0.9999
# By the names of their images: numbers of scenes of the demo's test split, one by day and one by night.
SCENES = {"demo_day": 65, "demo_night": 66}
# What their many blocks add up to would leave the range of a sigmoid.
GAINS = {"cddfuse": 0.5, "emma": 0.5}
# Dimensions of the weights of a convolution.
CONVOLUTION = 4
# A part of each with an odd number of rows and columns, which shows how a network pads.
PART = (slice(60, 181), slice(80, 243))
# What the authors' code of others can fuse, patches of 128x128 or an even width; and less for those that take long.
SMALL = (slice(100, 165), slice(120, 219))
PARTS = {
    "cddfuse": SMALL,
    "emma": SMALL,
    "mufusion": (slice(40, 203), slice(40, 292)),
    "sfdfusion": (slice(60, 181), slice(80, 242)),
}


def scene(name: str, method: str = "") -> tuple[ByteImage, ByteImage]:
    """The infrared (H,W) and visible image (H,W,3) of a golden scene, of 121x163 pixels but for `PARTS`."""
    ir, vi, _ = render(compose(SCENES[name]))
    part = PARTS.get(method, PART)
    return ir[part].copy(), vi[part].copy()


def agree(fused: ByteImage, golden: ByteImage, equal: float) -> None:
    """Assert that all but a few pixels are within a grey level of the golden image, and more than `equal` equal it."""
    height, width = golden.shape[:2]  # some scripts cut odd sides
    difference = np.abs(fused[:height, :width].astype(int) - golden)
    assert (difference == 0).mean() > equal
    assert (difference <= 1).mean() > NEXT


def golden_file(method: str) -> Path:
    """Where the images of a method's authors' code are kept, one array for each of `SCENES`."""
    return GOLDENS / f"{method}.npz"


def as_saved(path: Path) -> ByteImage:
    """An image as it was saved: grey (H,W) or RGB (H,W,3)."""
    saved = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return imaging.read_grey(path) if saved.ndim == 2 else imaging.read_rgb(path)


def entries_file(method: str) -> Path:
    """Where the names and shapes of the authors' checkpoint are kept, of a method with drawn parameters."""
    return GOLDENS / f"{method}.json"


def drawn(entries: Mapping[str, list[int]], gain: float = 1.0) -> dict[str, Tensor]:
    """Parameters by name and shape, each drawn from a generator that its name seeds, as large as in trained ones.

    Args:
        entries: Names and shapes.
        gain: By how much a convolution strengthens features.
    """
    return {name: torch.from_numpy(_values(name, shape, gain)) for name, shape in entries.items()}


def drawn_state(method: str) -> dict[str, Tensor]:
    """The drawn parameters of a method under the names of the authors' checkpoint."""
    return drawn(json.loads(entries_file(method).read_text(encoding="utf-8")), GAINS.get(method, 1.0))


def _values(name: str, shape: list[int], gain: float) -> np.ndarray:
    if name.endswith(("num_batches_tracked", "index")):
        return np.zeros(shape, np.int64)
    noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    if len(shape) > CONVOLUTION:  # a table of results, not weights of a sum
        values = 0.5 + 0.2 * noise
    elif len(shape) > 1:
        values = gain * noise / np.sqrt(np.prod(shape[1:]))
    elif name.endswith("running_var"):
        values = 1 + 0.1 * np.abs(noise)
    elif name.endswith("weight"):
        values = 1 + 0.1 * noise
    else:
        values = 0.1 * noise
    return np.asarray(values, np.float32)
