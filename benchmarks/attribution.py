"""How fast attribution and unfolding run here against the literal algorithm of the release, and how far apart they are.

    python benchmarks/attribution.py [--data MSRS_TEST] [--threads 2] [--repetitions 3] [--data-step] [--exact]

Timed is the whole forward pass for one pair of 480x640 with the mask given: weights of the sources, then five stages
with attention; released sizes, the deterministic parameters of the golden run, the data step dropped as the release
does unless asked for (with it, the fused image inherits the ill-conditioned attribution). Scenes: a 3x2 tiling of
random images, and five pairs of the MSRS test folder (`ir/`, `vi/`, `Segmentation_labels/`). The literal algorithm runs
once a scene, ours as often as asked for (median), in one process; wall and processor time are given, since only the
latter survives a busy machine. Peak memory is that of a fresh process, everything included.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from attribution_literal import LiteralModel, Result
from attribution_variants import BF16, OURS, VARIANTS, fuse, with_golden_parameters
from torch import Tensor
from torch.nn import functional

from uaabench.baselines.uaa.config import RELEASED
from uaabench.baselines.uaa.model import UAAModel
from uaabench.core import imaging

HEIGHT, WIDTH, SCENES = 480, 640, 5
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
Fuser = Callable[[Tensor, Tensor, Tensor], Result]


@dataclass(frozen=True)
class Scene:
    """A pair (1,1,H,W) and the mask (1,C,H,W) of its regions."""

    name: str
    ir: Tensor
    vi: Tensor
    mask: Tensor

    @property
    def inputs(self) -> tuple[Tensor, Tensor, Tensor]:
        """What is fused."""
        return self.ir, self.vi, self.mask


@dataclass(frozen=True)
class Timing:
    """Median wall and processor seconds, and the result."""

    wall: float
    processor: float
    result: Result


def one_hot(labels: Tensor) -> Tensor:
    return functional.one_hot(labels, RELEASED.classes).permute(2, 0, 1)[None].float()


def tiling() -> Scene:
    """Six equal tiles of random textures: 0 1 / 2 3 / 4 5."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(2, 1, HEIGHT // 8, WIDTH // 8, generator=generator)
    ir, vi = functional.interpolate(coarse, (HEIGHT, WIDTH), mode="bicubic").clamp(0, 1)[:, None]
    labels = (torch.arange(HEIGHT) * 3 // HEIGHT)[:, None] * 2 + torch.arange(WIDTH) * 2 // WIDTH
    return Scene("tiling 3x2", ir, vi, one_hot(labels))


def scenes(folder: Path | None) -> Iterator[Scene]:
    yield tiling()
    files = sorted((folder / "Segmentation_labels").glob("*.png")) if folder else []
    for file in files[:: max(1, len(files) // SCENES)][:SCENES]:
        ir, vi = (
            torch.from_numpy(imaging.read_rgb(folder / part / file.name)).float().mean(-1)[None, None] / 255
            for part in ("ir", "vi")
        )
        labels = torch.from_numpy(imaging.read_label(file)).long()
        labels[labels >= RELEASED.classes] = 0  # pixels without a label
        yield Scene(f"MSRS {file.stem}", ir, vi, one_hot(labels))


def timed(fuser: Fuser, scene: Scene, repetitions: int) -> Timing:
    walls, processors = [], []
    for _ in range(repetitions):
        wall, processor = time.perf_counter(), time.process_time()
        result = fuser(*scene.inputs)
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return Timing(statistics.median(walls), statistics.median(processors), result)


def literal(*, data_step: bool) -> Fuser:
    return with_golden_parameters(LiteralModel(), data_step=data_step).fuse


def exact(scene: Scene, *, data_step: bool) -> Result:
    model = with_golden_parameters(UAAModel(RELEASED), data_step=data_step).double().requires_grad_(False)
    return fuse(model, *(x.double() for x in scene.inputs))


def differences(found: Result, expected: Result) -> str:
    """Largest differences: w_i absolute, a_j and attention by their largest value, the fused image absolute."""
    w = (found.w_ir - expected.w_ir).abs().max().item()
    a = (found.attribution - expected.attribution).abs().max() / expected.attribution.max()
    pairs = list(zip(found.attentions, expected.attentions, strict=True))[1:]
    attention = max(((x - y).abs().max() / y.abs().max()).item() for x, y in pairs)
    fused = (found.image - expected.image).abs().max().item()
    return f"w_i {w:.1e}  a_j {a.item():.1e}  attention {attention:.1e}  fused {fused:.1e}"


def peak_memory(way: str, threads: int) -> float:
    """Peak resident memory in GB of a fresh process that fuses the tiling once."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_peak, (way, threads))


def _peak(way: str, threads: int) -> float:
    torch.set_num_threads(threads)
    if way == "literal":
        literal(data_step=False)(*tiling().inputs)
    else:
        with (BF16 if way == "bf16" else OURS).fuser(data_step=False) as fuser:
            fuser(*tiling().inputs)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def compare(scene: Scene, repetitions: int, *, data_step: bool, against_float64: bool) -> None:
    """Print times, ratios and differences of a scene."""
    slow = timed(literal(data_step=data_step), scene, 1)
    print(f"{scene.name}, {len(scene.mask[0].flatten(1).any(1).nonzero())} regions")
    print(f"  literal  {slow.wall:7.1f} s wall {slow.processor:7.1f} s processor", flush=True)
    reference = exact(scene, data_step=data_step) if against_float64 else None
    if reference is not None:
        print(f"           to float64: {differences(slow.result, reference)}", flush=True)
    for name, variant in (("fp32", OURS), ("bf16", BF16)):
        with variant.fuser(data_step=data_step) as fuser:
            ours = timed(fuser, scene, repetitions)
        ratios = f"{slow.wall / ours.wall:5.2f} x wall, {slow.processor / ours.processor:5.2f} x processor"
        print(f"  {name}     {ours.wall:7.1f} s wall {ours.processor:7.1f} s processor   {ratios}")
        print(f"           to literal: {differences(ours.result, slow.result)}", flush=True)
        if reference is not None:
            print(f"           to float64: {differences(ours.result, reference)}", flush=True)


def ablate(repetitions: int) -> None:
    """Print what each step brought, on the tiling."""
    scene = tiling()
    print("What each step brings (tiling), cumulative: wall s, processor s")
    for variant in VARIANTS:
        with variant.fuser(data_step=False) as fuser:
            found = timed(fuser, scene, repetitions)
        print(f"  {found.wall:7.1f} {found.processor:7.1f}  {variant.name}", flush=True)


def describe_machine(threads: int) -> str:
    try:
        known = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        known = []
    flags = [flag for flag in FLAGS if flag in known]
    return f"torch {torch.__version__}, {threads} threads, CPU flags {' '.join(flags) or 'unknown'}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, help="MSRS test folder")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--data-step", action="store_true", help="take the gradient step that the release drops")
    parser.add_argument("--exact", action="store_true", help="also compare with float64")
    parser.add_argument("--no-ablation", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(describe_machine(arguments.threads))
    # First, since a process inherits the peak of the one that starts it.
    for way in ("fp32", "bf16", "literal"):
        print(f"Peak memory {way}: {peak_memory(way, arguments.threads):.2f} GB", flush=True)
    for scene in scenes(arguments.data):
        compare(scene, arguments.repetitions, data_step=arguments.data_step, against_float64=arguments.exact)
    if not arguments.no_ablation:
        ablate(arguments.repetitions)


if __name__ == "__main__":
    main()
