"""One process at a time works in a run directory: a lock file with a heartbeat, which shared file systems can carry.

The file holds who has it and is touched every few seconds. Another process refuses to start as long as the owner may be
alive: on the machine of the owner the process table says so, elsewhere the heartbeat, whose age is measured against a
file that is made in the same folder, as clocks of two machines differ.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from uaabench.core.errors import StorageError, UsageError

NAME = "lock"
BEAT = 5.0
# So many seconds without a heartbeat, and the owner is taken for dead.
PATIENCE = 60.0


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Hold the lock of a run directory while the block runs.

    Raises:
        UsageError: Another process works in the directory.
        StorageError: The lock cannot be written.
    """
    file, token = run / NAME, uuid.uuid4().hex
    _take(file, token)
    stop = threading.Event()
    heart = threading.Thread(target=_beat, args=(file, token, stop), daemon=True)
    heart.start()
    try:
        yield
    finally:
        stop.set()
        heart.join()
        if _owner(file).get("token") == token:
            file.unlink(missing_ok=True)


def _take(file: Path, token: str) -> None:
    owner = {
        "token": token,
        "host": socket.gethostname(),
        "boot": _boot(),
        "pid": os.getpid(),
        "started": _started(os.getpid()),
    }
    aside = file.with_name(f".{NAME}-{token}.partial")
    try:
        aside.write_text(json.dumps(owner), encoding="utf-8")
        for _ in range(3):
            # A hard link fails where there is a file, in one step, on network file systems too.
            with suppress(FileExistsError):
                os.link(aside, file)
                return
            _remove_stale(file, aside)
        raise UsageError(_busy(file, _owner(file)))
    except OSError as error:
        raise StorageError.of(file, error) from error
    finally:
        aside.unlink(missing_ok=True)


def _remove_stale(file: Path, fresh: Path) -> None:
    """Take away the lock of a dead process; of two that try it at once only one succeeds.

    Raises:
        UsageError: The owner may be alive.
    """
    owner = _owner(file)
    if _may_live(owner, file, fresh):
        raise UsageError(_busy(file, owner))
    grave = file.with_name(f".{NAME}-{uuid.uuid4().hex}.partial")
    with suppress(FileNotFoundError):
        file.rename(grave)
        if _owner(grave).get("token") != owner.get("token"):
            # Somebody else was faster, and this is already their lock.
            with suppress(FileExistsError):
                os.link(grave, file)
        grave.unlink()


def _may_live(owner: dict[str, Any], file: Path, fresh: Path) -> bool:
    if owner.get("boot") == _boot() and owner.get("host") == socket.gethostname() and _boot():
        pid = owner.get("pid")
        return isinstance(pid, int) and _started(pid) == owner.get("started")
    try:
        os.utime(fresh)
        return fresh.stat().st_mtime - file.stat().st_mtime < PATIENCE
    except FileNotFoundError:
        return False


def _owner(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _busy(file: Path, owner: dict[str, Any]) -> str:
    who = f"process {owner.get('pid', 'unknown')} on {owner.get('host', 'an unknown machine')}"
    return (
        f"The run directory {file.parent} is in use by {who}; wait for it, or name another directory with --out. If "
        f"that process is dead, the lock ends by itself {PATIENCE:.0f} seconds after its last sign of life."
    )


def _beat(file: Path, token: str, stop: threading.Event) -> None:
    while not stop.wait(BEAT):
        if _owner(file).get("token") == token:
            with suppress(OSError):
                os.utime(file)


def _boot() -> str:
    """What tells this start of this machine, and a container on it, from all others; empty where nothing does."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # Numbers of processes mean something within a namespace only.
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process of this machine was started, in ticks since the machine was: empty where there is none such.

    The number of a process is used again after it has ended, its time of start is not.
    """
    try:
        content = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return content.rpartition(")")[2].split()[19]
