"""Whatever is written leaves the old file or the new one, never half of it, and a disk that takes no more is told."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure

from runs import write_run
from uaabench.core import weights
from uaabench.core.errors import StorageError
from uaabench.core.interface import Checkpoint, MethodCard
from uaabench.judges.segmentation.segmenters import SegmenterCard
from uaabench.methods import efficiency
from uaabench.reporting import figures
from uaabench.reporting.files import write as write_report
from uaabench.training import progress, segmentation

NETWORK = torch.nn.Linear(100, 100)
OLD = "old"


@contextmanager
def full_disk() -> Iterator[None]:
    """Let every file end after some bytes, as on a disk that is full: whatever writes, in Python or below it."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def weights_card() -> weights.WeightsCard:
    return weights.WeightsCard(
        method="net", version=1, data=[], recipe="", steps=0, minutes=0.0, hardware="", seed=0, parameters=0
    )


def segmenter_card() -> SegmenterCard:
    return SegmenterCard(name="s", network="n", classes=(), trained_on="", protocol="", steps=1, seed=0, recipe="")


def save_checkpoint(path: Path) -> None:
    loop = progress.Loop(path.with_name("none"), {"model": NETWORK}, steps=1, every=1)
    loop._file = path  # one that goes on would read the old file first
    list(loop)


def keep_log(path: Path) -> None:
    progress.Log(path, ["step", "a column with a long name"], done=0)


def add_weights(path: Path) -> None:
    source = path.with_name("source.pth")
    digest = weights.sha256(source)
    checkpoint = Checkpoint(sha256=digest, source="https://example.org")
    card = MethodCard(name="net", title="Net", kind="learned", version=1, summary="", checkpoints={"paper": checkpoint})
    weights.add(card, source)


WRITERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "figure": ("f.pdf", lambda path: figures.save(Figure(), path)),
    "report": ("results.md", lambda path: write_report({path.name: "text " * 20}, path.parent)),
    "efficiency": ("efficiency.json", lambda path: efficiency.write(path, [])),
    "checkpoint of a training": ("joint.pt", save_checkpoint),
    "log of a training": ("joint.csv", keep_log),
    "segmenter": ("s.safetensors", lambda path: segmentation.export(path, NETWORK, segmenter_card())),
    "weights": ("w.safetensors", lambda path: weights.export(path, NETWORK.state_dict(), weights_card(), {})),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, kind):
    name, write = WRITERS[kind]
    (tmp_path / name).write_text(OLD)
    with pytest.raises(StorageError, match=name), full_disk():
        write(tmp_path / name)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, OLD)]


@pytest.mark.parametrize("kind", WRITERS)
def test_a_file_takes_the_place_of_the_old_one_and_leaves_nothing_beside_it(tmp_path, kind):
    name, write = WRITERS[kind]
    (tmp_path / name).write_text(OLD)
    write(tmp_path / name)
    assert (tmp_path / name).read_bytes() != OLD.encode()
    assert not list(tmp_path.glob("*partial*"))


def test_weights_that_do_not_fit_on_the_disk_are_not_added(tmp_path):
    (tmp_path / "source.pth").write_text("weights " * 20)
    with pytest.raises(StorageError), full_disk():
        add_weights(tmp_path / "added")
    assert not list(weights.paths.weights_folder().glob("*partial*"))
    add_weights(tmp_path / "added")


@pytest.mark.parametrize(
    "words",
    [
        "check RUN --reference RUN --junit kept.txt",
        "check RUN --reference RUN --json kept.txt",
        "evaluate --ir pairs/ir --vi pairs/vi --fused pairs/vi --metrics EN --csv kept.txt",
    ],
)
def test_a_verb_that_cannot_write_a_file_exits_with_5_and_keeps_the_old_one(
    uaabench, pair_folder, tmp_path, monkeypatch, words
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept.txt").write_text(OLD)
    run = write_run(tmp_path / "run", {"uaa": {"EN": [6.0, 7.0, 6.5]}})
    with full_disk():
        result = uaabench(*(run if word == "RUN" else word for word in words.split()))
    said = result.err.splitlines()[-1].split(";")[0]
    assert (result.code, said) == (5, "uaabench: Cannot write kept.txt: File too large")
    assert (tmp_path / "kept.txt").read_text() == OLD
    assert "gate passed" in result.out or "4 of 4 pairs scored" in result.out  # what was computed was told before


def test_a_training_whose_statement_was_lost_goes_on(tmp_path):
    (tmp_path / "training.json").touch()
    progress.claim(tmp_path, "this one")
    progress.claim(tmp_path, "this one")
    with pytest.raises(progress.UsageError, match="other data or settings"):
        progress.claim(tmp_path, "another one")
