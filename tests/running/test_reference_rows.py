"""Reference rows stand beside those of a run where everything agrees, are marked as such, and say why not elsewhere."""

import csv
import errno
import io
import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest

from uaabench import api
from uaabench.core import registry
from uaabench.core.errors import DataError, StorageError, UsageError
from uaabench.running import reference_making, reference_rows
from uaabench.running.entries import FLOOR
from uaabench.running.evidence import load
from uaabench.running.lock import locked


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data root with a TNO of four pairs, a run of floor, `laplacian` and `swt` on them, and the reference of it."""
    root = tmp_path_factory.mktemp("made")
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (24, 32, 4), np.uint8)
        images = {
            "TNO/ir": pixels[..., 0],
            "TNO/vi": pixels[..., 1:],
            "mine": pixels[..., 0] // 3 + pixels[..., 1] // 2,
        }
        for name, image in images.items():
            (root / "data" / name).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(root / "data" / name / f"{number}.png"), image)
    api.run(
        methods=["laplacian", "swt"],
        datasets=["tno"],
        metrics=["EN", "SD"],
        segmenter="none",
        data_root=root / "data",
        out=root / "run",
    )
    (reference,) = reference_making.make(load(root / "run"), root / "reference")
    assert reference == (root / "reference" / "tno-all-cddfuse.json", [*FLOOR, "laplacian", "swt"], {})
    return root


@pytest.fixture
def data(made, tmp_path):
    return shutil.copytree(made / "data", tmp_path / "data")


@pytest.fixture
def run(uaabench, data, tmp_path, request, monkeypatch):
    if "format" not in request.node.name:  # drawing a page takes longer than everything else
        monkeypatch.setattr("uaabench.reporting.html.page", lambda *_, **__: "")

    def call(methods, *arguments, out="run"):
        where = ("--datasets", "tno", "--data-root", data, "--segmenter", "none", "--out", tmp_path / out)
        return uaabench("run", "--methods", methods, "--metrics", "EN,SD", *where, *arguments)

    return call


@pytest.fixture
def mine(data):
    return f"mine={data / 'mine'}"


def table(tmp_path, out="run"):
    return {
        (line["method"], line["metric"]): line
        for line in csv.DictReader(io.StringIO((tmp_path / out / "report" / "results.csv").read_text()))
    }


def test_rows_of_a_reference_are_those_of_a_run_with_tests_and_ranks(run, folder, mine, tmp_path, uaabench):
    assert run(mine, "--beside", "classical").code == 0
    assert run(f"{mine},laplacian,swt", out="computed").code == 0
    for out in ("run", "computed"):
        assert uaabench("report", tmp_path / out, "--vs", "mine").code == 0
    drawn, computed = table(tmp_path), table(tmp_path, "computed")
    assert drawn.keys() == computed.keys()
    for key, line in computed.items():
        for column in ("mean", "ci_low", "ci_high", "mean_rank", "difference", "p_holm", "win_rate"):
            if line[column]:
                # A float32 has 24 bits; a sum of four of them, and differences of sums, lose a few more.
                assert float(drawn[key][column]) == pytest.approx(float(line[column]), rel=1e-5, abs=1e-5)
    assert {key[0]: line["origin"] for key, line in drawn.items()} == {
        "mine": "run", **dict.fromkeys(("laplacian", "swt", *FLOOR), "reference")
    }  # fmt: skip
    assert {path.name.partition("-")[0] for path in (tmp_path / "run" / "fuse" / "tno" / "all").iterdir()} == {"mine"}


def test_a_row_is_marked_in_every_format(run, folder, mine, tmp_path):
    result = run(mine, "--beside", "laplacian")
    report = tmp_path / "run" / "report"
    assert "Laplacian pyramid†" in result.out
    assert "swt" not in (report / "results.csv").read_text()
    marks = {"results.md": "†", "results.tex": r"\textdagger{}", "results.html": "†"}
    for name, mark in marks.items():
        text = (report / name).read_text()
        assert "pyramid" + mark in text
        assert f"Rows with {mark} were not computed in this run: they are reference rows of uaabench" in text
        assert f"mine{mark}" not in text
    rows = json.loads((report / "results.json").read_text())["datasets"][0]["rows"]
    assert {row["method"]: row["origin"] for row in rows}["laplacian"] == "reference"


def test_a_part_of_the_pairs_gets_the_rows_of_that_part(run, folder, mine, tmp_path):
    assert run(mine, "--beside", "all", "--limit", 3).code == 0
    values = pd.read_parquet(folder / "tno-all-cddfuse.parquet").query("method == 'laplacian'")
    assert float(table(tmp_path)["laplacian", "EN"]["mean"]) == pytest.approx(values["EN"][:3].mean(), rel=1e-6)
    assert table(tmp_path)["laplacian", "EN"]["n_planned"] == "3"


def test_a_method_of_the_run_itself_has_the_say(run, folder, mine, tmp_path):
    assert run(f"{mine},laplacian", "--beside", "all").code == 0
    origins = {key[0]: line["origin"] for key, line in table(tmp_path).items()}
    assert (origins["laplacian"], origins["swt"]) == ("run", "reference")


def test_a_floor_that_is_out_of_date_is_computed(run, folder, mine, tmp_path, monkeypatch):
    make_version_2(monkeypatch, "average")
    assert run(mine, "--beside", "laplacian").code == 0
    origins = {key[0]: line["origin"] for key, line in table(tmp_path).items()}
    assert (origins["average"], origins["maximum"]) == ("run", "reference")


def make_version_2(monkeypatch, name):
    cards = registry.method_cards()
    later = {**cards, name: replace(cards[name], version=cards[name].version + 1)}
    monkeypatch.setattr(registry, "method_cards", lambda: later)
    monkeypatch.setattr(registry, "method_card", later.__getitem__)


def test_a_row_out_of_date_is_refused_where_it_is_named_and_left_out_with_a_reason_elsewhere(
    run, folder, mine, tmp_path, monkeypatch
):
    make_version_2(monkeypatch, "laplacian")
    reason = "it was made by version 1 of the method, and here is version 2."
    result = run(mine, "--beside", "laplacian")
    assert result.code == 2
    assert f"The row 'laplacian' of the reference tno-all-cddfuse is out of date: {reason}" in result.err
    result = run(mine, "--beside", "classical")
    assert result.code == 0
    assert f"The row 'laplacian' of the reference was left out: {reason}" in result.out
    assert ("laplacian", "EN") not in table(tmp_path)


@pytest.mark.parametrize("options", [{}, {"a": 1}])
def test_other_weights_and_options_make_a_row_out_of_date(options):
    card = registry.method_card("tardal").checkpoints["dt"]
    facts = {"label": "tardal@dt", "version": 2, "sha256": card.sha256, "options": dict(card.options)}
    assert reference_rows.stale(facts) == ""
    assert reference_rows.stale({**facts, "sha256": "0" * 64}).startswith("it was made with weights 000000000000, and")
    assert reference_rows.stale({**facts, "options": options}) == "it was made with other options"
    assert reference_rows.stale({**facts, "label": "tardal@td"}) == "the method has no checkpoint 'td' here"
    assert reference_rows.stale({**facts, "label": "gone"}) == "there is no such method here"


def change_an_image(data):
    file = data / "TNO" / "ir" / "2.png"
    cv2.imwrite(str(file), 255 - cv2.imread(str(file), 0))


def rename_a_pair(data):
    for name in ("TNO/ir", "TNO/vi", "mine"):
        (data / name / "2.png").rename(data / name / "2b.png")


@pytest.mark.parametrize(("change", "pair"), [(change_an_image, "2"), (rename_a_pair, "2b")])
def test_other_images_are_refused_before_anything_is_computed(run, folder, mine, data, tmp_path, change, pair):
    change(data)
    result = run(mine, "--beside", "all")
    assert result.code == 2
    assert f"1 of 4 pairs of tno all are not those of the reference tno-all-cddfuse, for example {pair};" in result.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--beside", "laplacain"), "did you mean 'laplacian'?"),
        (("--beside", "official"), "There is no row of the reference tno-all-cddfuse 'official'; known are: all,"),
        (
            ("--beside", "all", "--profile", "tang"),
            "There are no reference rows for tno all under the profile tang; there are for: tno:all --profile cddfuse.",
        ),
    ],
)
def test_what_there_is_no_row_of_is_refused(run, folder, mine, arguments, said):
    result = run(mine, *arguments)
    assert result.code == 2
    assert said in result.err


def test_another_version_of_the_profile_or_of_a_metric_is_not_drawn(run, folder, mine, tmp_path):
    path = folder / "tno-all-cddfuse.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "metrics": {**facts["metrics"], "EN": 99}}))
    result = run(mine, "--beside", "laplacian")
    assert "The reference has no EN of the version that is computed here." in result.out
    assert (table(tmp_path)["laplacian", "EN"]["mean"], table(tmp_path)["mine", "EN"]["n"]) == ("", "4")
    assert table(tmp_path)["laplacian", "SD"]["n"] == "4"
    path.write_text(json.dumps({**facts, "profile": {"name": "cddfuse", "version": 99}}))
    assert "is of version 99 of its profile, but here is version" in run(mine, "--beside", "laplacian").err


def test_a_run_with_reference_rows_is_not_scored_under_another_profile(run, uaabench, folder, mine, tmp_path):
    assert run(mine, "--beside", "laplacian").code == 0
    assert uaabench("score", tmp_path / "run", "--profile", "cddfuse").code == 0
    assert ("laplacian", "EN") in table(tmp_path)
    other = uaabench("score", tmp_path / "run", "--profile", "uaabench", "--metrics", "EN")
    assert other.code == 2
    assert "draws reference rows of the profile cddfuse" in other.err
    assert run(mine, "--profile", "uaabench").code == 0


@pytest.mark.parametrize("name", ["tno-all-cddfuse.json", "tno-all-cddfuse.parquet"])
def test_a_spoilt_reference_is_one_sentence(run, folder, mine, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    result = run(mine, "--beside", "all")
    assert result.code == 4
    assert result.err.count("uaabench: ") == 1
    assert "install uaabench again" in result.err


def test_an_undefined_value_keeps_its_reason(folder):
    (one,) = reference_rows.references(folder)
    facts = {**one.facts, "missing": [["swt", "1", "EN", "undefined", "a flat image"]]}
    values = one.values.copy()
    values.loc[("swt", "1"), "EN"] = np.nan
    spoilt = reference_rows.Reference(one.path, facts)
    spoilt.__dict__["values"] = values
    dataset = {"label": "tno", "split": "all"}
    records = reference_rows._records(spoilt, dataset, ["swt"], ["0", "1"], ["EN", "SD"])
    told = records.set_index(["pair", "metric"])[["status", "reason"]]
    assert tuple(told.loc["1", "EN"]) == ("undefined", "a flat image")
    assert tuple(told.loc["0", "EN"]) == ("ok", "")


def test_a_run_with_drawn_rows_can_be_merged_and_become_the_reference_of_the_gate(
    run, folder, mine, tmp_path, uaabench
):
    run(mine, "--beside", "laplacian")
    run("swt", "--no-floor", out="other")
    assert uaabench("merge", tmp_path / "run", tmp_path / "other", "--out", tmp_path / "both").code == 0
    reason = ("--update", "--reason", "test")
    assert uaabench("check", tmp_path / "run", "--reference", tmp_path / "gate", *reason).code == 0
    # Nothing is drawn any more: the rows are kept.
    for file in folder.iterdir():
        file.unlink()
    for kept in ("both", "gate"):
        methods = {method.label: method.origin for method in load(tmp_path / kept).methods}
        assert methods["laplacian"] == "reference"
        records = load(tmp_path / kept).records
        assert (records["method"] == "laplacian").sum() == 4 * 2


def test_what_cannot_be_a_reference_row_is_refused_or_left_out(run, folder, mine, tmp_path):
    run(f"{mine},laplacian", "--limit", 3, out="part")
    with pytest.raises(UsageError, match=r"has a part of tno all only; a reference is of all pairs"):
        reference_making.make(load(tmp_path / "part"), folder)
    run(f"{mine},laplacian", "--beside", "swt", "--seed", 1, out="seeded")
    ((_, taken, refused),) = reference_making.make(load(tmp_path / "seeded"), tmp_path / "new")
    assert taken == []
    assert refused["mine"] == "its images or code are the user's own"
    assert refused["laplacian"] == "its precision or seed is not the usual one"
    assert refused["swt"] == "it is drawn from a reference"


def test_a_run_on_a_part_is_taken_where_that_is_asked_for_and_never_beside_those_of_the_package(
    run, folder, mine, tmp_path, uaabench
):
    run("laplacian", "--limit", 3, out="part")
    refused = uaabench("reference", "make", tmp_path / "part", "--part")
    assert refused.code == 2
    assert "name another place for a part with --folder" in refused.err
    assert uaabench("reference", "make", tmp_path / "part", "--part", "--folder", tmp_path / "parts").code == 0
    (part,) = reference_rows.references(tmp_path / "parts")
    assert list(part.hashes) == ["0", "1", "2"]
    (whole,) = reference_rows.references(folder)
    assert list(part.values.loc["laplacian", "EN"]) == list(whole.values.loc["laplacian", "EN"][:3])


def test_two_processes_do_not_make_rows_in_one_folder_at_once(run, folder, tmp_path):
    run("laplacian", out="again")
    with locked(folder), pytest.raises(UsageError, match="is in use"):
        reference_making.make(load(tmp_path / "again"), folder)
    assert reference_making.make(load(tmp_path / "again"), folder)
    assert not (folder / "lock").exists()


def test_a_disk_that_fills_leaves_what_was_there(run, folder, tmp_path, monkeypatch):
    run("swt", "--no-floor", "--metrics", "EN,SD,SF", out="other")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    def full(*_):
        raise StorageError.of(tmp_path, OSError(errno.ENOSPC, "No space left on device"))

    monkeypatch.setattr(reference_making.reference_judgements, "write", full)
    with pytest.raises(StorageError, match="No space left on device"):
        reference_making.make(load(tmp_path / "other"), folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_rows_of_fewer_pairs_do_not_take_the_place_of_all(run, folder, tmp_path):
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    run("laplacian", "--limit", 3, out="part")
    with pytest.raises(UsageError, match=r"has 3 pairs of TNO all, and the rows in .* are of \d+; bring the others"):
        reference_making.make(load(tmp_path / "part"), folder, part=True)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_rows_that_are_out_of_date_are_made_again_and_the_others_stay(run, folder, tmp_path, monkeypatch):
    (one,) = reference_rows.references(folder)
    assert reference_making.outdated(["laplacian", "swt", "gff"], one) == ["gff"]
    assert reference_making.candidates(["s?t", "laplacian"]) == ["laplacian", "swt"]
    with pytest.raises(UsageError, match="No method that can run here is called 'nothing'"):
        reference_making.candidates(["nothing"])
    before = (folder / "tno-all-cddfuse.parquet").read_bytes()
    make_version_2(monkeypatch, "swt")
    assert reference_making.outdated(["laplacian", "swt"], one) == ["swt"]
    assert run("swt", "--no-floor", out="again").code == 0
    ((_, taken, _),) = reference_making.make(load(tmp_path / "again"), folder)
    assert taken == ["swt"]
    (one,) = reference_rows.references(folder)
    assert {label: method["version"] for label, method in one.methods.items()} == {
        **dict.fromkeys((*FLOOR, "laplacian"), 1), "swt": 2
    }  # fmt: skip
    # The same code gives the same numbers, and the other rows were not touched.
    assert (folder / "tno-all-cddfuse.parquet").read_bytes() == before


def test_what_is_up_to_date_is_not_made_again(uaabench, folder, tmp_path):
    result = uaabench("reference", "update", "tno", "-m", "laplacian,swt", "--folder", folder, "-o", tmp_path / "no")
    assert (result.code, result.out) == (0, "All 2 rows of tno under cddfuse are up to date.\n")


def test_other_metrics_begin_a_reference_anew(run, folder, tmp_path):
    run("swt", "--no-floor", "--metrics", "EN,SD,SF", out="more")
    reference_making.make(load(tmp_path / "more"), folder)
    (one,) = reference_rows.references(folder)
    assert (list(one.methods), list(one.values.columns)) == (["swt"], ["EN", "SD", "SF"])


def test_references_are_listed_and_shown(uaabench, folder):
    assert uaabench("reference", "list").out.splitlines()[1].split() == ["tno", "all", "cddfuse", "4", "7", "0"]
    shown = uaabench("reference", "show", "tno").out
    assert "laplacian" in shown
    assert "Made on cpu" in shown
    assert uaabench("reference", "show", "msrs").code == 4


def test_a_reference_that_is_none_is_refused(tmp_path):
    (tmp_path / "x.json").write_text('{"dataset": {}}')
    with pytest.raises(DataError, match="is no reference: KeyError"):
        reference_rows.references(tmp_path)
