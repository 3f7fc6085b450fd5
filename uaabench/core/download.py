"""Fetching a file from where its authors put it: whole and checked by its hash, or not at all.

A line that breaks is taken up again where it broke, a few times in one call and, where the caller keeps the partial
file, in the next call too. Proxies are those of the environment (`$HTTPS_PROXY`, `$NO_PROXY`). Where the host itself
cannot be reached, `$UAABENCH_MIRROR` is put before the address of every file whose hash is known, as that cannot be
forged.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from uaabench.core.errors import DownloadError, StorageError
from uaabench.core.files import sha256

ATTEMPTS = 3
# Seconds before a second and a third attempt.
PAUSES = (1.0, 4.0)
# Seconds to connect, and between two pieces of an answer.
TIMEOUT = (10.0, 30.0)
# What came of a piece that was not completed is lost.
_PIECE = 2**13
# What passes: the server is busy, or a gateway before it.
_PASSING = {429, 500, 502, 503, 504}


def download(
    url: str, path: Path, expected: str = "", *, mend: str, keep_partial: bool = False, partial: Path | None = None
) -> str:
    """Fetch a file, unless it is here already with the right hash; what is here is replaced by that alone.

    Args:
        url: Where it lies.
        path: Where it goes; its folder is made.
        expected: Its SHA-256; empty where nobody has published it. Then a file that is here is left as it is, and an
            answer from elsewhere, such as the page of a login, is refused.
        mend: What a user can do when it cannot be fetched, the end of a sentence.
        keep_partial: Leave what came of a file whose line broke, for the next call to go on from.
        partial: Where that is kept; beside `path` unless given.

    Returns:
        The SHA-256 of the file.

    Raises:
        DownloadError: It cannot be fetched, or what comes is something else.
        StorageError: It cannot be written.
    """
    partial = partial or path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _fetched(_mirrored(url) if expected else url, path, expected, partial)
    except requests.RequestException as error:
        raise DownloadError(f"Cannot fetch {url}: {_reason(error, url)}; {mend}") from error
    except DownloadError as error:
        raise DownloadError(f"{error}; {mend}") from error
    except OSError as error:
        raise StorageError.of(path, error) from error
    finally:
        if not keep_partial:
            with suppress(OSError):
                partial.unlink()


def _mirrored(url: str) -> str:
    mirror = os.environ.get("UAABENCH_MIRROR", "")
    return f"{mirror.rstrip('/')}/{url}" if mirror else url


def _fetched(url: str, path: Path, expected: str, partial: Path) -> str:
    """Fetch with pooch, which compares the hash before the file takes its place.

    What was appended to a piece of another file has a wrong hash, so that such a file is fetched once more as a whole.
    """
    import pooch

    pooch.get_logger().setLevel(logging.ERROR)
    resumed = partial.exists()
    for _ in range(1 + resumed):
        resuming = _Resuming(partial, follows=bool(expected))
        try:
            pooch.retrieve(url, f"sha256:{expected}" if expected else None, path.name, path.parent, downloader=resuming)
        except requests.RequestException:  # some of which are ValueErrors
            raise
        except ValueError:
            found = resuming.found
        else:
            return expected or sha256(path)
    raise DownloadError(
        f"What came from {url} has the SHA-256 {found[:12]}… instead of {expected[:12]}…, so that nothing of it was "
        "kept"
    )


@dataclass
class _Resuming:
    """A downloader for pooch that appends to a partial file, and hands it over when it is whole.

    Attributes:
        partial: The partial file.
        follows: Whether a redirection is followed.
        found: SHA-256 of what was handed over.
    """

    partial: Path
    follows: bool
    found: str = ""

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        for pause in (*PAUSES[: ATTEMPTS - 1], None):
            try:
                self._append(url)
                break
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                if pause is None or isinstance(error, requests.exceptions.ProxyError):
                    raise
            except requests.HTTPError as error:
                if pause is None or error.response is None or error.response.status_code not in _PASSING:
                    raise
            time.sleep(pause)
        self.found = sha256(self.partial)
        os.replace(self.partial, output_file)

    def _append(self, url: str) -> None:
        here = self.partial.stat().st_size if self.partial.exists() else 0
        # Packed for the way, an answer has no length that a cut could be told by, and no place to go on from.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={here}-"} if here else {})
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT, allow_redirects=self.follows) as answer:
            if answer.status_code == 416 and here:  # the piece is no beginning of that file, or is all of it
                if _range(answer) == (None, here):
                    return
                self.partial.unlink()
                raise requests.ConnectionError("the file on the server is shorter than the part that is here")
            if answer.is_redirect:
                raise DownloadError(
                    f"Cannot fetch {url}: the server sends on to {answer.headers['location']}, which is not followed, "
                    "as the hash of the file is not known"
                )
            answer.raise_for_status()
            goes_on = answer.status_code == 206 and _range(answer)[0] == here
            with self.partial.open("ab" if goes_on else "wb") as file:
                for piece in answer.iter_content(_PIECE):
                    file.write(piece)


def _range(answer: requests.Response) -> tuple[int | None, int | None]:
    """First byte and length of the whole file, as far as an answer tells."""
    told = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", answer.headers.get("content-range", ""))
    if told is None:
        return None, None
    first, whole = told.groups()
    return int(first) if first else None, int(whole) if whole.isdigit() else None


# The first kind that fits says why nothing came, so that the special ones stand first.
_REASONS: tuple[tuple[type[Exception], Callable[[Exception, str], str]], ...] = (
    (requests.HTTPError, lambda error, _: f"the server says {_status(error)}"),
    (requests.exceptions.ProxyError, lambda *_: "the proxy that $HTTPS_PROXY or $HTTP_PROXY names does not answer"),
    (requests.exceptions.SSLError, lambda *_: "the certificate of the server is not trusted here"),
    (requests.TooManyRedirects, lambda *_: "the server sends from page to page without end"),
    (requests.Timeout, lambda _, url: f"{urlsplit(url).hostname} did not answer in time"),
    (requests.exceptions.ChunkedEncodingError, lambda *_: f"the line broke {ATTEMPTS} times"),
    (requests.ConnectionError, lambda _, url: f"there is no connection to {urlsplit(url).hostname}"),
)


def _reason(error: Exception, url: str) -> str:
    for kind, said in _REASONS:
        if isinstance(error, kind):
            return said(error, url)
    return " ".join(str(error).split())


def _status(error: Exception) -> str:
    answer = getattr(error, "response", None)
    return f"{answer.status_code} {answer.reason}".strip() if answer is not None else str(error)
