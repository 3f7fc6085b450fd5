"""Scoring three folders on the command line."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

import uaabench as package
from uaabench.core import imaging
from uaabench.core.errors import DataError


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Three pairs 01 02 03 in ir/, vi/ and fused/; the fused image of NN has the two levels 0 and NN."""
    generator = np.random.default_rng(0)
    for kind in ("ir", "vi", "fused"):
        (tmp_path / kind).mkdir()
    for number in (1, 2, 3):
        name = f"{number:02}.png"
        imaging.write_png(tmp_path / "ir" / name, generator.integers(0, 256, (44, 45), dtype=np.uint8))
        imaging.write_png(tmp_path / "vi" / name, generator.integers(0, 256, (44, 45, 3), dtype=np.uint8))
        stripes = np.tile(np.array([[0], [number]], np.uint8), (22, 45))
        imaging.write_png(tmp_path / "fused" / name, stripes)
    return tmp_path


@pytest.fixture
def command(uaabench, folders):
    """Run `uaabench evaluate` on the folders."""
    sources = [word for kind in ("ir", "vi", "fused") for word in (f"--{kind}", folders / kind)]
    return lambda *options: uaabench("evaluate", *sources, *options)


def scored(folders: Path, names: list[str] | None = None) -> pd.DataFrame:
    return package.evaluate(*(folders / kind for kind in ("ir", "vi", "fused")), metrics=names).pairs


def test_each_pair_is_a_row_with_its_own_values(folders):
    table = scored(folders, ["SD", "EN"])
    assert table.columns.tolist() == ["status", "reason", "SD", "EN"]
    assert table.index.tolist() == ["01", "02", "03"]
    assert table["SD"].tolist() == [0.5, 1, 1.5]
    assert (table["status"] == "ok").all()


def test_images_are_matched_by_stem_whatever_the_suffix(folders):
    fused = imaging.read_grey(folders / "fused" / "02.png")
    (folders / "fused" / "02.png").unlink()
    cv2.imwrite(str(folders / "fused" / "02.bmp"), fused)
    assert scored(folders, ["SD"])["SD"].tolist() == [0.5, 1, 1.5]


def test_two_files_of_one_stem_are_refused(folders):
    (folders / "ir" / "01.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"holds both 01\.jpg and 01\.png"):
        scored(folders)


@pytest.mark.parametrize("kind", ["ir", "vi", "fused"])
def test_a_folder_that_is_missing_or_empty_is_an_error(folders, kind):
    for path in (folders / kind).iterdir():
        path.unlink()
    with pytest.raises(DataError, match="holds no image"):
        scored(folders)
    (folders / kind).rmdir()
    with pytest.raises(DataError, match="There is no folder or image"):
        scored(folders)


def test_an_unreadable_or_misshapen_image_fails_its_pair_only(folders):
    (folders / "fused" / "01.png").write_bytes(b"no image")
    imaging.write_png(folders / "ir" / "03.png", np.zeros((44, 44), np.uint8))
    table = scored(folders, ["SD"])
    assert table["status"].tolist() == ["failed", "ok", "failed"]
    assert "01.png" in table["reason"].iloc[0]
    assert "44x44" in table["reason"].iloc[2]
    assert table["SD"].dropna().tolist() == [1]


def test_an_undefined_metric_says_why_and_the_others_count(folders):
    for kind in ("ir", "vi"):
        imaging.write_png(folders / kind / "01.png", np.zeros((44, 45), np.uint8))
    row = scored(folders, ["Qabf", "SD"]).iloc[0]
    assert (row["status"], row["reason"]) == ("undefined", "Qabf: neither source has a gradient")
    assert row["SD"] == 0.5


def test_means_intervals_and_the_profile_are_printed(command):
    result = command("--metrics", "sd,EN", "--per-pair")
    assert result.code == 0
    # SD of the three pairs: 0.5, 1, 1.5
    assert "SD ↑" in result.out
    assert "1.0000" in result.out
    assert "[0.5000, 1.5000]" in result.out
    assert "3 of 3 pairs scored; profile cddfuse, version 1." in result.out


def test_a_pair_without_a_fused_image_is_named_and_is_the_exit_code_as_in_a_run(command, folders, uaabench, tmp_path):
    (folders / "fused" / "02.png").unlink()
    result = command()
    assert result.code == 3
    assert "02: no fused image" in result.out
    assert "2 of 3 pairs scored" in result.out
    words = ("--methods", f"mine={folders / 'fused'}", "--datasets", f"own={folders}", "--no-floor")
    assert uaabench("run", *words, "--out", tmp_path / "R").code == 3


def test_a_fused_image_of_no_pair_is_refused_as_in_a_run(command, folders, uaabench, tmp_path):
    for name in ("overview", "99"):
        imaging.write_png(folders / "fused" / f"{name}.png", np.zeros((44, 45), np.uint8))
    words = ("--methods", f"mine={folders / 'fused'}", "--datasets", f"own={folders}", "--no-floor")
    for result in (command(), uaabench("run", *words, "--out", tmp_path / "R")):
        assert result.code == 4
        assert "2 of 5 fused images in" in result.err
        assert "99, overview; name fused images like their sources, or take them away." in result.err


def test_an_unreadable_image_is_named_and_the_others_are_printed(command, folders):
    (folders / "fused" / "02.png").write_bytes(b"no image")
    result = command("--metrics=SD")
    assert result.code == 3
    assert "02: Cannot decode the image" in result.out
    assert "(a) n = 2 of 3 (1 failed: Cannot decode" in result.out
    assert "2 of 3 pairs scored" in result.out


def test_json_holds_the_same_numbers_and_null_for_what_is_not_there(command, folders):
    (folders / "fused" / "02.png").unlink()
    (folders / "fused" / "03.png").unlink()
    content = json.loads(command("--json", "--per-pair", "--metrics=SD").out)
    assert content["profile"] == {"name": "cddfuse", "version": 1}
    assert content["pairs"] == {"ok": 1, "undefined": 0, "failed": 2}
    assert content["metrics"] == {"SD": {"mean": 0.5, "low": None, "high": None, "n": 1}}
    assert content["per_pair"][1] == {"pair": "02", "status": "failed", "reason": "no fused image", "SD": None}
    assert content["failed"][0] == {"pair": "02", "reason": "no fused image"}


def test_csv_holds_one_line_per_pair(command, folders):
    assert command("--csv", folders / "values.csv", "--metrics=SD").code == 0
    with (folders / "values.csv").open() as file:
        assert [(row["pair"], float(row["SD"])) for row in csv.DictReader(file)] == [
            ("01", 0.5),
            ("02", 1),
            ("03", 1.5),
        ]


def test_a_csv_file_that_cannot_be_written_is_explained(command, folders):
    result = command("--csv", folders / "nowhere" / "values.csv")
    assert result.code == 5
    assert "Cannot write" in result.err


@pytest.mark.shared
@pytest.mark.parametrize("method", ["SeAFusion", "DenseFuse"])
def test_en_and_sf_are_those_the_authors_of_the_toolbox_published(shared: Path, method: str) -> None:
    tno, fused = shared / "data" / "TNO", shared / "data" / "TNO_fused" / method
    table = package.evaluate(tno / "ir", tno / "vi", fused, metrics=["EN", "SF"]).pairs
    published = pd.read_csv(shared / "facts" / "tno_published_metrics.csv").query("method == @method")
    assert len(published) == table["EN"].count() == 14
    for _, row in published.iterrows():
        ours = table.loc[Path(row["image"]).stem]
        assert ours["EN"] == pytest.approx(row["EN"], abs=1e-6)
        assert ours["SF"] == pytest.approx(255 * row["SF"], abs=1e-6)  # published on [0,1] images
