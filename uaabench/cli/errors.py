"""How a command ends that did not get through: one sentence on standard error, and the exit code of its kind.

What is no error of the user's is a defect; its traceback goes to a file that the sentence names.
"""

from __future__ import annotations

import errno
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

import uaabench
from uaabench.core import paths
from uaabench.core.errors import DataError, StorageError, UaabenchError

DEFECT = 70
INTERRUPTED = 130
# What a disk or a folder says that takes no more, in whichever part of the program.
UNWRITABLE = {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EDQUOT, errno.EFBIG}


def tell(error: BaseException) -> int:
    """Say on standard error what ended a command, in one sentence.

    Returns:
        The exit code.
    """
    if isinstance(error, KeyboardInterrupt):
        sentence, code = "interrupted; what was finished is kept.", INTERRUPTED
    elif explained := _explained(error):
        sentence, code = str(explained), explained.exit_code
    else:
        sentence, code = _defect(error), DEFECT
    if sys.stderr is not None:
        print(f"uaabench: {sentence}", file=sys.stderr)
    return code


def _explained(error: BaseException) -> UaabenchError | None:
    """The error as its user is told of it; None for a defect."""
    if isinstance(error, UaabenchError):
        return error
    if not isinstance(error, OSError) or error.errno not in UNWRITABLE:
        return None
    place = Path(os.fsdecode(error.filename)) if isinstance(error.filename, (str, bytes)) else None
    if place and place.exists() and not os.access(place, os.R_OK):
        return DataError(f"Cannot read {place}: {error.strerror}; change its permissions.")
    return StorageError.of(place or Path("a file"), error)


def _defect(error: BaseException) -> str:
    """What went wrong inside, and where all of it is written down."""
    what = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":").removesuffix(".")
    if isinstance(error, SystemExit):
        what = f"code that was called wanted to end the program ({what})"
    elif isinstance(error, MemoryError):
        what = f"the memory of this machine did not suffice ({what}), take fewer --jobs or smaller images"
    text = "".join(_report(error))
    for folder in (Path(tempfile.gettempdir()), paths.cache_folder()):
        try:
            with tempfile.NamedTemporaryFile(
                "w",
                encoding="utf-8",
                errors="backslashreplace",
                prefix="uaabench-",
                suffix=".txt",
                dir=folder,
                delete=False,
            ) as file:
                file.write(text)
        except OSError:
            continue
        return f"{what}. This is a defect of uaabench or of a plugin; its traceback is in {file.name}"
    return f"{what}. This is a defect of uaabench or of a plugin; its traceback:\n{text}"


def _report(error: BaseException) -> Iterator[str]:
    yield f"uaabench {uaabench.__version__}, Python {platform.python_version()}, {platform.platform()}\n"
    yield f"{sys.argv}\n\n"
    yield from traceback.format_exception(error)
