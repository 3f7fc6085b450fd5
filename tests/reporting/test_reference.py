"""A reference takes the place of the one before as a whole, or not at all."""

import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest

from gated import GOOD, VALUES, mean_iou_change, segmented, shifted
from runs import write_run
from uaabench.core.errors import StorageError, UsageError
from uaabench.reporting import gate
from uaabench.reporting.reference import write_reference
from uaabench.running.evidence import load


def test_a_new_reference_keeps_why_and_no_place_of_the_machine(tmp_path):
    run = load(write_run(tmp_path / "run", VALUES))
    folder = tmp_path / "reports" / "demo"
    write_reference(run, folder, "first")
    write_reference(run, folder, "second")
    history = json.loads((folder / "reference.json").read_text())["history"]
    assert [entry["reason"] for entry in history] == ["first", "second"]
    manifest = (folder / "manifest.json").read_text()
    assert "/here" not in manifest
    assert "/somewhere" not in manifest
    assert (folder / "report" / "results.md").is_file()
    assert not any(change.fails for change in gate.changes(run, load(folder)))


def test_a_run_with_failures_cannot_become_the_reference(tmp_path):
    run = load(write_run(tmp_path / "run", VALUES))
    run.records.loc[0, "status"] = "failed"
    with pytest.raises(UsageError, match="a reference must be complete"):
        write_reference(run, Path(tmp_path / "reference"), "why")


def test_a_new_reference_keeps_the_matrices(tmp_path):
    run = segmented(tmp_path / "run", [GOOD] * 20)
    write_reference(run, tmp_path / "reference", "first")
    assert mean_iou_change(run, load(tmp_path / "reference")).verdict == "same"


def snapshot(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def old_reference(tmp_path):
    """A reference with a file of the user's own."""
    folder = tmp_path / "reports" / "demo"
    write_reference(load(write_run(tmp_path / "first", VALUES)), folder, "first")
    (folder / "README.md").write_text("Mine.")
    return folder


@pytest.mark.parametrize(
    "place", ["shutil.copyfile", "uaabench.reporting.files.write", "uaabench.reporting.reference._swap"]
)
def test_a_reference_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch, old_reference, place):
    before = snapshot(old_reference)
    monkeypatch.setattr(place, lambda *_, **__: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(StorageError, match="No space left"):
        write_reference(load(write_run(tmp_path / "run", shifted(0.1))), old_reference, "second")
    assert snapshot(old_reference) == before
    assert list(old_reference.parent.iterdir()) == [old_reference]


def test_a_reference_whose_place_cannot_be_taken_stays_where_it_was(tmp_path, monkeypatch, old_reference):
    before = snapshot(old_reference)
    rename = Path.rename

    def refuse(path, target):
        if path.name == "new":
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(KeyboardInterrupt):
        write_reference(load(write_run(tmp_path / "run", shifted(0.1))), old_reference, "second")
    assert snapshot(old_reference) == before


def test_a_new_reference_leaves_nothing_of_the_old_one_but_the_users_files(tmp_path, old_reference):
    (old_reference / "report" / "supplement.tex").write_text("of the old one")
    (old_reference / "tallies.parquet").write_text("of the old one")
    write_reference(load(write_run(tmp_path / "run", shifted(0.1))), old_reference, "second")
    names = sorted(path.name for path in old_reference.iterdir())
    assert names == ["README.md", "manifest.json", "records.parquet", "reference.json", "report", "tallies.parquet"]
    assert not (old_reference / "report" / "supplement.tex").exists()
    assert [entry["reason"] for entry in load_history(old_reference)] == ["first", "second"]


def load_history(folder):
    return json.loads((folder / "reference.json").read_text())["history"]


@pytest.mark.parametrize("place", ["run", "run/../run", "link", "."])
def test_a_run_cannot_become_its_own_reference(tmp_path, place):
    run = write_run(tmp_path / "run", VALUES)
    (tmp_path / "link").symlink_to(run)
    before = snapshot(run)
    with pytest.raises(UsageError, match="would take the place of the run"):
        write_reference(load(run), tmp_path / place, "why")
    assert snapshot(run) == before


def test_a_folder_that_is_no_reference_is_not_replaced(tmp_path):
    run, other = (write_run(tmp_path / name, VALUES) for name in ("run", "other"))
    before = snapshot(other)
    with pytest.raises(UsageError, match="something else than a reference"):
        write_reference(load(run), other, "why")
    assert snapshot(other) == before


def test_a_run_without_a_value_cannot_become_the_reference(tmp_path):
    run = load(write_run(tmp_path / "run", VALUES))
    run = replace(run, records=run.records.iloc[:0])
    with pytest.raises(UsageError, match="holds no value"):
        write_reference(run, tmp_path / "reference", "why")
