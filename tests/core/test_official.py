"""Official checkpoints are fetched by their hash; what comes wrong or not at all leaves what was there."""

import hashlib
import re
from pathlib import Path

import pytest

from server import serving
from uaabench.core import download as downloading
from uaabench.core import official, paths, registry, weights
from uaabench.core.errors import DownloadError, UsageError, WeightsError
from uaabench.core.interface import Checkpoint, MethodCard

NET, CODER = b"weights of a net" * 1000, b"weights of a coder" * 1000


def sha(content):
    return hashlib.sha256(content).hexdigest()


def blob(content):
    """The name that git gives a file: `git hash-object` of its content."""
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setattr(downloading, "PAUSES", (0.0, 0.0))
    monkeypatch.setenv("UAABENCH_HOME", str(tmp_path / "home"))
    with serving() as state:
        state.files |= {"/net.pth": NET, "/coder.pth": CODER}
        yield state


@pytest.fixture
def card(server):
    both = "\n".join(sorted([sha(NET), sha(CODER)]))
    net, coder = f"{server.url}/net.pth", f"{server.url}/coder.pth"
    checkpoints = {
        "one": Checkpoint(sha256=sha(NET), source="https://example.org/net", urls=(net,)),
        "two": Checkpoint(
            sha256=sha(both.encode()), source="https://example.org", urls=(net, coder), parts=(sha(NET), sha(CODER))
        ),
        "new": Checkpoint(sha256="", source="https://example.org", urls=(coder,)),
        "git": Checkpoint(sha256="", git_blob=blob(NET), source="https://example.org", urls=(f"{server.url}/git.pth",)),
        "form": Checkpoint(sha256="0" * 64, source="https://example.org/form"),
    }
    return MethodCard(name="net", title="Net", kind="learned", version=1, summary="a net", checkpoints=checkpoints)


def held():
    folder = paths.weights_folder()
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", ["one", "two"])
def test_what_is_fetched_is_what_the_card_names(card, name):
    fetched = official.fetch(card, name)
    found = weights.resolve(card, name)
    found.verify()
    assert (fetched.path, fetched.sha256) == (found.path, card.checkpoints[name].sha256)
    assert not fetched.is_pinned


@pytest.mark.parametrize("fault", ["404", "cut-forever", "cut", "other", "loop"])
def test_what_fails_is_one_sentence_and_leaves_nothing(card, server, fault):
    server.faults["/net.pth"] = [fault, "other"]
    with pytest.raises(DownloadError) as caught:
        official.fetch(card, "one")
    assert str(caught.value).endswith("; get it from https://example.org/net and run: uaabench weights add net FILE")
    assert held() == []


def test_a_checkpoint_that_is_here_is_not_replaced_by_a_worse_one(card, server):
    official.fetch(card, "one")
    server.faults["/net.pth"] = ["other"]
    official.fetch(card, "one")
    weights.resolve(card, "one").verify()
    weights.stored(card.checkpoints["one"]).write_bytes(b"spoilt")
    with pytest.raises(DownloadError):
        official.fetch(card, "one")
    assert weights.stored(card.checkpoints["one"]).read_bytes() == b"spoilt"
    server.faults.clear()
    official.fetch(card, "one")
    weights.resolve(card, "one").verify()


def test_of_several_files_those_that_came_are_kept(card, server):
    server.faults["/coder.pth"] = ["404"]
    with pytest.raises(DownloadError):
        official.fetch(card, "two")
    assert weights.stored(card.checkpoints["two"]) is None
    server.faults.clear()
    server.asked.clear()
    official.fetch(card, "two")
    assert [path for path, _ in server.asked] == ["/coder.pth"]


def test_a_hash_that_nobody_has_published_is_pinned_by_the_first_fetch(card, server):
    assert weights.stored(card.checkpoints["new"]) is None
    with pytest.raises(WeightsError, match="run: uaabench weights fetch net@new, or get it from"):
        weights.resolve(card, "new")
    assert official.fetch(card, "new").is_pinned
    found = weights.resolve(card, "new")
    found.verify()
    assert (found.sha256, found.track) == (sha(CODER), "official")
    found.path.unlink()
    server.files["/coder.pth"] = b"another file"
    with pytest.raises(DownloadError, match=f"instead of {sha(CODER)[:12]}"):
        official.fetch(card, "new")
    assert held() == ["pins.json"]
    server.files["/coder.pth"] = CODER
    assert not official.fetch(card, "new").is_pinned


def test_an_unknown_hash_is_not_that_of_a_file_without_name(card, tmp_path):
    (tmp_path / "x.pth").write_bytes(b"x")
    with pytest.raises(WeightsError, match="no known checkpoint of net"):
        weights.add(card, tmp_path / "x.pth")
    paths.weights_folder().mkdir(parents=True)
    (paths.weights_folder() / ".pt").write_bytes(b"x")
    assert weights.stored(card.checkpoints["new"]) is None


def test_broken_pins_are_one_sentence(card):
    paths.weights_folder().mkdir(parents=True)
    (paths.weights_folder() / "pins.json").write_text("[1")
    with pytest.raises(WeightsError, match="is no list of pinned hashes; remove it"):
        official.fetch(card, "new")


def test_what_lies_behind_a_form_says_where(card):
    with pytest.raises(WeightsError, match=r"download of net@form; get it from https://example\.org/form and run: "):
        official.fetch(card, "form")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("average", "no official checkpoint of average 'any'"),
        ("tardal@td", "tardal 'td'; known are: ct, dt,"),
        ("tradal", "'tardal'"),
    ],
)
def test_a_wrong_name_is_explained(name, said):
    with pytest.raises(UsageError, match=said):
        list(official.wanted([name]))


def test_every_official_checkpoint_of_the_package_is_named_at_a_commit():
    names = [f"{card.name}@{name}" for card, name in official.wanted([])]
    cards = registry.method_cards()
    assert sorted(names) == sorted(f"{name}@{one}" for name, card in cards.items() for one in card.checkpoints)
    for card in cards.values():
        for checkpoint in card.checkpoints.values():
            assert len(checkpoint.urls) == max(1, len(checkpoint.parts))
            for url in checkpoint.urls:
                assert re.fullmatch(r"https://raw\.githubusercontent\.com/[\w-]+/[\w.-]+/[0-9a-f]{40}/[\w/.%-]+", url)
            if not checkpoint.sha256 and not checkpoint.git_blob:
                assert "pins and prints" in checkpoint.note


@pytest.mark.shared
def test_the_addresses_are_those_of_the_published_table(shared):
    rows = [line.split("\t") for line in (shared / "facts" / "weights_sources.tsv").read_text().splitlines()[1:]]
    table = {row[3]: f"/{row[4]}/{row[5]}" for row in rows}
    checkpoints = [one for card in registry.method_cards().values() for one in card.checkpoints.values()]
    urls = {
        digest: url for one in checkpoints for url, digest in zip(one.urls, one.parts or (one.sha256,), strict=True)
    }
    assert len(urls.keys() & table.keys()) > len(table) / 2
    for digest in urls.keys() & table.keys():
        assert table[digest] in urls[digest]


@pytest.mark.shared
def test_the_verb_goes_on_after_a_failure_and_says_so_by_its_exit_code(uaabench, server, shared, monkeypatch):
    monkeypatch.setenv("UAABENCH_MIRROR", server.url)
    for name in ("ship", "seafusion"):
        (url,) = registry.method_card(name).checkpoints["official"].urls
        file = next((shared / "weights").rglob(url.rpartition("/")[2]))
        server.files[f"/{url}"] = file.read_bytes()
    result = uaabench("weights", "fetch", "ship", "datfuse@official", "seafusion@official")
    assert result.code == 4
    assert [line.partition(" is in ")[0] for line in result.out.splitlines()] == [
        "ship@official",
        "seafusion@official",
    ]
    assert result.err.count("\n") == 1
    assert "the server says 404 Not Found; get it from https://github.com/tthinking/DATFuse and run" in result.err
    assert "ok    ship@official" in uaabench("weights", "verify").out


@pytest.mark.shared
def test_a_run_fetches_on_the_way_or_names_the_command(uaabench, server, shared, pair_folder, tmp_path, monkeypatch):
    (url,) = registry.method_card("seafusion").checkpoints["official"].urls
    server.files[f"/{url}"] = (shared / "weights" / "SeAFusion" / "SeAFusion.pth").read_bytes()
    monkeypatch.setenv("UAABENCH_MIRROR", server.url)
    command = ("run", "-m", "seafusion@official", "-d", f"x={pair_folder}", "--limit", 1, "-o", tmp_path / "run")
    missing = uaabench(*command)
    assert missing.code == 4
    assert "run: uaabench weights fetch seafusion@official, or get it from" in missing.err
    server.faults[f"/{url}"] = ["404", ""]
    assert uaabench(*command, "--fetch").code == 4
    assert uaabench(*command, "--fetch").code == 0


@pytest.mark.parametrize("arguments", [(), ("ifcnn", "--all")])
def test_names_or_all_are_needed(uaabench, arguments):
    result = uaabench("weights", "fetch", *arguments)
    assert result.code == 2
    assert "Name methods or checkpoints to fetch" in result.err


def test_a_file_whose_name_in_git_is_known_is_fetched_and_checked_by_that(card, server):
    server.files["/git.pth"] = CODER
    with pytest.raises(DownloadError, match="is not the file of that commit, so that it was not kept; get it from"):
        official.fetch(card, "git")
    assert held() == []
    server.files["/git.pth"] = NET
    fetched = official.fetch(card, "git")
    assert (fetched.sha256, fetched.is_pinned) == (sha(NET), False)
    found = weights.resolve(card, "git")
    found.verify()
    assert found.track == "official"


def test_a_file_whose_name_in_git_is_known_is_added_and_used_by_its_path(card, server, tmp_path):
    (tmp_path / "net.pth").write_bytes(NET)
    only = MethodCard(
        name="net", title="", kind="learned", version=1, summary="", checkpoints={"git": card.checkpoints["git"]}
    )
    with pytest.raises(WeightsError, match="no known checkpoint of net"):
        weights.add(only, Path("/dev/null"))
    assert weights.resolve(only, str(tmp_path / "net.pth")).name == "git"
    assert weights.add(only, tmp_path / "net.pth") == ["git"]
    weights.resolve(only, "git").verify()
    (tmp_path / "net.pth").write_bytes(CODER)
    assert weights.resolve(only, str(tmp_path / "net.pth")).track == "custom"
    with pytest.raises(WeightsError, match="no known checkpoint of net"):
        weights.add(only, tmp_path / "net.pth")
