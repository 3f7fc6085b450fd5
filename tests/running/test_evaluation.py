import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner, Result

from uaabench.cli.evaluate import evaluate as evaluate_command
from uaabench.core import imaging
from uaabench.core.errors import DataError, UaabenchError
from uaabench.metrics.profiles.cddfuse import CDDFUSE
from uaabench.running.evaluation import evaluate, summarise

ALL = CDDFUSE.select()


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


def scored(folders: Path, names: list[str] | None = None) -> pd.DataFrame:
    return evaluate(folders / "ir", folders / "vi", folders / "fused", CDDFUSE.select(names), CDDFUSE)


def command(folders: Path, *options: str) -> Result:
    app = typer.Typer()
    app.command()(evaluate_command)
    sources = [f"--{kind}={folders / kind}" for kind in ("ir", "vi", "fused")]
    return CliRunner().invoke(app, [*sources, *options])


def test_each_pair_is_a_row_with_its_own_values(folders: Path) -> None:
    table = scored(folders, ["SD", "EN"])
    assert table.columns.tolist() == ["pair", "status", "reason", "SD", "EN"]
    assert table["pair"].tolist() == ["01", "02", "03"]
    assert table["SD"].tolist() == [0.5, 1, 1.5]
    assert (table["status"] == "ok").all()


def test_the_result_does_not_depend_on_threads_and_progress_is_told(folders: Path) -> None:
    steps: list[tuple[int, int]] = []
    paths = [folders / kind for kind in ("ir", "vi", "fused")]
    table = evaluate(*paths, ALL, CDDFUSE, threads=3, progress=lambda *step: steps.append(step))
    pd.testing.assert_frame_equal(table, scored(folders))
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_images_are_matched_by_stem_whatever_the_suffix(folders: Path) -> None:
    fused = imaging.read_grey(folders / "fused" / "02.png")
    (folders / "fused" / "02.png").unlink()
    cv2.imwrite(str(folders / "fused" / "02.bmp"), fused)
    assert scored(folders, ["SD"])["SD"].tolist() == [0.5, 1, 1.5]


def test_a_pair_without_a_fused_image_is_a_missing_row(folders: Path) -> None:
    (folders / "fused" / "02.png").unlink()
    row = scored(folders, ["SD"]).set_index("pair").loc["02"]
    assert (row["status"], row["reason"]) == ("missing", "no fused image")
    assert np.isnan(row["SD"])


def test_a_fused_image_without_a_source_is_an_error_that_names_it(folders: Path) -> None:
    (folders / "vi" / "03.png").unlink()
    with pytest.raises(DataError, match=r"1 of 3 fused images .* no partner .*: 03; name"):
        scored(folders)


def test_two_files_of_one_stem_are_refused(folders: Path) -> None:
    (folders / "ir" / "01.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"holds both 01\.jpg and 01\.png"):
        scored(folders)


@pytest.mark.parametrize("kind", ["ir", "vi", "fused"])
def test_a_folder_that_is_missing_or_empty_is_an_error(folders: Path, kind: str) -> None:
    for path in (folders / kind).iterdir():
        path.unlink()
    with pytest.raises(DataError, match="holds no image"):
        scored(folders)
    (folders / kind).rmdir()
    with pytest.raises(DataError, match="There is no folder"):
        scored(folders)


def test_an_unreadable_or_misshapen_image_fails_its_pair_only(folders: Path) -> None:
    (folders / "fused" / "01.png").write_bytes(b"no image")
    imaging.write_png(folders / "ir" / "03.png", np.zeros((44, 44), np.uint8))
    table = scored(folders, ["SD"])
    assert table["status"].tolist() == ["failed", "ok", "failed"]
    assert "01.png" in table["reason"][0]
    assert "44x44" in table["reason"][2]
    assert summarise(table, CDDFUSE.select(["SD"]))["SD"].mean == 1
    assert summarise(table, CDDFUSE.select(["SD"]))["SD"].n == 1


def test_an_undefined_metric_says_why_and_the_others_count(folders: Path) -> None:
    for kind in ("ir", "vi"):
        imaging.write_png(folders / kind / "01.png", np.zeros((44, 45), np.uint8))
    row = scored(folders, ["Qabf", "SD"]).iloc[0]
    assert (row["status"], row["reason"]) == ("undefined", "Qabf: neither source has a gradient")
    assert row["SD"] == 0.5


def test_the_command_prints_means_intervals_and_the_profile(folders: Path) -> None:
    result = command(folders, "--metrics", "sd,EN", "--per-pair")
    assert result.exit_code == 0
    # SD of the three pairs: 0.5, 1, 1.5
    assert "SD ↑" in result.stdout
    assert "1.0000" in result.stdout
    assert "0.5000 to 1.5000" in result.stdout
    assert "3 of 3 pairs scored; profile cddfuse, version 1." in result.stdout


def test_the_command_names_missing_pairs(folders: Path) -> None:
    (folders / "fused" / "02.png").unlink()
    result = command(folders)
    assert result.exit_code == 0
    assert "Left out, no fused image (1 of 3 pairs): 02." in result.stdout


def test_the_command_exits_with_3_when_an_image_failed_and_prints_the_rest(folders: Path) -> None:
    (folders / "fused" / "02.png").write_bytes(b"no image")
    result = command(folders, "--metrics=SD")
    assert result.exit_code == 3
    assert "02 failed: Cannot decode the image" in result.stdout
    assert "2 of 3 pairs scored" in result.stdout


def test_json_holds_the_same_numbers_and_null_for_what_is_not_there(folders: Path) -> None:
    (folders / "fused" / "02.png").unlink()
    (folders / "fused" / "03.png").unlink()
    content = json.loads(command(folders, "--json", "--per-pair", "--metrics=SD").stdout)
    assert content["profile"] == {"name": "cddfuse", "version": 1}
    assert content["pairs"] == {"ok": 1, "undefined": 0, "failed": 0, "missing": 2}
    assert content["metrics"] == {"SD": {"mean": 0.5, "low": None, "high": None, "n": 1}}
    assert content["per_pair"][1] == {"pair": "02", "status": "missing", "reason": "no fused image", "SD": None}


def test_csv_holds_one_line_per_pair(folders: Path) -> None:
    assert command(folders, "--csv", str(folders / "values.csv"), "--metrics=SD").exit_code == 0
    with (folders / "values.csv").open() as file:
        assert [(row["pair"], float(row["SD"])) for row in csv.DictReader(file)] == [
            ("01", 0.5),
            ("02", 1),
            ("03", 1.5),
        ]


def test_the_command_explains_a_csv_file_it_cannot_write(folders: Path) -> None:
    error = command(folders, "--csv", str(folders / "nowhere" / "values.csv")).exception
    assert isinstance(error, UaabenchError)
    assert "Cannot write" in str(error)


@pytest.mark.shared
@pytest.mark.parametrize("method", ["SeAFusion", "DenseFuse"])
def test_en_and_sf_are_those_the_authors_of_the_toolbox_published(shared: Path, method: str) -> None:
    tno = shared / "data" / "TNO"
    table = evaluate(
        tno / "ir", tno / "vi", shared / "data" / "TNO_fused" / method, CDDFUSE.select(["EN", "SF"]), CDDFUSE
    ).set_index("pair")
    published = pd.read_csv(shared / "facts" / "tno_published_metrics.csv").query("method == @method")
    assert len(published) == len(table) == 14
    for _, row in published.iterrows():
        ours = table.loc[Path(row["image"]).stem]
        assert ours["EN"] == pytest.approx(row["EN"], abs=1e-6)
        assert ours["SF"] == pytest.approx(255 * row["SF"], abs=1e-6)  # published on [0,1] images
