"""A process of a run that dies or is told to end: what was done is kept, no worker stays, nothing passes for done."""

import os
import signal
import time

import pandas as pd
import pytest

from processes import children, is_running, start, wait_for

PLUGIN = """
import os, time
from uaabench.core.interface import LuminanceMethod, MethodCard

class Slow(LuminanceMethod):
    card = MethodCard(name="slow", title="Slow", kind="classical", version=1, summary="average, slowly")

    def fuse_luminance(self, ir, y):
        time.sleep(float(os.environ.get("SLOW_SECONDS", "0")))
        return (ir + y) / 2
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "code"), [(signal.SIGTERM, 130), (signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_run_that_is_told_to_end_leaves_no_worker_and_prints_no_traceback(pair_folder, tmp_path, end, code):
    (tmp_path / "slow.py").write_text(PLUGIN)
    words = ("--methods", "slow", "--plugin", tmp_path / "slow.py", "--datasets", f"own={pair_folder}")
    words += ("--metrics", "EN", "--segmenter", "none", "--out", tmp_path / "R")
    process = start("run", *words, SLOW_SECONDS="2")
    wait_for(lambda: list((tmp_path / "R").glob("fuse/own/all/slow-*/*.png")), process)
    workers = children(process.pid)
    assert workers
    os.kill(process.pid, end)
    process.join(30)
    assert process.exitcode == code
    end_of_patience = time.monotonic() + 10
    while any(map(is_running, workers)) and time.monotonic() < end_of_patience:
        time.sleep(0.05)
    assert not any(map(is_running, workers))
    printed = process.log.read_text()
    assert "Traceback" not in printed
    assert ("interrupted" in printed) == (code == 130)
    again = start("run", *words)
    again.join(60)
    assert again.exitcode == 0, again.log.read_text()
    assert pd.read_csv(tmp_path / "R" / "report" / "results.csv")["n"].eq(4).all()


# On the pair whose infrared image begins with 77 the code ends the process it runs in.
DEADLY = """
import os, signal, sys
from uaabench.core.interface import LuminanceMethod, MethodCard

class Deadly(LuminanceMethod):
    card = MethodCard(name="deadly", title="Deadly", kind="classical", version=1, summary="ends processes")

    def fuse_luminance(self, ir, y):
        if round(float(ir[0, 0, 0, 0]) * 255) == 77:
            os.kill(os.getpid(), signal.SIGKILL)
        return (ir + y) / 2
"""


@pytest.mark.slow
def test_a_worker_that_dies_fails_what_it_worked_on_and_nothing_else(run, pair_folder, tmp_path):
    import cv2

    image = cv2.imread(str(pair_folder / "ir" / "3.png"), cv2.IMREAD_UNCHANGED)
    image[0, 0] = 77
    cv2.imwrite(str(pair_folder / "ir" / "3.png"), image)
    (tmp_path / "deadly.py").write_text(DEADLY)
    result = run("--plugin", tmp_path / "deadly.py", methods="average,deadly")
    assert result.code == 3
    assert "fuse deadly on own all" in result.err
    assert "the worker process died" in result.err
    records = pd.read_parquet(tmp_path / "R" / "records.parquet")
    failed = records.loc[records["status"] == "failed", ["method", "pair"]].to_numpy().tolist()
    # The pair before may have been on its way to the disk both times.
    assert failed in ([["deadly", "3"]], [["deadly", "2"], ["deadly", "3"]])
    assert records["metric"].eq("EN").sum() == 8 - len(failed)
