"""The command line says what there is, and turns every user error into one sentence and a documented exit code."""

import json

import cv2
import numpy as np
import pytest

from uaabench.core import imaging


@pytest.fixture
def two_files(pair_folder):
    return pair_folder / "ir" / "0.png", pair_folder / "vi" / "0.png"


def test_every_verb_has_an_example_in_its_help(uaabench):
    for verb in ("run", "fuse", "score", "report", "explain", "evaluate", "list", "show", "check-method", "doctor"):
        result = uaabench(verb, "--help")
        assert result.code == 0
        assert f"uaabench {verb}" in result.out.split("Options")[0].split("Usage")[1].split("\n", 1)[1], verb


@pytest.mark.parametrize("name", ["qabf", "tardal", "msrs", "cddfuse"])
def test_show_prints_any_card_as_json(uaabench, name):
    card = json.loads(uaabench("show", name, "--json").out)
    assert card["name"].lower() == name


def test_show_of_a_typo_names_the_nearest_card(uaabench):
    result = uaabench("show", "qafb")
    assert (result.code, result.err) == (2, "uaabench: There is no card 'qafb'; did you mean 'Qabf'?\n")


def test_two_files_are_fused_to_the_artefact_of_a_run(uaabench, two_files, tmp_path):
    result = uaabench("fuse", *two_files, "-o", tmp_path / "out.png", "--method", "average")
    assert result.code == 0
    ir, y = imaging.read_grey(two_files[0]), imaging.read_grey(two_files[1])
    fused = cv2.imread(str(tmp_path / "out.png"), cv2.IMREAD_UNCHANGED)
    assert fused.ndim == 2
    assert (fused == np.round((ir.astype(float) + y) / 2)).all()


def test_colour_gives_the_chroma_of_the_visible_image(uaabench, two_files, tmp_path):
    uaabench("fuse", *two_files, "-o", tmp_path / "out.png", "--method", "infrared", "--colour")
    colour = imaging.read_rgb(tmp_path / "out.png")
    expected = imaging.colourise(imaging.read_grey(two_files[0]), imaging.read_rgb(two_files[1]))
    assert (colour == expected).all()


def test_fusing_needs_two_images_and_an_output(uaabench, two_files, tmp_path):
    assert uaabench("fuse", two_files[0], "-o", tmp_path / "out.png").code == 2
    assert uaabench("fuse", *two_files).code == 2


def test_two_files_are_fused_by_a_named_method_only(uaabench, two_files, tmp_path):
    result = uaabench("fuse", *two_files, "-o", tmp_path / "out.png")
    assert (result.code, "Name the method that fuses the two images" in result.err) == (2, True)


@pytest.mark.parametrize("name", ["out.jpg", "out.tif", "out", "png"])
def test_a_fused_image_is_never_written_under_the_suffix_of_another_format(uaabench, two_files, tmp_path, name):
    result = uaabench("fuse", *two_files, "-o", tmp_path / name, "--method", "average")
    assert result.code == 2
    assert f"ends in .png, not {name}" in result.err
    assert not (tmp_path / name).exists()


def test_images_of_different_size_are_refused(uaabench, two_files, tmp_path):
    cv2.imwrite(str(tmp_path / "vi.png"), np.zeros((10, 10, 3), np.uint8))
    result = uaabench("fuse", two_files[0], tmp_path / "vi.png", "-o", tmp_path / "out.png", "--method", "average")
    assert result.code == 4
    assert "is 64x48 but" in result.err


def test_the_fuse_stage_alone_leaves_artefacts_that_run_takes_over(uaabench, pair_folder, tmp_path):
    common = ("--methods", "average", "--datasets", f"mine={pair_folder}", "--out", tmp_path / "R")
    assert uaabench("fuse", *common).code == 0
    artefacts = {path: path.stat().st_mtime_ns for path in (tmp_path / "R" / "fuse").rglob("*.png")}
    assert len(artefacts) == 4
    assert uaabench("fuse", *common).code == 0
    assert uaabench("run", *common, "--no-floor").code == 0
    assert {path: path.stat().st_mtime_ns for path in artefacts} == artefacts


def test_check_method_prints_every_finding(uaabench):
    result = uaabench("check-method", "average")
    assert result.code == 0
    assert "FAIL" not in result.out
    assert "deterministic" in result.out


def test_check_method_fails_on_a_broken_plugin(uaabench, tmp_path):
    (tmp_path / "bad.py").write_text(
        "from uaabench.core.interface import LuminanceMethod, MethodCard\n"
        "class Bad(LuminanceMethod):\n"
        "    card = MethodCard(name='bad', title='Bad', kind='classical', version=1, summary='drops a row')\n"
        "    def fuse_luminance(self, ir, y):\n"
        "        return y[:, :, 1:]\n"
    )
    result = uaabench("check-method", "bad", "--plugin", tmp_path / "bad.py")
    assert result.code == 3
    assert "FAIL" in result.out


def test_weights_are_added_by_hash_listed_and_verified(uaabench, shared, tmp_path):
    result = uaabench("weights", "add", "tardal", shared / "weights" / "TarDAL" / "tardal-dt.pth")
    assert result.code == 0
    assert "added tardal@dt" in result.out
    assert "tardal@dt" in uaabench("weights", "verify").out
    (tmp_path / "x.pth").write_text("x")
    assert uaabench("weights", "add", "tardal", tmp_path / "x.pth").code == 4


def test_doctor_names_what_is_missing_and_what_mends_it(uaabench, tmp_path):
    result = uaabench("doctor", "--data-root", tmp_path)
    assert result.code == 0
    assert "uaabench data prepare msrs" in result.out
    assert {"state", "what", "detail", "mend"} == set(json.loads(uaabench("doctor", "--json").out)[0])


def test_an_unknown_option_is_a_usage_error(uaabench):
    assert uaabench("run", "--method", "uaa").code == 2
