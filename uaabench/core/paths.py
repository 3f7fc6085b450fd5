"""Where uaabench keeps things for a user: data sets, official weights, and what it can make again.

`$UAABENCH_HOME` moves all three below one folder; `$UAABENCH_DATA` names the data root alone.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Folder of things that can be made again, such as the demo set."""
    return _folder("cache", platformdirs.user_cache_path("uaabench"))


def data_folder() -> Path:
    """The data root that is used when none is named on the command line."""
    named = os.environ.get("UAABENCH_DATA")
    return Path(named).expanduser() if named else _folder("data", platformdirs.user_data_path("uaabench") / "data")


def weights_folder() -> Path:
    """Folder of official checkpoints, each named by its SHA-256."""
    return _folder("weights", platformdirs.user_data_path("uaabench") / "weights")


def _folder(name: str, default: Path) -> Path:
    home = os.environ.get("UAABENCH_HOME")
    return Path(home).expanduser() / name if home else default
