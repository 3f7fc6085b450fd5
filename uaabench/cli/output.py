"""Standard output and error that end no command: when nobody reads them any more, and when they lack a character."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from typing_extensions import Buffer


class _Pipe(io.FileIO):
    """A file that takes no harm when its reader has gone, as behind `| head`: what follows is dropped."""

    def write(self, data: Buffer) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            self._drop()
            return memoryview(data).nbytes
        except OSError as error:
            self._drop()  # else the rest of the buffer would raise it again at the end
            error.filename = "standard output"
            raise

    def _drop(self) -> None:
        """Let whatever is still written go nowhere."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


def prepare() -> None:
    """Let a command work to its end, with its own exit code, whoever reads what it prints.

    A character that the terminal cannot show is printed as its number, so that two names stay two.
    """
    sys.stdout, sys.stderr = _safe(sys.stdout), _safe(sys.stderr)


def _safe(stream: TextIO) -> TextIO:
    # None where the shell closed it; something else than the file itself in tests and notebooks.
    if not isinstance(stream, io.TextIOWrapper) or stream not in (sys.__stdout__, sys.__stderr__):
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Pipe(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
