"""What is kept of a unit is believed where it is whole, its own and still true, and nowhere else."""

import errno
import json
import os

import pytest

from uaabench.core import files
from uaabench.core.errors import DataError, StorageError, UsageError
from uaabench.running import store
from uaabench.running.store import Result
from uaabench.running.units import Failure
from units import make_unit


@pytest.fixture
def unit(tmp_path):
    """A unit whose folder is there."""
    unit = make_unit()
    store.begin(tmp_path, unit, {})
    return unit


def lines(tmp_path, unit, name="results-0.jsonl"):
    return (tmp_path / unit.folder / name).read_text().splitlines(keepends=True)


def test_results_are_read_as_they_were_kept_in_the_order_of_the_pairs(tmp_path, unit):
    kept = {"c": Result({"x": [1, 2.5, None]}), "a": Result(None, "it broke"), "b": Result(0.1, "one part")}
    for number, (pair, result) in enumerate(kept.items()):
        store.append(tmp_path, unit, number % 2, pair, result)
    assert sorted(path.name for path in (tmp_path / unit.folder).glob("results*")) == [
        "results-0.jsonl", "results-1.jsonl", "results.jsonl",
    ]  # fmt: skip
    found = store.results(tmp_path, unit)
    assert found == kept
    assert list(found) == ["a", "b", "c"]


def test_of_several_results_of_a_pair_the_last_one_without_a_reason_counts(tmp_path, unit):
    for result in (Result(None, "first"), Result(1), Result(2), Result(None, "again")):
        store.append(tmp_path, unit, 0, "a", result)
    assert store.results(tmp_path, unit) == {"a": Result(2)}
    store.append(tmp_path, unit, 0, "b", Result(None, "first"))
    store.append(tmp_path, unit, 0, "b", Result(None, "second"))
    assert store.results(tmp_path, unit)["b"] == Result(None, "first")


def test_files_are_read_once_for_all_who_ask_and_again_when_they_were_written_to(tmp_path, monkeypatch):
    units = [make_unit(method=f"method-{number}", key=f"{number:010}") for number in range(20)]
    for unit in units:
        store.begin(tmp_path, unit, {"a": Result(1)})
    read = []
    parse = store._parse
    monkeypatch.setattr(store, "_parse", lambda key, marked: read.append(key) or parse(key, marked))
    for _ in range(3):
        assert all(store.results(tmp_path, unit) == {"a": Result(1)} for unit in units)
    assert len(read) == 20
    store.append(tmp_path, units[0], 0, "b", Result(2))
    assert store.results(tmp_path, units[0]) == {"a": Result(1), "b": Result(2)}
    assert len(read) == 21


def test_no_more_is_kept_in_memory_than_the_limit_allows(tmp_path, monkeypatch):
    units = [make_unit(method=f"method-{number}", key=f"{number:010}") for number in range(5)]
    for unit in units:
        store.begin(tmp_path, unit, {"a": Result("x" * 100)})
    size = (tmp_path / units[0].folder / store.RESULTS).stat().st_size
    monkeypatch.setattr(store, "MOST_KEPT", 2 * size)
    store._read.clear()
    for unit in units:
        assert store.results(tmp_path, unit) == {"a": Result("x" * 100)}
        assert len(store._read) <= 2
    assert [key for key, _ in store._read] == [unit.key for unit in units[-2:]]


def test_a_pair_that_is_not_of_the_data_set_has_no_result(tmp_path, unit):
    store.append(tmp_path, unit, 0, "z", Result(1))
    assert store.results(tmp_path, unit) == {}


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line[:-10],
        lambda line: line[10:],
        lambda line: line.replace("17", "18"),
        lambda line: line.replace('"check": "', '"check": "0'),
        lambda line: line.replace("check", "chess"),
        lambda line: line.replace("result", "sequel"),
        lambda line: "[]",
        lambda line: "",
        lambda line: json.dumps({"check": 1, "result": 2}),
    ],
)
def test_a_line_that_is_not_whole_is_no_result_and_hides_no_other(tmp_path, unit, damage):
    store.append(tmp_path, unit, 0, "a", Result(17))
    store.append(tmp_path, unit, 0, "b", Result(3))
    first, second = lines(tmp_path, unit)
    (tmp_path / unit.folder / "results-0.jsonl").write_text(damage(first.rstrip("\n")) + "\n" + second)
    assert store.results(tmp_path, unit) == {"b": Result(3)}


def test_a_line_of_another_unit_is_no_result(tmp_path, unit):
    store.append(tmp_path, unit, 0, "a", Result(17))
    other = make_unit(key="another key")
    store.begin(tmp_path, other, {})
    (tmp_path / other.folder / "results-0.jsonl").write_text("".join(lines(tmp_path, unit)))
    assert store.results(tmp_path, other) == {}


def test_results_that_cannot_be_read_are_none(tmp_path, unit):
    store.append(tmp_path, unit, 1, "b", Result(3))
    (tmp_path / unit.folder / "results-0.jsonl").mkdir()
    assert store.results(tmp_path, unit) == {"b": Result(3)}
    assert store.results(tmp_path / "nowhere", unit) == {}


def test_finished_is_what_has_no_reason_and_still_stands(tmp_path, unit):
    for pair, result in {"a": Result(1), "b": Result(2, "one part"), "c": Result(3)}.items():
        store.append(tmp_path, unit, 0, pair, result)
    asked = []

    def holds(pair, value):
        asked.append((pair, value))
        return pair == "c"

    assert store.finished(tmp_path, unit, holds) == {"c": Result(3)}
    assert asked == [("a", 1), ("c", 3)]


def test_a_unit_begins_with_what_it_keeps_and_says_what_it_holds(tmp_path, unit):
    folder = tmp_path / unit.folder
    store.append(tmp_path, unit, 0, "a", Result(1))
    store.append(tmp_path, unit, 1, "b", Result(2))
    for name in (".a-1-2.partial.png", ".x.partial", "a.png"):
        (folder / name).touch()
    store.begin(tmp_path, unit, {"b": Result(2)})
    assert sorted(path.name for path in folder.iterdir()) == ["a.png", "results.jsonl", "unit.json"]
    assert store.results(tmp_path, unit) == {"b": Result(2)}
    assert (folder / "results.jsonl").read_text().count("\n") == 1
    assert json.loads((folder / "unit.json").read_text()) == {
        "stage": "score", "key": "0123456789", "method": "mine", "weights": "", "dataset": "data", "split": "test",
        "index": "the index",
    }  # fmt: skip


def test_what_cannot_be_written_is_said_with_its_place(tmp_path, unit):
    with pytest.raises(StorageError, match=r"Cannot write .*/results-0\.jsonl: No such file or directory"):
        store.append(tmp_path / "nowhere", unit, 0, "a", Result(1))
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"Cannot write .*/file/score/data/test/mine-01234567: Not a directory"):
        store.begin(tmp_path / "file", unit, {})
    with pytest.raises(ValueError, match="JSON"):
        store.append(tmp_path, unit, 0, "a", Result(float("nan")))


def test_a_result_is_on_the_disk_when_it_is_kept(tmp_path, unit, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        store.append(tmp_path, unit, 0, "a", Result(1))


def test_a_run_directory_is_made_with_its_parents_and_left_empty(tmp_path):
    folder = tmp_path / "a" / "b"
    assert store.open_run(folder) == folder
    assert store.open_run(folder) == folder
    assert list(folder.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(StorageError) as caught:
        store.open_run(tmp_path / "file")
    assert str(caught.value) == (
        f"Cannot write the run directory {tmp_path / 'file'}: File exists; choose another with --out."
    )


def test_json_is_read_where_it_is_whole(tmp_path):
    path = tmp_path / "a.json"
    assert store.read_json(path) is None
    path.write_text('{"a": "é"}', encoding="utf-8")
    assert store.read_json(path) == {"a": "é"}
    for broken in (b"{", b"\xff", b"[" * 100_000):
        path.write_bytes(broken)
        with pytest.raises(DataError) as caught:
            store.read_json(path)
        said = str(caught.value)
        assert said.startswith(f"{path} cannot be read: ")
        assert said.endswith("; give the command of the run again, or copy the file from where it was whole.")
        assert "\n" not in said


def test_failures_are_listed_in_the_order_of_units_and_pairs(tmp_path, unit):
    other = make_unit(method="theirs")
    store.begin(tmp_path, other, {})
    store.append(tmp_path, unit, 0, "b", Result(1, "half"))
    store.append(tmp_path, unit, 0, "a", Result(None, "none"))
    store.append(tmp_path, unit, 0, "c", Result(1))
    store.append(tmp_path, other, 0, "c", Result(None, "gone"))
    assert store.failures(tmp_path, [other, unit]) == [
        Failure("score", "theirs", "data", "test", "c", "gone"),
        Failure("score", "mine", "data", "test", "a", "none"),
        Failure("score", "mine", "data", "test", "b", "half"),
    ]


def test_discarded_units_are_gone_and_others_stay(tmp_path, unit):
    other = make_unit(method="theirs")
    store.begin(tmp_path, other, {})
    store.discard(tmp_path, [unit, make_unit(method="never begun")])
    assert not (tmp_path / unit.folder).exists()
    assert (tmp_path / other.folder).is_dir()


@pytest.fixture
def scored(tmp_path):
    """A score unit, and the fuse unit whose artefact of pair `a` is there."""
    fused = make_unit("fuse")
    store.begin(tmp_path, fused, {})
    image = store.artefact(tmp_path, fused, "a")
    image.write_bytes(b"image")
    store.append(tmp_path, fused, 0, "a", Result(store.file_facts(image)))
    store.append(tmp_path, fused, 0, "b", Result({"sha256": "x"}, "it broke"))
    return make_unit(fused=fused)


# Of the five bytes `image`.
SHA256 = "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d"


def test_artefacts_are_those_that_were_fused(tmp_path, scored):
    assert store.artefact(tmp_path, scored, "a") == tmp_path / "fuse" / "data" / "test" / "mine-01234567" / "a.png"
    assert store.artefact_hashes(tmp_path, scored) == {"a": SHA256}
    assert store.artefact_hashes(tmp_path, scored.fused) == {"a": SHA256}
    path = store.verified_artefact(tmp_path, scored, "a", SHA256)
    assert path.read_bytes() == b"image"
    path.write_bytes(b"other")
    with pytest.raises(DataError) as caught:
        store.verified_artefact(tmp_path, scored, "a", SHA256)
    assert str(caught.value) == (
        f"{path} is not the image that was fused; run the whole command again, which makes it anew."
    )
    path.unlink()
    with pytest.raises(DataError, match=r"^Cannot read .*a\.png: No such file or directory\.$"):
        store.verified_artefact(tmp_path, scored, "a", SHA256)


def test_a_file_is_unchanged_as_long_as_its_content_is_what_it_was(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"image")
    facts = json.loads(json.dumps(store.file_facts(path)))
    assert facts["sha256"] == SHA256
    assert store.is_unchanged(path, facts)
    os.utime(path, (0, 0))
    assert store.is_unchanged(path, facts)
    path.write_bytes(b"other")
    os.utime(path, (0, 0))
    assert not store.is_unchanged(path, facts)
    path.unlink()
    assert not store.is_unchanged(path, facts)


def test_the_content_of_a_file_is_read_only_where_its_fingerprint_differs(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"image")
    facts = json.loads(json.dumps(store.file_facts(path)))

    def unreadable(_path):
        raise OSError

    monkeypatch.setattr(files, "sha256", unreadable)
    assert store.is_unchanged(path, facts)
    os.utime(path, (0, 0))
    assert not store.is_unchanged(path, facts)


def test_units_of_which_a_run_holds_nothing_are_refused_where_there_is_what_they_would_be_made_of(tmp_path, scored):
    store.refuse_absent(tmp_path, [scored.fused, make_unit(fused=make_unit("fuse", "never fused"))])
    with pytest.raises(UsageError) as caught:
        store.refuse_absent(tmp_path, [scored.fused, scored])
    assert str(caught.value) == (
        f"{tmp_path} holds nothing of 'score mine on data test' as it is now: its images, label maps, weights, options "
        "or version are not those of the run any more; bring them back, or give the whole command of the run in a new "
        "folder. What the run held is untouched."
    )


def test_pairs_that_could_have_a_result_and_have_none_are_missed(tmp_path, scored):
    assert store.ready(tmp_path, scored.fused) == {"a", "b", "c"}
    assert store.ready(tmp_path, scored) == {"a"}
    reason = "not computed; give the command of the run again"
    assert store.missing(tmp_path, [scored, scored.fused]) == [
        Failure("score", "mine", "data", "test", "a", reason),
        Failure("fuse", "mine", "data", "test", "c", reason),
    ]


@pytest.mark.parametrize("half", ["", '{"check": "12', "\n"])
def test_half_a_line_takes_the_next_one_not_along(tmp_path, unit, half):
    store.append(tmp_path, unit, 0, "a", Result(1))
    with (tmp_path / unit.folder / "results-0.jsonl").open("a") as stream:
        stream.write(half)
    store.append(tmp_path, unit, 0, "b", Result(2))
    assert store.results(tmp_path, unit) == {"a": Result(1), "b": Result(2)}
    assert lines(tmp_path, unit)[-1].startswith('{"check": ')
