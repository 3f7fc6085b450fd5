"""What a GPU does in a run: pairs a second, how busy it is, and which stage takes how much.

    python benchmarks/gpu.py --methods tardal uaa --batch 1 8 32 --compile
    python benchmarks/gpu.py --device cpu --methods average --batch 1 --pairs 4 --size 120 160    # only to try it

For each method and batch size on distinct pairs of smooth noise, after a warm-up: the fuse stage as a run does it, with
its threads and the loading of the method, by the wall, median of the rounds, and meanwhile the utilisation of the GPU
as `nvidia-smi` says it; then, on one batch at least and 16 pairs, its stages one after the other, each waited for, as
shares of their sum: decode (two PNG files), copy (to the device), model, encode (a PNG file), metrics (the default ones
on the device) and judge (the shipped segmenter of the demo). In the end the milliseconds an image that networks take,
median of the calls: the methods, with `--compile` also as torch compiles them and the seconds of the first call; and
the segmenter in single precision and in bfloat16.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import write_pairs

from uaabench.core import imaging
from uaabench.core.arithmetic import arithmetic
from uaabench.core.threads import limit_threads, threads_per_job
from uaabench.judges.segmentation.segmenters import Segmenter, read_card, resolve, shipped
from uaabench.methods.compiling import compiled, is_compiled
from uaabench.methods.fusing import load_method, to_device
from uaabench.metrics.profiles import prepare_on, profile
from uaabench.running import plan, store
from uaabench.running.config import build
from uaabench.running.stages.fuse import Fuse
from uaabench.running.units import Runtime, Share, Unit

STAGES = ("decode", "copy", "model", "encode", "metrics", "judge")
# Pairs whose stages are timed, where a batch is not larger; calls of a network that are timed, and those before them.
STAGED, CALLS, WARM_UP = 16, 20, 3


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextmanager
def utilisation(device: torch.device) -> Iterator[list[int]]:
    """Per cent of the time in which the GPU is at work, five times a second; nothing on a processor."""
    seen: list[int] = []
    over = threading.Event()
    words = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", f"--id={device.index or 0}"]

    def watch() -> None:
        while not over.wait(0.2):
            seen.append(int(subprocess.run(words, check=True, capture_output=True, text=True).stdout))

    watcher = threading.Thread(target=watch, daemon=True)
    if device.type == "cuda":
        watcher.start()
    try:
        yield seen
    finally:
        over.set()
        if watcher.is_alive():
            watcher.join()


def fuse_stage(unit: Unit, run: Path, runtime: Runtime) -> float:
    """Seconds of the fuse stage on all pairs of a unit."""
    store.begin(run, unit, {})
    share = Share((unit,), tuple((pair, (unit,)) for pair in unit.dataset.pairs), 0)
    start = time.perf_counter()
    failed = [outcome.reason for outcome in Fuse().work(share, runtime) if outcome.reason]
    if failed:
        raise RuntimeError(failed[0])
    return time.perf_counter() - start


class Stages:
    """Seconds of each stage, added up."""

    def __init__(self, device: torch.device) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._device = device

    def timed(self, stage: str, work: Callable[[], Any]) -> Any:
        """What some work gives, once the device is done with it."""
        start = time.perf_counter()
        result = work()
        wait(self._device)
        self.seconds[stage] += time.perf_counter() - start
        return result

    def carry_out(self, unit: Unit, batch: int, folder: Path) -> None:
        """Fuse and judge the pairs of a unit, a batch at a time, one stage after the other."""
        method, device, dataset = load_method(unit.method, self._device), self._device, unit.dataset.open()
        convention = profile("cddfuse")
        segmenter = Segmenter(resolve("demo"), read_card(shipped("demo")).classes, device)
        pairs = unit.dataset.pairs[: max(STAGED, batch)]
        for start in range(0, len(pairs), batch):
            part = pairs[start : start + batch]
            sources = self.timed("decode", lambda part=part: [dataset.read(pair) for pair in part])
            images = [[getattr(one, side) for one in sources] for side in ("ir", "vi")]
            given = self.timed("copy", lambda images=images: [to_device(one, device) for one in images])
            with torch.no_grad(), arithmetic(device, "fp32"):
                fused = self.timed("model", lambda given=given: method.fuse(*given))
            kept = self.timed("encode", lambda fused=fused: encoded(fused, folder))
            self.timed("metrics", lambda sources=sources, kept=kept: score(str(device), convention, sources, kept))
            seen = [image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2) for image in kept]
            self.timed("judge", lambda seen=seen: segmenter.predict(seen))


def encoded(fused: torch.Tensor, folder: Path) -> list[np.ndarray]:
    images = imaging.quantise(fused.float())
    for number, image in enumerate(images):
        imaging.write_png(folder / f"{number}.png", image)
    return images


def score(device: str, convention: Any, sources: list[Any], fused: list[np.ndarray]) -> None:
    for one, image in zip(sources, fused, strict=True):
        scene = prepare_on(device, convention, one)
        scene.score_all([scene.read(image)], convention.select())


def milliseconds(call: Callable[[], Any], images: int, device: torch.device) -> tuple[float, float]:
    """What a call takes an image, and the seconds of the first call."""
    taken = []
    for _ in range(WARM_UP + CALLS):
        start = time.perf_counter()
        call()
        wait(device)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[WARM_UP:]) / images * 1e3, taken[0]


def network_line(unit: Unit, batch: int, device: torch.device, *, compile_network: bool) -> str:
    """What the network of a method takes for images that are on the device, and what it does when it is compiled."""
    dataset = unit.dataset.open()
    sources = [dataset.read(pair) for pair in unit.dataset.pairs[:batch]]
    ir, vi = (to_device([getattr(one, side) for one in sources], device) for side in ("ir", "vi"))
    fuse = load_method(unit.method, device).fuse
    with torch.no_grad(), arithmetic(device, "fp32"):
        said = f"{unit.method.label:14}{batch:6}{milliseconds(lambda: fuse(ir, vi), len(sources), device)[0]:10.2f}"
        if compile_network and is_compiled(unit.method.card, asked=True):
            fuse = compiled(fuse)
            later, first = milliseconds(lambda: fuse(ir, vi), len(sources), device)
            said += f"{later:10.2f}{first:10.1f}"
    return said


def segmenter_line(unit: Unit, batch: int, device: torch.device) -> str:
    """What the segmenter takes in either precision."""
    dataset = unit.dataset.open()
    images = [dataset.read(pair).vi for pair in unit.dataset.pairs[:batch]]
    classes = read_card(shipped("demo")).classes
    judges = [Segmenter(resolve("demo"), classes, device, precision) for precision in ("fp32", "bf16")]
    taken = [milliseconds(lambda judge=judge: judge.predict(images), len(images), device)[0] for judge in judges]
    return f"{batch:6}{taken[0]:10.2f}{taken[1]:10.2f}"


def line(unit: Unit, batch: int, options: argparse.Namespace, folder: Path) -> str:
    device = torch.device(options.device)
    runtime = Runtime(folder, options.device, threads=threads_per_job(1))
    fuse_stage(unit, folder, runtime)
    with utilisation(device) as busy:
        rates = [len(unit.dataset.pairs) / fuse_stage(unit, folder, runtime) for _ in range(options.rounds)]
    Stages(device).carry_out(unit, batch, folder)
    stages = Stages(device)
    stages.carry_out(unit, batch, folder)
    total = sum(stages.seconds.values())
    shares = "".join(f"{stages.seconds[stage] / total:9.1%}" for stage in STAGES)
    used = f"{statistics.median(busy):.0f} %" if busy else "-"
    return f"{unit.method.label:14}{batch:6}{statistics.median(rates):10.2f}{used:>8}{shares}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--methods", nargs="+", default=["tardal", "uaa", "average"])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--pairs", type=int, default=128)
    parser.add_argument("--size", type=int, nargs=2, default=[480, 640], metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    if options.device != "cpu" and not torch.cuda.is_available():
        parser.error("torch finds no GPU here; write --device cpu to try it")
    limit_threads(threads_per_job(1))
    name = "processor" if options.device == "cpu" else torch.cuda.get_device_name(options.device)
    print(f"{name}, torch {torch.__version__}, {options.pairs} pairs of {'x'.join(map(str, options.size))}")
    with tempfile.TemporaryDirectory() as folder:
        data = write_pairs(Path(folder) / "data", options.pairs, *options.size)
        named = [(method, batch) for method in options.methods for batch in options.batch]
        planned = [(plan_unit(method, data, batch, options), batch) for method, batch in named]
        print(f"{'method':14}{'batch':>6}{'pairs/s':>10}{'busy':>8}" + "".join(f"{stage:>9}" for stage in STAGES))
        for unit, batch in planned:
            print(line(unit, batch, options, Path(folder)), flush=True)
        device = torch.device(options.device)
        print(f"\n{'batch':>6}{'fp32 ms':>10}{'bf16 ms':>10}")
        for batch in options.batch:
            print(segmenter_line(planned[0][0], batch, device), flush=True)
        also = f"{'compiled':>10}{'first s':>10}" if options.compile else ""
        print(f"\n{'method':14}{'batch':>6}{'ms':>10}{also}")
        for unit, batch in planned:
            print(network_line(unit, batch, device, compile_network=options.compile), flush=True)


def plan_unit(method: str, data: Path, batch: int, options: argparse.Namespace) -> Unit:
    """The fusing of all pairs by a method."""
    given = {"methods": [method], "datasets": [f"scenes={data}"], "floor": False, "batch": batch}
    (unit,) = plan.make(build(given), torch.device(options.device).type).units["fuse"]
    return unit


if __name__ == "__main__":
    main()
