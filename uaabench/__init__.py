"""uaabench: benchmark and evaluation suite for infrared-visible image fusion.

`run` and `evaluate` are the whole Python interface; the command line is a thin layer on them. Both are imported when
they are first used, so that `import uaabench` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from uaabench.core.version import __version__

if TYPE_CHECKING:
    from uaabench.api import evaluate, run
    from uaabench.core.errors import UaabenchError
    from uaabench.reporting.results import Evaluation, RunResult

__all__ = ["Evaluation", "RunResult", "UaabenchError", "__version__", "evaluate", "run"]

# Where each name that is imported on its first use is defined.
_HOMES = {
    "Evaluation": "uaabench.reporting.results",
    "RunResult": "uaabench.reporting.results",
    "UaabenchError": "uaabench.core.errors",
    "evaluate": "uaabench.api",
    "run": "uaabench.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'uaabench' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
