"""Golden images of authors' code that lie in `tests/baselines/goldens`: of which scenes, and in which files.

Images of the demo's scenes may lie there; of pairs of others only hashes and differences do. `benchmarks/official.py`
writes the scenes for the authors' code, and keeps what that made of them.
"""

from __future__ import annotations

from pathlib import Path

from uaabench.core.arrays import ByteImage
from uaabench.datasets.demo.render import render
from uaabench.datasets.demo.scene import compose

GOLDENS = Path(__file__).resolve().parents[1] / "baselines" / "goldens"
# Beside them: of pairs of others, the hash, mean and standard deviation of the authors' image, and how far ours is off.
REAL_PAIRS = "real_pairs.csv"
# By the names of their images: numbers of scenes of the demo's test split, one by day and one by night.
SCENES = {"demo_day": 65, "demo_night": 66}
# A part of each with an odd number of rows and columns, which shows how a network pads.
PART = (slice(60, 181), slice(80, 243))


def scene(name: str) -> tuple[ByteImage, ByteImage]:
    """The infrared (121,163) and visible image (121,163,3) of a golden scene."""
    ir, vi, _ = render(compose(SCENES[name]))
    return ir[PART].copy(), vi[PART].copy()


def golden_file(method: str) -> Path:
    """Where the images of a method's authors' code are kept, one array for each of `SCENES`."""
    return GOLDENS / f"{method}.npz"
