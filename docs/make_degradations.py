"""Draws docs/images/degradations.webp: a pair of the demo set under each corruption, at three strengths.

python docs/make_degradations.py
"""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from uaabench.core import paths, registry
from uaabench.core.arrays import ByteImage
from uaabench.core.interface import Sources
from uaabench.degradations import CORRUPTIONS, Corruption, parse

PICTURE = Path(__file__).parent / "images" / "degradations.webp"
# A scene by day, which darkness and fog have something to take from.
PAIR = 10
STRENGTHS = {"jpeg": (25, 15, 7), "shift": (2, 4, 8), "drop-ir": (0,)}
QUALITY = 55


def rows(clean: Sources) -> list[tuple[str, list[tuple[str, ByteImage]]]]:
    """For each corruption and source its heading, and images with what stands above each."""
    found = []
    for entry in CORRUPTIONS.values():
        # The visible image says most; what only infrared can have is shown there.
        source = "vi" if "vi" in entry.sources else "ir"
        images = [("clean" if source == "vi" else "clean, infrared", getattr(clean, source))]
        for strength in STRENGTHS.get(entry.name, (1, 3, 5)):
            text = _text(entry, strength)
            images.append((text, getattr(parse(text).apply(clean, "demo", str(PAIR)), source)))
        found.append((entry.title, images))
    return found


def _text(entry: Corruption, strength: int) -> str:
    return f"{entry.name}:{strength}{entry.unit}" if entry.strengths else entry.name


def draw(clean: Sources) -> Image.Image:
    """The picture: a row for each corruption."""
    shown = rows(clean)
    height, width = clean.ir.shape
    figure = Figure(figsize=(8, 2 * len(shown) * height / width + 1.6), layout="constrained", dpi=100)
    axes = figure.subplots(len(shown), 4)
    for line, (title, images) in zip(axes, shown, strict=True):
        for place in line:
            place.set_axis_off()
        for place, (name, image) in zip(line, images, strict=False):
            place.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
            place.set_title(f"{title}: {name}" if place is line[0] else name, fontsize=8, pad=2, loc="left")
    png = io.BytesIO()
    figure.savefig(png, format="png", facecolor="white")
    return Image.open(png).convert("RGB")


def main() -> None:
    """Write the picture."""
    adapter = registry.dataset_class("demo")
    root = adapter.locate(paths.data_folder())
    if root is None:
        raise SystemExit("The demo set is not there.")
    dataset = adapter(root)
    pair = dataset.pairs(adapter.card.default_split)[PAIR]
    picture = draw(dataset.read(pair))
    picture.save(PICTURE, quality=QUALITY, method=6)
    print(f"{PICTURE}: {picture.size[0]}x{picture.size[1]}, {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
