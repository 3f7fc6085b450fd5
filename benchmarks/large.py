"""Memory and time that metrics or methods take for one large pair, each selection in a process of its own.

    python benchmarks/large.py [HEIGHT WIDTH] [--profile NAME] [--metrics NAME...]
    python benchmarks/large.py HEIGHT WIDTH --methods densefuse ifcnn

The sources are smooth noise, the visible one in colour, the fused image their average. Printed are the most memory that
the process had at any time, with Python, the libraries and the images themselves, and the seconds from the images in
memory to the values or to the fused image; for the default metrics, and for each metric of the profile. A method is
measured in strips, as its card allows, and on the whole image.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from uaabench.core import strips
from uaabench.core.arrays import ByteImage
from uaabench.core.interface import Pair, Sources
from uaabench.methods.fusing import make_fuser
from uaabench.methods.named import plan_method
from uaabench.metrics.profiles import profile

NAMES = ("fused", "ir", "vi")


def write_pair(folder: Path, height: int, width: int) -> None:
    """Two sources and their average as arrays of 8 bit."""
    generator = np.random.default_rng(0)
    channels = []
    for _ in range(4):
        noise = cv2.GaussianBlur(generator.normal(size=(height, width)).astype(np.float32), (0, 0), 3)
        channels.append(np.clip(128 + 60 * noise / noise.std(), 0, 255).astype(np.uint8))
    ir, vi = channels[0], np.dstack(channels[1:])
    for name, image in zip(NAMES, (vi // 2 + ir[..., None] // 2, ir, vi), strict=True):
        np.save(folder / f"{name}.npy", image)


def peak_gigabytes() -> float:
    """The most memory that this process had; not by getrusage, which counts that of the process it was made from."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e9


def score(folder: Path, name: str, metrics: list[str]) -> None:
    """Score the pair and print what it took."""
    cv2.setNumThreads(1)
    convention = profile(name)
    fused, ir, vi = (np.load(folder / f"{image}.npy") for image in NAMES)
    chosen = convention.select(metrics or None)
    start = time.perf_counter()
    values = convention.score(fused, Sources(ir, vi), chosen)
    seconds = time.perf_counter() - start
    said = " ".join(f"{value.metric}={value.value:.12g}" for value in values)
    print(f"{', '.join(value.metric for value in values):28} {peak_gigabytes():6.2f} GB {seconds:7.1f} s   {said}")


def fuse(folder: Path, name: str, whole: bool) -> None:
    """Fuse the pair and print what it took."""
    import torch

    torch.set_num_threads(1)
    if whole:
        strips.WHOLE_PIXELS = sys.maxsize
    ir, vi = (np.load(folder / f"{image}.npy") for image in NAMES[1:])
    fuser = make_fuser(plan_method(name), device="cpu")
    start = time.perf_counter()
    fused = fuser(Pair("0", folder, folder), Sources(ir, vi))
    seconds, peak = time.perf_counter() - start, peak_gigabytes()
    print(f"{name:20} {'whole' if whole else 'strips':7} {peak:6.2f} GB {seconds:7.1f} s   sha256 {digest(fused)}")


def digest(image: ByteImage) -> str:
    """The first digits of the hash of an image's bytes."""
    return hashlib.sha256(image.tobytes()).hexdigest()[:12]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", nargs="*", type=int, help="height and width")
    parser.add_argument("--profile", default="cddfuse")
    parser.add_argument("--metrics", nargs="*", default=[])
    parser.add_argument("--methods", nargs="*", default=[])
    parser.add_argument("--whole", action="store_true", help="fuse the whole image; set by the script itself")
    parser.add_argument("--pair", type=Path, help="folder of a pair that was written; set by the script itself")
    given = parser.parse_args()
    if given.pair and given.methods:
        fuse(given.pair, given.methods[0], given.whole)
        return
    if given.pair:
        score(given.pair, given.profile, given.metrics)
        return
    height, width = given.size or (4000, 6000)
    print(f"{height}x{width}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    metrics = [[], *([name] for name in given.metrics or profile(given.profile).metrics)]
    of_metrics = [["--profile", given.profile, "--metrics", *chosen] for chosen in metrics]
    of_methods = [["--methods", name, *whole] for name in given.methods for whole in ([], ["--whole"])]
    with tempfile.TemporaryDirectory() as folder:
        write_pair(Path(folder), height, width)
        for chosen in of_methods or of_metrics:
            command = [sys.executable, __file__, "--pair", folder, *chosen]
            subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


if __name__ == "__main__":
    main()
