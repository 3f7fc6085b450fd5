"""What a run costs beside its models and metrics: the whole command over the same work on images in memory.

    python benchmarks/harness.py --pairs 16 361 --rounds 5
    python benchmarks/harness.py --pairs 4200 --size 48 64 --methods 10 --rounds 3

The command is `uaabench run` in a process of its own, cold (nothing of the run is there) and resumed (all of it is).
The work is fusing and scoring as the command does it, on sources that are read already, of a few pairs, times the
number of pairs. Both have one thread, the command more with `--threads`. Times are of the processor, of the process and
all it starts; those of the wall stand beside them, and mean something only on a machine with nothing else to do.
Command and work take turns; figures are medians of the rounds. The pairs are smooth noise, each another; the floor is
left out; metrics are the default. `--command` names the `uaabench` to measure, so that two versions can be compared on
the same pairs.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from uaabench.core.interface import Pair, Sources
from uaabench.core.threads import limit_threads
from uaabench.methods.fusing import make_fuser
from uaabench.methods.named import plan_method
from uaabench.metrics.profiles import profile

# Rules without weights: what they take is little, so that what the harness takes shows.
METHODS = ("average", "laplacian", "visible", "infrared", "maximum", "maximum_plus_minimum", "noise", "checker")
METHODS = (*METHODS, "swt", "msvd")
# Pairs of which the time of models and metrics is taken.
SAMPLE = 8


class Seconds(NamedTuple):
    """Time of the processor and of the wall."""

    processor: float
    wall: float


def draw(number: int, height: int, width: int) -> Sources:
    """A pair of smooth noise that no other number has."""
    generator = np.random.default_rng(number)

    def smooth(channels: int) -> np.ndarray:
        coarse = generator.integers(0, 256, (height // 8 + 1, width // 8 + 1, channels), np.uint8)
        return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))

    return Sources(smooth(1), smooth(3))


def write_pairs(folder: Path, pairs: int, height: int, width: int) -> Path:
    """A generic data set of so many pairs."""
    for name in ("ir", "vi"):
        (folder / name).mkdir(parents=True)
    for number in range(pairs):
        sources = draw(number, height, width)
        cv2.imwrite(str(folder / "ir" / f"{number:05}.png"), sources.ir)
        cv2.imwrite(str(folder / "vi" / f"{number:05}.png"), sources.vi)
    return folder


def timed(function: Callable[[], object], who: int) -> Seconds:
    """How long a function takes in this process, or in the processes that it starts and waits for."""
    before, start = resource.getrusage(who), time.perf_counter()
    function()
    after, wall = resource.getrusage(who), time.perf_counter() - start
    return Seconds(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


def work_of_one_pair(methods: tuple[str, ...], height: int, width: int) -> Seconds:
    """Time of models and metrics for one pair, the mean of a few."""
    convention = profile("cddfuse")
    metrics = convention.select()
    fusers = [make_fuser(plan_method(name), device="cpu") for name in methods]
    scenes = [draw(number, height, width) for number in range(SAMPLE)]
    anyone = Pair("0", Path(), Path())

    def work() -> None:
        for sources in scenes:
            fused = [fuse(anyone, sources) for fuse in fusers]
            scene = convention.prepare(sources)
            for image in fused:
                scene.score(image, metrics)

    work()
    total = timed(work, resource.RUSAGE_SELF)
    return Seconds(total.processor / SAMPLE, total.wall / SAMPLE)


class Bench:
    """A command and the pairs it is given."""

    def __init__(self, command: str, methods: tuple[str, ...], data: Path) -> None:
        self._words = [command, "run", "--methods", ",".join(methods), "--no-floor"]
        self._words += ["--datasets", f"scenes={data}", "--device", "cpu"]

    def run(self, out: Path) -> Seconds:
        """Carry the command out in a run directory."""
        words = [*self._words, "--out", str(out)]
        return timed(lambda: subprocess.run(words, check=True, capture_output=True), resource.RUSAGE_CHILDREN)


def line(name: str, times: list[Seconds], work: list[float]) -> str:
    processor, wall = np.median(times, axis=0)
    of_work = np.median([entry.processor / base for entry, base in zip(times, work, strict=True)])
    return f"  {name:<18} {processor:9.2f} s {wall:9.2f} s {of_work:8.2f}"


def measure(pairs: int, options: argparse.Namespace, folder: Path) -> None:
    """Print the times for one number of pairs."""
    height, width = options.size
    methods = METHODS[: options.methods]
    bench = Bench(options.command, methods, write_pairs(folder / "data", pairs, height, width))
    rounds: list[tuple[Seconds, Seconds, Seconds]] = []
    for number in range(options.rounds):
        out = folder / f"run{number}"
        one = work_of_one_pair(methods, height, width)
        work = Seconds(pairs * one.processor, pairs * one.wall)
        rounds.append((work, bench.run(out), bench.run(out)))
        shutil.rmtree(out)
    work, cold, resumed = (list(part) for part in zip(*rounds, strict=True))
    base = [entry.processor for entry in work]
    print(f"{pairs} pairs of {height}x{width}, {len(methods)} methods, median of {options.rounds} rounds")
    print(f"  {'':<18} {'processor':>11} {'wall':>11} {'of work':>8}")
    for name, times in (("models and metrics", work), ("run, cold", cold), ("run, resumed", resumed)):
        print(line(name, times, base), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, nargs="+", default=[16, 361])
    parser.add_argument("--size", type=int, nargs=2, default=[480, 640], metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--methods", type=int, default=2, help=f"How many of {', '.join(METHODS)}.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--command", default=str(Path(sys.executable).with_name("uaabench")))
    parser.add_argument("--folder", type=Path, help="Where runs are written. Default: that of temporary files.")
    parser.add_argument("--threads", type=int, default=1, help="Of the command; the work beside it has one.")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    limit_threads(1)
    for pairs in options.pairs:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            measure(pairs, options, Path(folder))


if __name__ == "__main__":
    main()
