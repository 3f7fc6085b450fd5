"""A file is fetched whole and right, or one sentence says why not and nothing is left."""

import hashlib
import socket

import pytest

from server import serving
from uaabench.core import download as downloading
from uaabench.core.download import download
from uaabench.core.errors import DownloadError, StorageError

CONTENT = bytes(range(256)) * 256
SHA = hashlib.sha256(CONTENT).hexdigest()
OTHER = hashlib.sha256(bytes(65536)).hexdigest()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(downloading, "PAUSES", (0.0, 0.0))
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "UAABENCH_MIRROR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    with serving() as state:
        state.files["/a.bin"] = CONTENT
        yield state


@pytest.fixture
def fetch(server, tmp_path):
    def call(*faults, expected=SHA, **options):
        server.faults["/a.bin"] = list(faults)
        return download(f"{server.url}/a.bin", tmp_path / "in" / "a.bin", expected, mend="get it by hand", **options)

    return call


def held(tmp_path):
    return {path.name: path.read_bytes() for path in (tmp_path / "in").iterdir()}


@pytest.mark.parametrize(
    "faults",
    [(), ("cut", ""), ("cut", "cut", ""), ("cut", "whole"), ("503", "429", ""), ("moved",), ("cut", "moved", "")],
    ids=" ".join,
)
def test_a_file_comes_whole_in_spite_of_what_passes(fetch, tmp_path, faults):
    assert fetch(*faults) == SHA
    assert held(tmp_path) == {"a.bin": CONTENT}


def test_a_broken_line_is_taken_up_where_it_broke(fetch, server):
    fetch("cut", "cut", "")
    # Half of 64 kB, then half of the other half.
    assert server.asked == [("/a.bin", ""), ("/a.bin", "bytes=32768-"), ("/a.bin", "bytes=49152-")]


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        (("404",), "Cannot fetch {url}: the server says 404 Not Found; get it by hand"),
        (("500",), "Cannot fetch {url}: the server says 500 Internal Server Error; get it by hand"),
        (("cut-forever",), "Cannot fetch {url}: the line broke 3 times; get it by hand"),
        (("loop",), "Cannot fetch {url}: the server sends from page to page without end; get it by hand"),
        (("file",), "Cannot fetch {url}: No connection adapters were found for 'file:///etc/hostname'; get it by hand"),
        (
            ("other",),
            f"What came from {{url}} has the SHA-256 {OTHER[:12]}… instead of {SHA[:12]}…, so that nothing of it was "
            "kept; get it by hand",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_cannot_be_fetched_is_one_sentence_and_leaves_nothing(fetch, server, tmp_path, faults, reason):
    with pytest.raises(DownloadError) as caught:
        fetch(*faults)
    assert str(caught.value) == reason.format(url=f"{server.url}/a.bin")
    assert held(tmp_path) == {}


@pytest.mark.parametrize("fault", ["404", "cut-forever", "other", "loop", "cut"])
def test_a_file_that_is_here_is_never_replaced_by_a_worse_one(fetch, tmp_path, fault):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.bin").write_text("an older file")
    with pytest.raises(DownloadError):
        fetch(fault, "other")
    assert held(tmp_path) == {"a.bin": b"an older file"}
    assert fetch() == SHA
    assert held(tmp_path) == {"a.bin": CONTENT}


def test_a_right_file_that_is_here_needs_no_line(fetch, server):
    fetch()
    server.asked.clear()
    assert fetch("404") == SHA
    assert server.asked == []


def test_the_next_call_goes_on_where_the_last_one_was_cut(fetch, server, tmp_path):
    with pytest.raises(DownloadError):
        fetch("cut", "cut-forever", keep_partial=True)
    assert held(tmp_path) == {".a.bin.part": CONTENT[:32768]}
    server.asked.clear()
    assert fetch("", keep_partial=True) == SHA
    assert server.asked == [("/a.bin", "bytes=32768-")]
    assert held(tmp_path) == {"a.bin": CONTENT}


@pytest.mark.parametrize("piece", [bytes(100), CONTENT[:-1] + b"x", CONTENT, CONTENT + b"more"])
def test_a_piece_of_another_file_does_no_harm(fetch, tmp_path, piece):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / ".a.bin.part").write_bytes(piece)
    assert fetch() == SHA
    assert held(tmp_path) == {"a.bin": CONTENT}


def test_without_a_known_hash_a_redirection_is_refused_as_it_may_be_a_login(fetch, server, tmp_path):
    with pytest.raises(DownloadError, match=r"sends on to /login\.html, which is not followed, as the hash"):
        fetch("page", expected="")
    assert held(tmp_path) == {}
    assert fetch("", expected="") == SHA


def test_without_a_known_hash_a_file_that_is_here_is_left_as_it_is(fetch, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.bin").write_bytes(b"mine")
    assert fetch(expected="") == hashlib.sha256(b"mine").hexdigest()


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_without_a_network_one_sentence_names_the_host(tmp_path):
    with pytest.raises(DownloadError, match=r"there is no connection to 127\.0\.0\.1; get it by hand$"):
        download(f"http://127.0.0.1:{closed_port()}/a.bin", tmp_path / "a.bin", SHA, mend="get it by hand")
    assert list(tmp_path.iterdir()) == []


def test_the_proxy_of_the_environment_is_used(server, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    assert download("http://elsewhere.invalid/a.bin", tmp_path / "a.bin", SHA, mend="") == SHA


def test_a_proxy_that_does_not_answer_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(DownloadError, match=r"the proxy that .* names does not answer; get it by hand"):
        download("http://elsewhere.invalid/a.bin", tmp_path / "a.bin", SHA, mend="get it by hand")


def test_a_mirror_stands_before_the_address_of_a_file_of_known_hash_only(server, tmp_path, monkeypatch):
    monkeypatch.setenv("UAABENCH_MIRROR", f"{server.url}/")
    address = f"http://127.0.0.1:{closed_port()}/a.bin"
    server.files[f"/{address}"] = CONTENT
    assert download(address, tmp_path / "a.bin", SHA, mend="") == SHA
    with pytest.raises(DownloadError, match=r"no connection to 127\.0\.0\.1"):
        download(address, tmp_path / "b.bin", "", mend="")


def test_a_folder_that_cannot_be_made_is_a_matter_of_storage(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Cannot write"):
        download(f"{server.url}/a.bin", tmp_path / "file" / "a.bin", SHA, mend="")
