"""One process at a time works in a run directory, and the lock of a dead one ends by itself."""

import json
import os
import socket
import subprocess
import sys
import time

import pytest

from uaabench.core.errors import StorageError, UsageError
from uaabench.running import lock
from uaabench.running.lock import locked


def leave(folder, *, age=0.0, **owner):
    """Leave the lock of another process, whose last sign of life is so many seconds old."""
    known = {"token": "theirs", "host": socket.gethostname(), "boot": lock._boot(), "pid": os.getpid(), "started": "1"}
    file = folder / "lock"
    file.write_text(json.dumps({**known, **owner}))
    then = time.time() - age
    os.utime(file, (then, then))
    return file


def test_a_lock_says_who_holds_it_and_goes_when_the_block_ends(tmp_path):
    with locked(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == ["lock"]
        owner = json.loads((tmp_path / "lock").read_text())
        assert set(owner) == {"token", "host", "boot", "pid", "started"}
        assert (owner["host"], owner["pid"]) == (socket.gethostname(), os.getpid())
        assert (owner["boot"], owner["started"]) == (lock._boot(), lock._started(os.getpid()))
        assert len(owner["token"]) == 32
    assert list(tmp_path.iterdir()) == []


def test_a_lock_goes_when_the_block_raises(tmp_path):
    with pytest.raises(ValueError, match="broken"), locked(tmp_path):
        raise ValueError("broken")
    assert list(tmp_path.iterdir()) == []


def test_a_second_one_is_refused_and_told_who_works_there(tmp_path):
    with (
        locked(tmp_path),
        pytest.raises(UsageError) as caught,
        locked(tmp_path),
    ):
        pytest.fail("two at once")
    assert str(caught.value) == (
        f"The folder {tmp_path} is in use by process {os.getpid()} on {socket.gethostname()}; wait for it, or name "
        "another one with --out or --data-root. If that process is dead, the lock ends by itself 60 seconds after its "
        "last sign of life."
    )
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_living_process_of_this_machine_holds_however_old_its_last_sign_of_life(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        leave(tmp_path, age=1000, pid=other.pid, started=lock._started(other.pid))
        with pytest.raises(UsageError, match=f"in use by process {other.pid} on"), locked(tmp_path):
            pytest.fail("two at once")
        other.communicate(b"\n")
    with locked(tmp_path):
        assert lock._owner(lock._content(tmp_path / "lock"))["pid"] == os.getpid()


@pytest.mark.parametrize("owner", [{"pid": 2**22 + 1}, {"started": "1"}, {"pid": "1"}, {"pid": None}], ids=str)
def test_the_lock_of_a_dead_process_of_this_machine_is_taken(tmp_path, owner):
    leave(tmp_path, **owner)
    with locked(tmp_path):
        assert lock._owner(lock._content(tmp_path / "lock"))["token"] != "theirs"
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


# A process of another machine cannot be looked up: its number may be that of a process here.
ELSEWHERE = [{"host": "elsewhere"}, {"boot": "another"}, {"boot": ""}]


@pytest.mark.parametrize("owner", ELSEWHERE, ids=str)
def test_the_lock_of_another_machine_holds_as_long_as_it_gives_a_sign_of_life(tmp_path, owner):
    leave(tmp_path, age=lock.PATIENCE - 5, **owner)
    with pytest.raises(UsageError, match="is in use by process"), locked(tmp_path):
        pytest.fail("two at once")
    assert json.loads((tmp_path / "lock").read_text())["token"] == "theirs"
    leave(tmp_path, age=lock.PATIENCE + 5, **owner)
    with locked(tmp_path):
        pass


def test_where_nothing_tells_two_starts_of_a_machine_apart_the_sign_of_life_decides(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "_boot", lambda: "")
    leave(tmp_path, boot="", pid=2**22 + 1)
    with pytest.raises(UsageError, match="is in use"), locked(tmp_path):
        pytest.fail("two at once")


@pytest.mark.parametrize("content", ["", "{", "[1]", "\xff"])
def test_a_lock_that_says_nothing_holds_until_it_is_old(tmp_path, content):
    file = tmp_path / "lock"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(UsageError, match="process unknown on an unknown machine"), locked(tmp_path):
        pytest.fail("two at once")
    os.utime(file, (0, 0))
    with locked(tmp_path):
        assert lock._owner(lock._content(file))["pid"] == os.getpid()


def test_a_lock_that_was_taken_by_another_one_meanwhile_stays_theirs(tmp_path):
    with locked(tmp_path):
        leave(tmp_path)
    assert json.loads((tmp_path / "lock").read_text())["token"] == "theirs"


def test_of_two_that_find_a_stale_lock_the_slower_one_leaves_the_lock_of_the_faster(tmp_path, monkeypatch):
    leave(tmp_path)
    judged = lock._may_live

    def overtaken(owner, file, fresh):
        result = judged(owner, file, fresh)
        if owner["token"] == "theirs":
            leave(tmp_path, token="faster", started=lock._started(os.getpid()))
        return result

    monkeypatch.setattr(lock, "_may_live", overtaken)
    with pytest.raises(UsageError, match="is in use"), locked(tmp_path):
        pytest.fail("two at once")
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    assert json.loads((tmp_path / "lock").read_text())["token"] == "faster"


def test_a_stale_lock_that_another_one_took_away_is_no_fault(tmp_path, monkeypatch):
    file = leave(tmp_path)
    monkeypatch.setattr(lock, "_may_live", lambda *_: file.unlink(missing_ok=True) and False)
    with locked(tmp_path):
        assert file.is_file()


def test_one_that_is_overtaken_again_and_again_gives_up(tmp_path, monkeypatch):
    def always_faster(*_):
        leave(tmp_path, token=str(time.monotonic()))
        return False

    leave(tmp_path)
    monkeypatch.setattr(lock, "_may_live", always_faster)
    with pytest.raises(UsageError, match=f"is in use by process {os.getpid()} on"), locked(tmp_path):
        pytest.fail("two at once")


def test_a_lock_gives_signs_of_life_as_long_as_it_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "BEAT", 0.01)
    file = tmp_path / "lock"
    with locked(tmp_path):
        for _ in range(2):
            os.utime(file, (0, 0))
            until = time.monotonic() + 20
            while file.stat().st_mtime == 0:
                assert time.monotonic() < until, "no sign of life"
                time.sleep(0.01)
        # Of a lock that is another's none is given.
        leave(tmp_path, age=1000)
        time.sleep(0.2)
        assert time.time() - file.stat().st_mtime > 900


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(StorageError, match=r"Cannot write .*nowhere/lock: No such file"), locked(tmp_path / "nowhere"):
        pytest.fail("no folder")


def test_a_process_is_known_by_when_it_started():
    ticks = os.sysconf("SC_CLK_TCK")
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        started = int(lock._started(process.pid)) / ticks
        after = time.clock_gettime(time.CLOCK_BOOTTIME)
        process.communicate(b"\n")
    assert before - 1 < started < after + 1
    assert lock._started(2**22 + 1) == ""
    assert lock._boot() == lock._boot() != ""
