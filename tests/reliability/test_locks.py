"""One process at a time works in a run directory, whatever became of the one before."""

import json
import os
import random
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from processes import start, wait_for
from uaabench.core.errors import UsageError
from uaabench.running import lock

OWNER = {"token": "t", "host": socket.gethostname(), "boot": lock._boot(), "pid": 1, "started": lock._started(1)}


def write(folder, content, age=0.0):
    folder.mkdir()
    (folder / "lock").write_text(content if isinstance(content, str) else json.dumps(content))
    os.utime(folder / "lock", (time.time() - age,) * 2)


@pytest.mark.slow
def test_a_second_process_is_told_who_works_and_harms_nothing(run, pair_folder, tmp_path):
    first = start("run", "--methods", "slow", "--plugin", slow(tmp_path), "--datasets", f"own={pair_folder}",
                  "--metrics", "EN", "--segmenter", "none", "--out", tmp_path / "R", SLOW_SECONDS="1.5")  # fmt: skip
    wait_for(lambda: list((tmp_path / "R").glob("fuse/own/all/slow-*/*.png")), first)
    second = run()
    assert second.code == 2
    assert f"is in use by process {first.pid} on {socket.gethostname()}" in second.err
    first.join()
    assert first.exitcode == 0, first.log.read_text()
    assert not (tmp_path / "R" / "lock").exists()


def slow(folder):
    """A method that takes its time."""
    (folder / "slow.py").write_text(
        "import os, time\n"
        "from uaabench.core.interface import LuminanceMethod, MethodCard\n"
        "class Slow(LuminanceMethod):\n"
        "    card = MethodCard(name='slow', title='Slow', kind='classical', version=1, summary='s')\n"
        "    def fuse_luminance(self, ir, y):\n"
        "        time.sleep(float(os.environ['SLOW_SECONDS']))\n"
        "        return (ir + y) / 2\n"
    )
    return folder / "slow.py"


def dead_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("owner", "age"),
    [
        ({**OWNER, "pid": dead_process(), "started": "1"}, 0),
        ({**OWNER, "pid": os.getpid(), "started": "1"}, 0),  # the number was used again
        ({**OWNER, "host": "elsewhere"}, 100),
        ({**OWNER, "boot": "another"}, 100),
        ("", 100),
        ("{", 100),
        ("[]", 100),
        ("\0", 100),
        ('{"pid": "1", "boot": 7, "host": []}', 100),
    ],
)
def test_the_lock_of_a_dead_process_is_taken(run, tmp_path, owner, age):
    write(tmp_path / "R", owner, age)
    assert run().code == 0
    assert not [path for path in (tmp_path / "R").iterdir() if "lock" in path.name]


@pytest.mark.parametrize(
    "owner", [OWNER, {**OWNER, "host": "elsewhere"}, {**OWNER, "boot": "another"}, "", "{", "[]", "\0\0"]
)
def test_the_lock_of_a_process_that_may_live_is_kept(run, tmp_path, owner):
    write(tmp_path / "R", owner)
    result = run()
    assert result.code == 2
    assert "is in use by process" in result.err
    assert [path.name for path in (tmp_path / "R").iterdir()] == ["lock"]


def test_a_process_of_another_container_is_not_taken_for_dead(run, tmp_path, monkeypatch):
    """It has the same machine and may have the same host name, but its number means nothing here."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(Path, "readlink", lambda _path: Path("pid:[1]"))
        owner = {**OWNER, "boot": lock._boot(), "pid": dead_process()}
    write(tmp_path / "R", owner)
    assert run().code == 2


def test_a_lock_in_the_making_is_no_lock_and_does_not_stay(run, tmp_path):
    (tmp_path / "R").mkdir()
    (tmp_path / "R" / ".lock-0123.partial").write_text("{")
    assert run().code == 0


def test_a_folder_in_the_place_of_the_lock_is_one_sentence(run, tmp_path):
    (tmp_path / "R" / "lock").mkdir(parents=True)
    result = run()
    assert result.code in (2, 5)
    assert result.err.count("\n") == 1


def slowed(function):
    """Let other threads go first at random, before and after."""

    def slow_one(*arguments, **options):
        time.sleep(random.random() * 0.004)
        result = function(*arguments, **options)
        time.sleep(random.random() * 0.004)
        return result

    return slow_one


def test_of_many_that_find_a_dead_lock_one_gets_it(tmp_path, monkeypatch):
    """Real threads: each takes the lock or is refused, and never two at once."""
    monkeypatch.setattr(os, "link", slowed(os.link))
    for step in ("rename", "replace", "unlink"):
        monkeypatch.setattr(Path, step, slowed(getattr(Path, step)))
    monkeypatch.setattr(lock, "_may_live", slowed(lock._may_live))
    inside, most, taken = [], [], []

    def take(run):
        with suppress(UsageError), lock.locked(run):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.002)
            inside.pop()
            taken.append(run)

    runs = [tmp_path / str(turn) for turn in range(15)]
    for run in runs:
        write(run, {**OWNER, "pid": 2**22 + 1, "started": "1"})
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(take, [run] * 32))
        assert list(run.iterdir()) == []
    assert max(most) == 1
    assert set(taken) == set(runs)
