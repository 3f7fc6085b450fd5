"""What becomes of a run that is killed, that fills its disk, or whose files are spoilt: never another number.

Small runs are disturbed at moments and places drawn by the printed seed, then compared with an undisturbed one:

- killed: SIGKILL of the command, up to five times in one folder, with one and with two workers, then to the end;
- full: the folder lies on a file system of random size (as root; else no file may grow beyond a random size), then
  there is room, and the same command follows;
- spoilt: each file of a finished run is cut, one byte of it changed, deleted, or swapped with its neighbour; then
  `uaabench report`, and the command of the run again.

An outcome is `identical` (the numbers of the undisturbed run), `refused` (one sentence and a documented exit code), or
`wrong`: other numbers, a success without them, a traceback, or a worker that stays. Exits with 1 when there is any.

    python benchmarks/faults.py --seed 0 --kills 60

Linux only. Nothing is timed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pandas as pd

from uaabench.cli.main import main as uaabench

PRELOADED = [
    "torch",
    "pandas",
    "pyarrow.parquet",
    "matplotlib.pyplot",
    "uaabench.cli.main",
    "uaabench.reporting.report",
]
PRELOADED += ["uaabench.running.pipeline", "uaabench.judges.segmentation.stage"]
DOCUMENTED = (0, 2, 3, 4, 5)
PER_FOLDER = 5
SHOWN = ("results.csv", "results.md", "results.json")
OUTCOMES = ("identical", "refused", "wrong")
Found = Counter[tuple[str, str]]


class Ended(NamedTuple):
    """How a command ended: its exit code, and what it printed on standard error."""

    code: int
    err: str


class Case(NamedTuple):
    """A run: what is printed for it, and the words of its command without `--out`."""

    name: str
    words: tuple[str, ...]


def draw_data(folder: Path, pairs: int = 2) -> Path:
    """A generic data set of small pairs with label maps."""
    for number in range(pairs):
        generator = np.random.default_rng(number)
        for name, shape in (("ir", (48, 64)), ("vi", (48, 64, 3))):
            (folder / name).mkdir(parents=True, exist_ok=True)
            image = cv2.GaussianBlur(generator.integers(0, 256, shape, np.uint8), (5, 5), 1.5)
            cv2.imwrite(str(folder / name / f"{number}.png"), image)
        (folder / "labels").mkdir(exist_ok=True)
        label = np.arange(4, dtype=np.uint8).repeat(12)[:, None].repeat(64, axis=1)
        cv2.imwrite(str(folder / "labels" / f"{number}.png"), label)
    return folder


def numbers(run: Path) -> bytes:
    """All that a run says in numbers: its records and its table, as bytes."""
    records = pd.read_parquet(run / "records.parquet").to_csv().encode()
    return records + (run / "report" / "results.csv").read_bytes()


def shown(run: Path) -> bytes:
    """What a report of a run says."""
    return b"".join((run / "report" / name).read_bytes() for name in SHOWN)


def call(*words: object) -> Ended:
    """Carry out a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    before, sys.argv = sys.argv, ["uaabench", *map(str, words)]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            uaabench()
        except SystemExit as end:
            code = end.code
    sys.argv = before
    return Ended(int(code or 0), err.getvalue())  # type: ignore[call-overload]


def judge(ended: Ended, run: Path, expected: bytes, read: Callable[[Path], bytes] = numbers) -> str:
    """The outcome of a command: identical, refused or wrong."""
    is_said = "uaabench: " in ended.err and "Traceback" not in ended.err and "defect" not in ended.err
    if ended.code in DOCUMENTED[1:] and is_said:
        return "refused"
    with contextlib.suppress(OSError, ValueError):
        if ended.code == 0 and read(run) == expected:
            return "identical"
    print(f"wrong: {run.name} ended with {ended.code}: {ended.err[-300:]}", flush=True)
    return "wrong"


def start(words: tuple[object, ...], log: Path, largest: int | None = None) -> Any:
    """Start a command in a process of its own, forked from a server that has imported what takes long."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=in_process, args=([str(word) for word in words], log, largest))
    process.start()
    return process


def in_process(words: list[str], log: Path, largest: int | None) -> None:
    """Carry out a command in a process of its own, in which no file may become larger than `largest` bytes."""
    os.setsid()
    with log.open("a", buffering=1) as stream:
        for number in (1, 2):
            os.dup2(stream.fileno(), number)
        sys.stdout = sys.stderr = stream
        sys.argv = ["uaabench", *words]
        if largest is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
        uaabench()


def stays(session: int) -> bool:
    """Whether a process of the session of a command that ended still runs ten seconds later."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        running = False
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                state, _, _, its_session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
                running |= int(its_session) == session and state != "Z"
        if not running:
            return False
        time.sleep(0.1)
    return True


def kill_at_random(case: Case, folder: Path, count: int, jobs: int, draw: random.Random) -> Iterator[tuple[str, str]]:
    """Kill a command again and again, in one folder after another; yields what became of each folder."""
    log, what = folder / "log.txt", f"killed, --jobs {jobs}, {case.name}"
    begin = time.monotonic()
    start((*case.words, "--jobs", jobs, "--out", folder / "whole"), log).join()
    duration, expected = time.monotonic() - begin, numbers(folder / "whole")
    done = 0
    while done < count:
        run = folder / f"run-{done}"
        words = (*case.words, "--jobs", jobs, "--out", run)
        for _ in range(min(PER_FOLDER, count - done)):
            process = start(words, log)
            process.join(draw.uniform(0, duration))
            process.kill()
            process.join()
            done += 1
            if stays(process.pid):
                print(f"wrong: a process stays, {what}", flush=True)
                yield what, "wrong"
        yield what, judge(call(*case.words, "--out", run), run, expected)


def fill(case: Case, folder: Path, count: int, draw: random.Random) -> Iterator[tuple[str, str]]:
    """Let a command run out of space, then give it room; yields how it ended, and what became of it then."""
    whole, run, log = folder / "whole", folder / "small", folder / "log.txt"
    start((*case.words, "--out", whole), log).join()
    expected, files = numbers(whole), [path for path in whole.rglob("*") if path.is_file()]
    sizes = [path.stat().st_size for path in files]
    is_mounted = os.geteuid() == 0 and mount(run, 4096)
    how = "file system" if is_mounted else "largest file"
    for number in range(count):
        if is_mounted:
            # A block for each file and folder, at least.
            size = draw.randint(40_960, sum(sizes) + 4096 * len(files))
            subprocess.run(["mount", "-o", f"remount,size={size}", run], check=True)
            largest = None
        else:
            run, largest = folder / f"small-{number}", draw.randint(64, max(sizes))
        process = start((*case.words, "--out", run), log, largest)
        process.join()
        printed = log.read_text()[-4000:]
        yield f"full, first ({how})", judge(Ended(process.exitcode, printed), run, expected)
        if is_mounted:
            subprocess.run(["mount", "-o", "remount,size=64m", run], check=True)
        yield f"full, then room ({how})", judge(call(*case.words, "--out", run), run, expected)
        for path in run.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if is_mounted:
        subprocess.run(["umount", run], check=True)


def mount(folder: Path, size: int) -> bool:
    """Mount a file system of so many bytes; whether that may be done here."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def cut(_run: Path, path: Path, draw: random.Random) -> None:
    """Cut a file somewhere."""
    os.truncate(path, draw.randrange(path.stat().st_size))


def flip(_run: Path, path: Path, draw: random.Random) -> None:
    """Change one byte."""
    content = bytearray(path.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)


def delete(_run: Path, path: Path, _draw: random.Random) -> None:
    """Take the file away."""
    path.unlink()


def swap(run: Path, path: Path, draw: random.Random) -> None:
    """Exchange it with another file of its kind of the run."""
    kin = [other for other in run.rglob(f"*{path.suffix}") if other != path and other.is_file()]
    if kin:
        other, aside = draw.choice(sorted(kin)), path.with_name("aside")
        path.rename(aside)
        other.rename(path)
        aside.rename(other)


ATTACKS = {"cut": cut, "one byte": flip, "deleted": delete, "swapped": swap}


def spoil(case: Case, folder: Path, draw: random.Random, stages: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Spoil each file of a finished run in turn; yields what a report makes of it, and the command of the run."""
    whole, run = folder / "whole", folder / "spoilt"
    ended = call(*case.words, "--out", whole)
    assert ended.code == 0, ended.err
    call("report", whole, "--format", "csv,md,json")
    expected, said = numbers(whole), shown(whole)
    files = [path.relative_to(whole) for path in sorted(whole.rglob("*")) if path.is_file() and path.stat().st_size]
    for file in files:
        if file.parts[0] not in stages and len(file.parts) > 1:
            continue
        for name, attack in ATTACKS.items():
            what = f"{name}, {case.name}"
            shutil.rmtree(run, ignore_errors=True)
            shutil.copytree(whole, run)
            attack(run, run / file, draw)
            told = judge(call("report", run, "--format", "csv,md,json"), run, said, shown)
            again = judge(call(*case.words, "--out", run), run, expected)
            for verb, outcome in (("report", told), ("run again", again)):
                if outcome == "wrong":
                    print(f"wrong: {file} {what}, {verb}", flush=True)
                yield f"{what}: {verb}", outcome


def print_counts(found: Found) -> None:
    """Print a line for each disturbance."""
    for what in dict.fromkeys(what for what, _ in found):
        print(f"{what:45}" + "".join(f"{found[what, outcome]:11}" for outcome in OUTCOMES), flush=True)


def main() -> None:
    """Disturb, compare, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int, default=60, help="a fifth of them with two workers")
    parser.add_argument("--sizes", type=int, default=12, help="sizes of the small file system")
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.kills} kills, {options.sizes} sizes")
    print(f"{'disturbance':45}" + "".join(f"{name:>11}" for name in OUTCOMES))
    draw, wrong = random.Random(options.seed), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = ("run", "--methods", "average,maximum", "--no-floor", "--datasets", f"own={draw_data(folder / 'own')}")
        plain = Case("plain", (*base, "--metrics", "EN", "--segmenter", "none"))
        judged = Case("mIoU", (*base, "--metrics", "EN", "--segmenter", "demo", "--protocol", "msrs-9"))
        few = options.kills // 5
        work = {
            "spoil": lambda place: spoil(plain, place, draw, ("fuse", "score")),
            "spoil-mIoU": lambda place: spoil(judged, place, draw, ("segment",)),
            "fill": lambda place: fill(plain, place, options.sizes, draw),
            "kill": lambda place: kill_at_random(plain, place, options.kills - 2 * few, 1, draw),
            "kill-mIoU": lambda place: kill_at_random(judged, place, few, 1, draw),
            "kill-2": lambda place: kill_at_random(plain, place, few, 2, draw),
        }
        for kind, disturb in work.items():
            (folder / kind).mkdir()
            found = Found(disturb(folder / kind))
            print_counts(found)
            wrong += sum(count for (_, outcome), count in found.items() if outcome == "wrong")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
