"""The demo's scenes for the code of a method's authors, and what that made of them as golden images of the tests.

    python benchmarks/official_scenes.py write FOLDER
    python benchmarks/official_scenes.py keep METHOD FOLDER

The first writes FOLDER/ir/NAME.png and FOLDER/vi/NAME.png. The authors' code fuses them, with its own weights and its
own script for testing; the second keeps the images that it saved, FOLDER/NAME.png in colour.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from uaabench.core import imaging

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from official_images import SCENES, golden_file, scene


def write(folder: Path) -> None:
    """Write the sources."""
    for name in SCENES:
        for kind, image in zip(("ir", "vi"), scene(name), strict=True):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            imaging.write_png(folder / kind / f"{name}.png", image)


def keep(method: str, folder: Path) -> None:
    """Keep the images of the authors' code."""
    images = {name: imaging.read_rgb(folder / f"{name}.png") for name in SCENES}
    golden_file(method).parent.mkdir(exist_ok=True)
    np.savez_compressed(golden_file(method), **images)
    print(f"Written: {golden_file(method)}")


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]))
    else:
        keep(sys.argv[2], Path(sys.argv[3]))
