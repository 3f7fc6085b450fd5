"""How far the images of each learned baseline are from those of its authors' code, on the same checkpoint.

    python benchmarks/official.py GOLDEN WEIGHTS [METHOD...]

GOLDEN holds a folder for each method with the images its authors' code saved, and `sources/`; WEIGHTS the checkpoints.
Prints, for each method and pair, the largest difference in grey levels, the share of pixels within one level, and the
share of equal ones; of methods whose golden images lie in the tests, these are of images as saved, and kept there with
the hash of the authors' image. Res2Fusion takes minutes for each pair.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from pathlib import Path

import numpy as np
import torch

from uaabench.core import imaging, registry

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from official_images import GOLDENS, REAL_PAIRS, as_saved, golden_file

FILES = {
    "auif": "AUIF",
    "datfuse": "DATFuse/model_10.pth",
    "densefuse": "DenseFuse/densefuse_gray.model",
    "didfuse": "DIDFuse",
    "fuse87": "Fuse87/Fuse87_b4_lr1e-2_ep50_lf0.1_recons2.pth",
    "ifcnn": "IFCNN/IFCNN-MAX.pth",
    "gifnet": "GIFNet/Final.model",
    "itfuse": "ITFuse/model.pth",
    "lrrnet": "LRRNet/final_lrr_net_lam2_1.5_wir_3.0_lam3_gram_2000_epoch_4_block_4.model",
    "lutfuse": "LUTFuse",
    "mmdrfuse": "MMDRFuse/student.model",
    "mufusion": "MUFusion/TNO.model",
    "mufusion@roadscene": "MUFusion/RoadScene.model",
    "reconet": "ReCoNet/params.pth",
    "refusion": "ReFusion/ReFusion_IVIF.pth",
    "sage": "SAGE/checkpoints.pt",
    "seafusion": "SeAFusion/SeAFusion.pth",
    "sfdfusion": "SFDFusion/model-1_1_10_1.pth",
    "ship": "SHIP/SHIP_model.pth",
    "siba": "SIBA/SIBA_epoch60.pth",
    "ydtr": "YDTR/model_10.pth",
    "res2fusion": "Res2Fusion/Final_epoch_4_1e3.model",
}
# IFCNN's published images were made with the normalisation that its script leaves out.
VARIANTS = {"ifcnn": "imagenet_norm", "mufusion@roadscene": "roadscene"}
COLUMNS = ["method", "pair", "sha256", "mean", "deviation", "largest", "within_1", "equal"]


def fused(golden: Path, method, pair: str) -> np.ndarray:
    """The image of a pair, (H,W) or (H,W,3)."""
    folder = golden / "sources" / pair
    ir, vi = imaging.read_grey(folder / "ir.png"), imaging.read_rgb(folder / "vi.png")
    with torch.no_grad():
        return imaging.quantise(method.fuse(imaging.to_tensor(ir), imaging.to_tensor(vi)))[0]


def compare(name: str, pair: str, found: np.ndarray, expected: np.ndarray) -> list[object]:
    """Print a row of the table, and return it as it is kept."""
    height, width = expected.shape[:2]  # some scripts cut odd sides
    difference = np.abs(found[:height, :width].astype(int) - expected)
    near, equal = (difference <= 1).mean(), (difference == 0).mean()
    print(f"{name:12}{pair:14}{difference.max():8}{near:11.6f}{equal:9.4f}", flush=True)
    facts = [hashlib.sha256(expected.tobytes()).hexdigest(), f"{expected.mean():.4f}", f"{expected.std():.4f}"]
    return [name, pair, *facts, difference.max(), f"{near:.6f}", f"{equal:.4f}"]


def keep(rows: list[list[object]]) -> None:
    """Put rows in the place of those of the same method and pair among the kept ones."""
    path = GOLDENS / REAL_PAIRS
    kept = {}
    if path.is_file():
        with path.open(encoding="utf-8") as file:
            kept = {(row[0], row[1]): row for row in list(csv.reader(file))[1:]}
    kept |= {(row[0], row[1]): row for row in rows}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([COLUMNS, *(kept[key] for key in sorted(kept))])


def main(golden: Path, weights: Path, names: list[str]) -> None:
    """Print the table."""
    print(f"{'method':12}{'pair':14}{'largest':>8}{'within 1':>11}{'equal':>9}")
    for name in names or FILES:
        kept = golden_file(name.partition("@")[0]).is_file()
        method = registry.method_class(name.partition("@")[0])()
        method.load(weights / FILES[name], torch.device("cpu"))
        folder = golden / Path(FILES[name]).parts[0] / VARIANTS.get(name, "")
        rows = []
        for source in sorted((golden / "sources").iterdir()):
            image = folder / f"{source.name}.png"
            if not image.is_file():
                continue
            found = fused(golden, method, source.name)
            if kept:
                rows.append(compare(name, source.name, found, as_saved(image)))
            else:
                grey = imaging.grey(found) if found.ndim == 3 else found
                compare(name, source.name, grey, imaging.read_grey(image))
        if rows:
            keep(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
