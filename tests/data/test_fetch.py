"""`data fetch`: a data set appears whole and checked, or one sentence says why not."""

import hashlib
import re

import cv2
import numpy as np
import pytest

from server import serving
from uaabench.core import download as downloading
from uaabench.core import registry
from uaabench.data.sources import place, source_of

MINI = """
from uaabench.core.interface import DatasetCard
from uaabench.data.layout import LayoutDataset, Part

class Mini(LayoutDataset):
    card = DatasetCard(
        name="mini", title="Mini", version=1, summary="two pairs", splits={"test": 2, "train": 2}, default_split="test"
    )
    parts = {split: Part(ir=("ir",), vi=("vi",), folder=(split,)) for split in ("test", "train")}
"""
TOML = """
terms = "Ask the authors [first]."
note = "Label maps are not fetched."

[[downloads]]
splits = ["test"]
into = "test"
folders = ["ir", "vi"]
url = "{url}/c0ffee/test/{{folder}}/{{name}}"
files = "mini.tsv"
megabytes = 1
"""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(downloading, "PAUSES", (0.0, 0.0))
    with serving() as state:
        yield state


@pytest.fixture
def mini(server, tmp_path):
    """A plug-in with a data set of two pairs, `a b.png` and `c.png`, which the server holds."""
    folder = tmp_path / "plugin"
    folder.mkdir()
    (folder / "mini.py").write_text(MINI)
    (folder / "mini.toml").write_text(TOML.format(url=server.url))
    lines = []
    for number, name in enumerate(("a b.png", "c.png")):
        hashes = []
        for kind in ("ir", "vi"):
            pixels = np.random.default_rng([number, len(kind), ord(kind[0])]).integers(0, 256, (8, 8, 3), np.uint8)
            content = cv2.imencode(".png", pixels if kind == "vi" else pixels[..., 0])[1].tobytes()
            server.files[f"/c0ffee/test/{kind}/{name.replace(' ', '%20')}"] = content
            hashes.append(hashlib.sha256(content).hexdigest())
        lines.append("\t".join([name, *hashes]))
    (folder / "mini.tsv").write_text("\n".join(lines) + "\n")
    return folder / "mini.py"


@pytest.fixture
def fetch(uaabench, mini, tmp_path):
    def call(*arguments, name="mini"):
        return uaabench("data", "fetch", name, "--plugin", mini, "--data-root", tmp_path / "root", *arguments)

    return call


def tree(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


WHOLE = ["Mini/test/ir/a b.png", "Mini/test/ir/c.png", "Mini/test/vi/a b.png", "Mini/test/vi/c.png"]


def test_a_set_is_fetched_after_its_terms_and_ends_in_its_check(fetch, tmp_path):
    result = fetch("--yes")
    assert result.code == 0
    assert result.out.splitlines() == [
        f"mini:test: 4 files, 1 MB, to {tmp_path / 'root' / 'Mini' / 'test'}",
        "Ask the authors [first].",
        "Label maps are not fetched.",
        "mini: test 2 pairs: no problems",
    ]
    assert "mini: 4 of 4 files" in result.err
    assert tree(tmp_path / "root") == WHOLE
    assert sorted(path.name for path in (tmp_path / "root").iterdir()) == ["Mini"]


def test_a_set_that_is_here_is_only_checked(fetch, server, tmp_path):
    fetch("--yes")
    server.asked.clear()
    (tmp_path / "root" / "Mini" / "test" / "ir" / "c.png").unlink()
    result = fetch()
    assert (result.code, server.asked) == (4, [])
    assert "is in " in result.out
    assert "The infrared image of the pair c is missing" in result.out


def test_without_a_terminal_nobody_agrees(fetch, server, tmp_path):
    result = fetch()
    assert result.code == 2
    assert (
        result.err == "uaabench: Nothing was fetched, as nobody agreed to these terms of use; give --yes in a script.\n"
    )
    assert "Ask the authors [first]." in result.out
    assert server.asked == []
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize("fault", ["404", "cut-forever", "other"])
def test_a_set_that_breaks_off_does_not_appear_and_goes_on_later(fetch, server, tmp_path, fault):
    broken = "/c0ffee/test/vi/c.png"
    server.faults[broken] = [fault]
    result = fetch("--yes")
    assert result.code == 4
    assert result.err.count("uaabench: ") == 1
    assert "goes on from what is there; else get mini by hand and run: uaabench data prepare mini" in result.err
    assert not (tmp_path / "root" / "Mini").exists()
    server.faults.clear()
    server.asked.clear()
    assert fetch("--yes").code == 0
    assert [path for path, _ in server.asked] == [broken]
    assert tree(tmp_path / "root") == WHOLE


def test_what_was_kept_is_checked_before_it_is_used(fetch, server, tmp_path):
    server.faults["/c0ffee/test/vi/c.png"] = ["404"]
    fetch("--yes")
    (kept,) = (tmp_path / "root").rglob("ir/c.png")
    kept.write_bytes(b"spoilt")
    server.faults.clear()
    assert fetch("--yes").code == 0
    assert (tmp_path / "root" / WHOLE[1]).read_bytes() == server.files["/c0ffee/test/ir/c.png"]


def test_two_calls_at_once_do_not_write_into_one_another(fetch, tmp_path):
    from uaabench.running.lock import locked

    workplace = tmp_path / "root" / ".fetch-mini"
    workplace.mkdir(parents=True)
    with locked(workplace):
        result = fetch("--yes")
    assert result.code == 2
    assert f"The folder {workplace} is in use by process" in result.err


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("mini:train", 4, "Mini names no place to fetch it from (home page: none), so that nothing was fetched"),
        ("mini:best", 2, "There is no split 'best' of mini to fetch; known are: test, train."),
        ("m3fd", 4, "https://github.com/JinyuanLiu-CV/TarDAL), so that nothing was fetched; get it there, then run: "),
        ("fmb", 4, "https://github.com/JinyuanLiu-CV/SegMiF), so that nothing was fetched; get it there, then run: "),
        ("llvip", 4, "https://bupt-ai-cz.github.io/LLVIP/), so that nothing was fetched; get it there, then run: "),
        ("demo", 4, "so that nothing was fetched"),
        ("nowhere", 2, "There is no data set 'nowhere'"),
    ],
)
def test_what_cannot_be_fetched_says_where_it_lies(fetch, name, code, said):
    result = fetch("--yes", name=name)
    assert result.code == code
    assert said in result.err


def test_a_run_without_the_data_names_the_command(uaabench, tmp_path, mini):
    result = uaabench("run", "-m", "average", "-d", "mini", "--plugin", mini, "--data-root", tmp_path)
    assert result.code == 4
    assert "bring it there: uaabench data fetch mini, or of a download of yours" in result.err
    result = uaabench("run", "-m", "average", "-d", "mini:train", "--plugin", mini, "--data-root", tmp_path)
    assert "bring it there: uaabench data prepare mini ARCHIVE_OR_FOLDER" in result.err


def test_a_broken_description_is_one_sentence(fetch, mini):
    mini.with_suffix(".toml").write_text('terms = "x"\ncolour = 1\n')
    result = fetch("--yes")
    assert result.code == 2
    assert "does not describe where mini comes from" in result.err


@pytest.mark.parametrize(
    ("name", "split", "count", "first"),
    [
        ("msrs", "test", 2 * 361, "MSRS/2052589d3a714d0285c8792e24d2db290d84b6ea/test/ir/00004N.png"),
        ("msrs", "train", 2 * 1083, "MSRS/2052589d3a714d0285c8792e24d2db290d84b6ea/train/ir/00001D.png"),
        ("roadscene", "all", 2 * 221, "/ab71420f8fc96396eeb97eecf3694909b3feb656/cropinfrared/FLIR_00006.jpg"),
        ("tno", "all", 2 * 42, "/0e87153be77320e31ef2cabb5820518d2ac56bac/Image/Source-Image/TNO/ir/01.png"),
    ],
)
def test_the_sources_of_the_package_list_every_file_at_a_commit(name, split, count, first):
    dataset = registry.dataset_class(name)
    (download,) = (entry for entry in source_of(dataset).downloads if split in entry.splits)
    wanted = list(download.wanted(place(dataset).parent))
    assert len(wanted) == len({entry.path for entry in wanted}) == count
    assert wanted[0].url.startswith("https://raw.githubusercontent.com/")
    assert wanted[0].url.endswith(first)
    known = [bool(re.fullmatch("[0-9a-f]{64}", entry.sha256)) for entry in wanted]
    assert all(known) if split != "train" else not any(known)
    assert download.into in ("", split)


@pytest.mark.shared
def test_roadscene_comes_whole_through_a_mirror(uaabench, server, shared, tmp_path, monkeypatch):
    monkeypatch.setenv("UAABENCH_MIRROR", server.url)
    base = "/https://raw.githubusercontent.com/hanna-xu/RoadScene/ab71420f8fc96396eeb97eecf3694909b3feb656"
    for file in (shared / "data" / "RoadScene").rglob("*.jpg"):
        server.files[f"{base}/{file.parent.name}/{file.name}"] = file.read_bytes()
    result = uaabench("data", "fetch", "roadscene", "--yes", "--data-root", tmp_path)
    assert (result.code, result.err.splitlines()[-1]) == (0, "roadscene: 442 of 442 files")
    assert "roadscene: test 50 pairs: no problems" in result.out
