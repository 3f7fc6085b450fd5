"""A web server on the loopback that holds files in memory and misbehaves on request."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any


@dataclass
class Server:
    """What a test says to the server, and what the server saw.

    Attributes:
        url: Its address.
        files: Content by path, `/a.bin`.
        faults: By path, what is done instead of serving the file, one fault a request, the last one for ever: `cut`
            breaks off in the middle, `cut-forever` before anything new, `other` sends another file of the same length,
            `whole` takes no notice of a range, `moved` sends on to the same path below `/moved`, `loop` to itself,
            `page` to a page of HTML, `file` to a file of this machine; a number is the status of the answer.
        asked: Path and range of each request.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def fault(self, path: str) -> str:
        """The next fault of a path."""
        waiting = self.faults.get(path, [])
        return waiting.pop(0) if len(waiting) > 1 else (waiting or [""])[0]


@contextmanager
def serving() -> Iterator[Server]:
    """Serve until the block ends."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            # A proxy is asked for the whole address.
            path = self.path.removeprefix("http://elsewhere.invalid")
            state.asked.append((path, self.headers.get("Range", "")))
            with suppress(ConnectionError):
                _answer(self, state, path)

        def log_message(self, *_: Any) -> None:
            pass

    # An HTTPServer would look up the name of this machine, which takes seconds without a network.
    server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


def _answer(handler: BaseHTTPRequestHandler, state: Server, path: str) -> None:
    fault = state.fault(path)
    targets = {"moved": f"/moved{path}", "loop": path, "page": "/login.html", "file": "file:///etc/hostname"}
    if fault in targets:
        _send(handler, 302, b"", {"Location": targets[fault]})
        return
    content = state.files.get(path.removeprefix("/moved"))
    if content is None or fault.isdigit():
        _send(handler, int(fault or 404), b"no such file")
        return
    if fault == "other":
        content = bytes(len(content))
    start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
    if start and fault != "whole":
        if start >= len(content):
            _send(handler, 416, b"", {"Content-Range": f"bytes */{len(content)}"})
            return
        told = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        _send(handler, 206, content[start:], told, fault)
    else:
        _send(handler, 200, content, {}, fault)


def _send(
    handler: BaseHTTPRequestHandler, status: int, content: bytes, headers: dict[str, str] | None = None, fault: str = ""
) -> None:
    handler.send_response(status)
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    sent = {"cut": len(content) // 2, "cut-forever": 0}.get(fault, len(content))
    handler.wfile.write(content[:sent])
    if sent < len(content):
        handler.close_connection = True
