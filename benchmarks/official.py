"""How far the images of each learned baseline are from those of its authors' code, on the same checkpoint.

    python benchmarks/official.py GOLDEN WEIGHTS [METHOD...]

GOLDEN holds a folder for each method with the images its authors' code saved, and `sources/`; WEIGHTS the checkpoints.
Prints, for each method and pair, the largest difference in grey levels, the share of pixels within one level, and the
share of equal ones. Res2Fusion takes minutes for each pair.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from uaabench.core import imaging, registry

FILES = {
    "auif": "AUIF",
    "datfuse": "DATFuse/model_10.pth",
    "densefuse": "DenseFuse/densefuse_gray.model",
    "didfuse": "DIDFuse",
    "ifcnn": "IFCNN/IFCNN-MAX.pth",
    "lrrnet": "LRRNet/final_lrr_net_lam2_1.5_wir_3.0_lam3_gram_2000_epoch_4_block_4.model",
    "mmdrfuse": "MMDRFuse/student.model",
    "reconet": "ReCoNet/params.pth",
    "refusion": "ReFusion/ReFusion_IVIF.pth",
    "seafusion": "SeAFusion/SeAFusion.pth",
    "ship": "SHIP/SHIP_model.pth",
    "ydtr": "YDTR/model_10.pth",
    "res2fusion": "Res2Fusion/Final_epoch_4_1e3.model",
}
# IFCNN's published images were made with the normalisation that its script leaves out.
VARIANTS = {"ifcnn": "imagenet_norm"}


def difference(golden: Path, method, folder: str, pair: str) -> np.ndarray:
    """Absolute differences in grey levels on one pair."""
    ir, vi = (
        imaging.read_grey(golden / "sources" / pair / "ir.png"),
        imaging.read_rgb(golden / "sources" / pair / "vi.png"),
    )
    with torch.no_grad():
        fused = imaging.quantise(method.fuse(imaging.to_tensor(ir), imaging.to_tensor(vi)))[0]
    grey = imaging.grey(fused) if fused.ndim == 3 else fused
    return np.abs(grey.astype(int) - imaging.read_grey(golden / folder / f"{pair}.png").astype(int))


def main(golden: Path, weights: Path, names: list[str]) -> None:
    """Print the table."""
    print(f"{'method':12}{'pair':14}{'largest':>8}{'within 1':>11}{'equal':>9}")
    for name in names or FILES:
        method = registry.method_class(name)()
        method.load(weights / FILES[name], torch.device("cpu"))
        folder = str(Path(FILES[name]).parts[0]) + "/" + VARIANTS.get(name, "")
        for source in sorted((golden / "sources").iterdir()):
            if not (golden / folder / f"{source.name}.png").is_file():
                continue
            found = difference(golden, method, folder, source.name)
            near, equal = (found <= 1).mean(), (found == 0).mean()
            print(f"{name:12}{source.name:14}{found.max():8}{near:11.6f}{equal:9.4f}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
