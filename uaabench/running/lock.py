"""One process at a time works in a run directory: a lock file with a heartbeat, which shared file systems can carry.

The file holds who has it and is touched every few seconds. Another process refuses to start as long as the owner may be
alive: on the machine of the owner the process table says so, elsewhere the heartbeat, whose age is measured against a
file that is made in the same folder, as clocks of two machines differ.
"""

from __future__ import annotations

import hashlib
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
        if _holds(file, token):
            file.unlink(missing_ok=True)


def _take(file: Path, token: str) -> None:
    owner = {
        "token": token,
        "host": socket.gethostname(),
        "boot": _boot(),
        "pid": os.getpid(),
        "started": _started(os.getpid()),
    }
    fresh = file.with_name(f".{NAME}-{token}.partial")
    try:
        fresh.write_text(json.dumps(owner), encoding="utf-8")
        _claim(file, fresh)
    except OSError as error:
        raise StorageError.of(file, error) from error
    finally:
        fresh.unlink(missing_ok=True)


def _claim(file: Path, fresh: Path) -> None:
    """Make `file` what `fresh` is, unless its owner may be alive.

    The lock of a dead process is replaced in one step, by the one that claims the right to do so: were it taken away
    first, a third process could come in between.

    Raises:
        UsageError: The owner may be alive, or somebody else was faster.
    """
    for _ in range(3):
        # A hard link fails where there is a file, in one step, on network file systems too.
        with suppress(FileExistsError):
            os.link(fresh, file)
            return
        content = _content(file)
        if content is None:
            continue
        if _may_live(_owner(content), file, fresh):
            break
        right = file.with_name(f".{NAME}-{hashlib.sha256(content).hexdigest()[:32]}.partial")
        _claim(right, fresh)
        try:
            if _content(file) == content:
                _replace(file, fresh)
                return
        finally:
            right.unlink(missing_ok=True)
    raise UsageError(_busy(file))


def _replace(file: Path, fresh: Path) -> None:
    aside = fresh.with_name(f"{fresh.stem}-aside.partial")
    os.link(fresh, aside)
    aside.replace(file)


def _may_live(owner: dict[str, Any], file: Path, fresh: Path) -> bool:
    if owner.get("boot") == _boot() and owner.get("host") == socket.gethostname() and _boot():
        pid = owner.get("pid")
        return isinstance(pid, int) and _started(pid) == owner.get("started")
    try:
        os.utime(fresh)
        return fresh.stat().st_mtime - file.stat().st_mtime < PATIENCE
    except FileNotFoundError:
        return False


def _content(file: Path) -> bytes | None:
    """What a lock holds, None where there is none."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _owner(content: bytes | None) -> dict[str, Any]:
    try:
        owner = json.loads(content or b"")
    except (ValueError, RecursionError):
        return {}
    return owner if isinstance(owner, dict) else {}


def _holds(file: Path, token: str) -> bool:
    with suppress(OSError):
        return _owner(_content(file)).get("token") == token
    return False


def _busy(file: Path) -> str:
    owner = _owner(_content(file))
    who = f"process {owner.get('pid', 'unknown')} on {owner.get('host', 'an unknown machine')}"
    return (
        f"The folder {file.parent} is in use by {who}; wait for it, or name another one with --out or --data-root. If "
        f"that process is dead, the lock ends by itself {PATIENCE:.0f} seconds after its last sign of life."
    )


def _beat(file: Path, token: str, stop: threading.Event) -> None:
    while not stop.wait(BEAT):
        if _holds(file, token):
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
