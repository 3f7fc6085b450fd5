"""The command line in processes of its own that start fast: forked from a server that has imported torch already."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

PRELOADED = ["torch", "torchvision", "pandas", "pyarrow.parquet", "matplotlib.pyplot", "uaabench.cli.main"]
PRELOADED += ["uaabench.running.pipeline", "uaabench.reporting.report", "uaabench.judges.segmentation.stage"]


@cache
def _context() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def start(*words: object, **environment: str) -> BaseProcess:
    """Start `uaabench WORDS` in a session of its own; `log` of the process is the file of all that it prints."""
    file = Path(tempfile.mkstemp(prefix="uaabench-test-", suffix=".txt")[1])
    process: Any = _context().Process(target=_command, args=([str(word) for word in words], file, environment))
    process.start()
    process.log = file
    return process  # type: ignore[no-any-return]


def _command(words: list[str], log: Path, environment: dict[str, str]) -> None:
    from uaabench.cli.main import main

    os.setsid()
    # A shell that starts the tests in the background hands on that Ctrl-C is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(environment, COLUMNS="200")
    with log.open("w", buffering=1) as stream:
        for number in (1, 2):
            os.dup2(stream.fileno(), number)
        sys.stdout = sys.stderr = stream
        sys.argv = ["uaabench", *words]
        main()


def wait_for(condition: Callable[[], object], process: BaseProcess, seconds: float = 60.0) -> None:
    """Wait until something holds, as long as a process lives."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.is_alive(), f"it ended before: {process.log.read_text()}"  # type: ignore[attr-defined]
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """Numbers of all processes below one, at any depth."""
    below: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            below.setdefault(parent, []).append(int(entry.name))
    found, pending = [], [pid]
    while pending:
        mine = below.get(pending.pop(), [])
        found += mine
        pending += mine
    return found


def is_running(pid: int) -> bool:
    """Whether a process runs; one that ended and was not collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
