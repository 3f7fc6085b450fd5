"""The demo's scenes for the code of a method's authors, and what that made of them as golden images of the tests.

    python benchmarks/official_scenes.py write METHOD FOLDER
    python benchmarks/official_scenes.py keep METHOD FOLDER
    python benchmarks/official_scenes.py draw METHOD CHECKPOINT FILE

The first writes FOLDER/ir/NAME.png and FOLDER/vi/NAME.png. The authors' code fuses them, with its own weights and its
own script for testing; the second keeps the images that it saved, FOLDER/NAME.png. For a checkpoint that is not among
the development data, the third writes a FILE with drawn parameters of the same names and shapes, which it keeps; the
authors' code is run with that file instead.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

from uaabench.baselines.network import read_state
from uaabench.core import imaging

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from official_images import SCENES, as_saved, drawn_state, entries_file, golden_file, scene


def write(method: str, folder: Path) -> None:
    """Write the sources."""
    for name in SCENES:
        for kind, image in zip(("ir", "vi"), scene(name, method), strict=True):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            imaging.write_png(folder / kind / f"{name}.png", image)


def keep(method: str, folder: Path) -> None:
    """Keep the images of the authors' code."""
    np.savez_compressed(golden_file(method), **{name: as_saved(folder / f"{name}.png") for name in SCENES})
    print(f"Written: {golden_file(method)}")


def draw(method: str, checkpoint: Path, file: Path) -> None:
    """Keep the names and shapes of a checkpoint, and write one like it with drawn parameters."""
    shapes = {name: list(value.shape) for name, value in read_state(checkpoint, method).items()}
    entries_file(method).write_text(json.dumps(shapes, indent=0) + "\n", encoding="utf-8")
    torch.save(drawn_state(method), file)
    print(f"Written: {entries_file(method)}, {file}")


if __name__ == "__main__":
    command, method, *paths = sys.argv[1:]
    {"write": write, "keep": keep, "draw": draw}[command](method, *map(Path, paths))
