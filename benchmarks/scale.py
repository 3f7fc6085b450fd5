"""What a run by a cluster costs beside the work of its workers, and how large it may become.

    python benchmarks/scale.py workers 1 2 8 64 512 --share 1 --rounds 3
    python benchmarks/scale.py pairs 10000 100000 1000000
    python benchmarks/scale.py draw RESULTS.csv docs/images/scale.svg

`workers` carries a stage out by the pipeline itself, with shares of 32 pairs each, the scheduler in the process of the
launcher as with a batch system, and workers that sleep for the time of a share instead of fusing; all of them live in
two processes of this machine. Shares are ten for each worker, at least 40. Efficiency is the time that workers slept
over the time that they were there, from the first share that is submitted to the last that is collected. The time that
launcher and scheduler take of a processor for each share does not depend on what else the machine does, and says how
many shares a second there can be. `pairs` plans a stage of so many pairs, of no files, and takes the largest memory of
that process. Both print CSV: the median of the rounds, and its smallest and largest.
"""

from __future__ import annotations

import argparse
import csv
import logging
import multiprocessing
import pickle
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from uaabench.core.files import Mark
from uaabench.core.interface import Pair
from uaabench.methods.named import plan_method
from uaabench.running import config, pipeline
from uaabench.running.executors import cluster as clusters
from uaabench.running.executors.surroundings import Surroundings
from uaabench.running.stages.fuse import Conditions, Fuse, fuse_unit
from uaabench.running.units import DatasetPlan, Unit

PROCESSES = 2
ROOT = Path("/data/of/nobody")


def unit_of(pairs: int) -> Unit:
    """A fuse unit of so many pairs with everything that is known of them, though there are no such files."""
    named = [
        Pair(f"{number:08}", ROOT / f"ir/{number:08}.png", ROOT / f"vi/{number:08}.png") for number in range(pairs)
    ]
    marks = {
        path: Mark(f"{number:064x}", (300_000, 10**18 + number, number))
        for number, pair in enumerate(named)
        for path in (pair.ir, pair.vi)
    }
    dataset = DatasetPlan("nobody", "Nobody", "all", ROOT, tuple(named), None, "folder", f"{pairs:064x}", marks=marks)
    return fuse_unit(plan_method("average"), dataset, Conditions(precision="fp32", seed=0, device="cpu"))


def work_on(unit: Unit, run: Path, workers: clusters.Cluster | None) -> pipeline._Work:
    """The work of the fuse stage on a unit."""
    described = config.build({"methods": ["average"]})
    return pipeline._Work(Fuse(), [unit], described, run, "cpu", lambda *_: None, workers)


def host(address: str, number: int) -> None:
    """Be so many workers."""
    import asyncio

    from distributed import Worker

    logging.getLogger("distributed").setLevel(logging.CRITICAL)

    async def live() -> None:
        workers = [Worker(address, nthreads=1, memory_limit=0, dashboard=False) for _ in range(number)]
        await asyncio.gather(*workers)
        await asyncio.gather(*(worker.finished() for worker in workers))

    asyncio.run(live())


@contextmanager
def sleeping(workers: int, seconds: float, run: Path) -> Iterator[clusters.Cluster]:
    """A cluster whose workers sleep for so long instead of carrying out a share."""
    from distributed import Scheduler, SpecCluster

    def start() -> clusters.Started:
        return clusters.Started(spec, "this machine")

    def sleep(_parcel: bytes) -> bool:
        time.sleep(seconds)
        return True

    spec = SpecCluster({}, {"cls": Scheduler, "options": {"dashboard": False}}, silence_logs=50)
    context = multiprocessing.get_context("spawn")
    hosts = [
        context.Process(target=host, args=(spec.scheduler_address, len(range(part, workers, PROCESSES))), daemon=True)
        for part in range(min(PROCESSES, workers))
    ]
    for process in hosts:
        process.start()
    described = config.build({"methods": ["average"]})
    cluster = clusters.Cluster(start, Surroundings.of(run, described, []), gpu=False, threads=1, tell=lambda _: None)
    # What workers do, and that their results are seen, is not what is measured.
    clusters.remote.work, clusters.Cluster.lag = sleep, 0.0  # type: ignore[assignment, misc]
    try:
        cluster._client().wait_for_workers(workers)
        yield cluster
    finally:
        for process in hosts:
            process.kill()
        cluster.close()
        spec.close()


def measure_workers(workers: int, seconds: float, shares: int) -> tuple[float, float]:
    """Efficiency, and milliseconds of the processor for a share."""
    with tempfile.TemporaryDirectory() as folder, sleeping(workers, seconds, Path(folder)) as cluster:
        unit = unit_of(shares * clusters.PAIRS_IN_A_SHARE)
        work = work_on(unit, Path(folder), cluster)
        groups, progress = work._groups(), Path(folder) / "progress"
        progress.mkdir()
        jobs = work._jobs(groups, progress)
        began, busy = time.monotonic(), time.process_time()
        work._in_workers(cluster, jobs)
        wall, busy = time.monotonic() - began, time.process_time() - busy
        return len(jobs) * seconds / (workers * wall), 1000 * busy / len(jobs)


def measure_pairs(pairs: int) -> tuple[float, float, float]:
    """Gigabytes of this process, seconds of a processor until all shares are there, kilobytes of one that travels."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        work = work_on(unit_of(pairs), Path(folder), None)
        groups = work._groups()
        # As a cluster divides them.
        shares = -(-pairs // clusters.PAIRS_IN_A_SHARE)
        (units, waiting), (job, *_) = groups[0], work._jobs(groups, Path(folder))
        jobs = [
            pipeline.replace(job, share=pipeline.Share(units, tuple(waiting[number::shares]), number))
            for number in range(shares)
        ]
        taken = time.process_time() - began
        ahead = [pickle.dumps(job.lean()) for job in jobs[: clusters.MOST_AHEAD]]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        return peak, taken, sum(map(len, ahead)) / len(ahead) / 1000


def apart(function: Callable[..., tuple[float, ...]], *arguments: object) -> tuple[float, ...]:
    """Measure in a new process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def rows_of(results: Sequence[tuple[float, ...]]) -> list[str]:
    """Median, smallest and largest of each figure."""
    return [
        f"{figure:.4g}"
        for column in zip(*results, strict=True)
        for figure in (median(column), min(column), max(column))
    ]


def draw(table: Path, picture: Path) -> None:
    """Draw efficiency, and the processor time of a share, over the number of workers."""
    from matplotlib.figure import Figure

    with table.open(encoding="utf-8") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    figure = Figure(figsize=(8, 3), layout="constrained")
    for axes, name, title in zip(
        figure.subplots(1, 2), ("efficiency", "ms"), ("Efficiency", "Launcher and scheduler, ms a share"), strict=True
    ):
        for seconds in sorted({row["share"] for row in rows}):
            chosen = [row for row in rows if row["share"] == seconds]
            middle = [row[name] for row in chosen]
            spread = [
                [row[name] - row[f"{name} min"] for row in chosen],
                [row[f"{name} max"] - row[name] for row in chosen],
            ]
            axes.errorbar(
                [row["workers"] for row in chosen], middle, spread, marker="o", label=f"shares of {seconds:g} s"
            )
        axes.set_xscale("log", base=2)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("workers")
        axes.set_title(title)
        axes.legend()
    figure.savefig(picture, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    of_workers = verbs.add_parser("workers")
    of_workers.add_argument("counts", type=int, nargs="+")
    of_workers.add_argument("--share", type=float, nargs="+", default=[1.0])
    of_pairs = verbs.add_parser("pairs")
    of_pairs.add_argument("counts", type=int, nargs="+")
    for verb in (of_workers, of_pairs):
        verb.add_argument("--rounds", type=int, default=3)
    of_drawing = verbs.add_parser("draw")
    of_drawing.add_argument("table", type=Path)
    of_drawing.add_argument("picture", type=Path)
    chosen = parser.parse_args()
    if chosen.verb == "draw":
        draw(chosen.table, chosen.picture)
        return
    write = csv.writer(sys.stdout).writerow
    names = ("efficiency", "ms") if chosen.verb == "workers" else ("GB", "seconds", "kB a share")
    spread = [f"{name}{end}" for name in names for end in ("", " min", " max")]
    write(["workers", "share", "shares", *spread] if chosen.verb == "workers" else ["pairs", *spread])
    for count in chosen.counts:
        if chosen.verb == "pairs":
            write([count, *rows_of([apart(measure_pairs, count) for _ in range(chosen.rounds)])])
        for seconds in chosen.share if chosen.verb == "workers" else ():
            shares = max(40, 10 * count)
            results = [apart(measure_workers, count, seconds, shares) for _ in range(chosen.rounds)]
            write([count, seconds, shares, *rows_of(results)])
        sys.stdout.flush()


if __name__ == "__main__":
    main()
