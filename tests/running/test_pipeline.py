"""Runs as a user starts them: finished work is kept, failures are said and isolated, the exit code tells."""

import json
import os
import signal
import subprocess
import sys

import cv2
import numpy as np
import pandas as pd
import pytest

from uaabench.core import imaging, registry

CRASHING = """
from uaabench.core.interface import LuminanceMethod, MethodCard

class Crashing(LuminanceMethod):
    card = MethodCard(name="crashing", title="Crashing", kind="classical", version=1, summary="fails")

    def fuse_luminance(self, ir, y):
        raise RuntimeError("out of ideas")
"""

# Writes the id-free log line that proves how often it fused. Where a run is named, it kills that run while it fuses
# the fourth pair, as soon as two images are there; one thread writes behind, so a third one may be.
SLOW = """
import os, signal, time
from pathlib import Path
from uaabench.core.interface import LuminanceMethod, MethodCard

class Slow(LuminanceMethod):
    card = MethodCard(name="slow", title="Slow", kind="classical", version=1, summary="average, logged")

    def fuse_luminance(self, ir, y):
        log = Path(os.environ["SLOW_LOG"])
        with log.open("a") as file:
            file.write("fused\\n")
        run = os.environ.get("KILLED_RUN")
        if run and len(log.read_text().splitlines()) == 4:
            while len(list(Path(run).glob("fuse/mine/all/slow-*/*.png"))) < 2:
                time.sleep(0.01)
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
        return (ir + y) / 2
"""


@pytest.fixture
def run(uaabench, pair_folder, tmp_path):
    def call(methods, *extra):
        return uaabench(
            "run", "--methods", methods, "--datasets", f"mine={pair_folder}", "--out", tmp_path / "R", *extra
        )

    return call


def results(folder):
    return pd.read_csv(folder / "report" / "results.csv")


def test_a_run_prints_the_table_and_keeps_everything(run, tmp_path):
    result = run("laplacian")
    assert result.code == 0, result.err
    assert "Laplacian" in result.out
    table = results(tmp_path / "R")
    assert set(table["method"]) == {"visible", "infrared", "average", "maximum", "maximum_plus_minimum", "laplacian"}
    assert set(table["metric"]) == {"EN", "SD", "SF", "VIF", "Qabf"}
    assert (table["n"] == 4).all()
    records = pd.read_parquet(tmp_path / "R" / "records.parquet")
    assert len(records) == 6 * 4 * 5
    assert (records["status"] == "ok").all()
    manifest = json.loads((tmp_path / "R" / "manifest.json").read_text())
    assert manifest["config"]["methods"] == ["laplacian"]
    assert manifest["environment"]["device"].startswith("cpu")
    for name in ("results.md", "results.json", "results.tex"):
        assert (tmp_path / "R" / "report" / name).stat().st_size > 100


def test_the_average_of_a_pair_has_the_values_of_its_arithmetic(run, pair_folder, tmp_path):
    run("average", "--no-floor")
    ir, vi = (imaging.read_grey(pair_folder / kind / "0.png").astype(float) for kind in ("ir", "vi"))
    records = pd.read_parquet(tmp_path / "R" / "records.parquet").set_index(["pair", "metric"])["value"]
    assert records["0", "SD"] == pytest.approx(np.round((ir + vi) / 2).std(), abs=1e-9)


def test_the_same_command_again_fuses_nothing(run, tmp_path):
    run("average")
    artefacts = {path: path.stat().st_mtime_ns for path in (tmp_path / "R" / "fuse").rglob("*.png")}
    before = (tmp_path / "R" / "report" / "results.csv").read_bytes()
    assert run("average").code == 0
    assert {path: path.stat().st_mtime_ns for path in artefacts} == artefacts
    assert (tmp_path / "R" / "report" / "results.csv").read_bytes() == before


def test_fresh_computes_everything_anew(run, tmp_path):
    run("average", "--no-floor")
    artefact = next((tmp_path / "R" / "fuse").rglob("*.png"))
    before = artefact.stat().st_mtime_ns
    run("average", "--no-floor", "--fresh")
    assert artefact.stat().st_mtime_ns > before


def test_a_crashing_method_leaves_the_others_their_results(run, tmp_path):
    (tmp_path / "crashing.py").write_text(CRASHING)
    result = run("average,crashing", "--no-floor", "--plugin", tmp_path / "crashing.py")
    assert result.code == 3
    assert "fuse crashing on mine all, 4 pairs: RuntimeError: out of ideas" in result.err
    table = results(tmp_path / "R").set_index(["method", "metric"])["n"]
    assert table["average", "EN"] == 4
    assert table["crashing", "EN"] == 0
    assert "out of ideas" in result.out


def test_fail_fast_stops_at_the_first_failure(run, tmp_path):
    (tmp_path / "crashing.py").write_text(CRASHING)
    result = run("crashing,laplacian", "--no-floor", "--plugin", tmp_path / "crashing.py", "--fail-fast")
    assert result.code == 3
    assert "fuse crashing on mine all, 0: RuntimeError" in result.err
    assert list((tmp_path / "R").rglob("laplacian-*/*.png")) == []


def test_a_result_outside_the_contract_fails_its_method(run, tmp_path):
    broken = CRASHING.replace('raise RuntimeError("out of ideas")', "return 255 * y")
    (tmp_path / "crashing.py").write_text(broken)
    result = run("crashing", "--no-floor", "--plugin", tmp_path / "crashing.py")
    assert result.code == 3
    assert "instead of staying in [0,1]" in result.err


def test_a_failure_is_tried_again_and_not_cached(run, tmp_path, monkeypatch):
    (tmp_path / "crashing.py").write_text(CRASHING)
    assert run("crashing", "--plugin", tmp_path / "crashing.py").code == 3
    (tmp_path / "crashing.py").write_text(CRASHING.replace('raise RuntimeError("out of ideas")', "return ir"))
    # Another process would know nothing of the plug-in.
    monkeypatch.setattr(registry, "_plugins", {})
    assert run("crashing", "--plugin", tmp_path / "crashing.py").code == 0
    assert (results(tmp_path / "R")["n"] == 4).all()


def test_a_truncated_image_fails_its_pair_only(run, pair_folder, tmp_path):
    image = pair_folder / "ir" / "1.png"
    image.write_bytes(image.read_bytes()[:500])
    result = run("average", "--no-floor")
    assert result.code == 3
    assert "average on mine all, 1: Cannot decode the image" in result.err
    assert "truncated" in result.err
    assert (results(tmp_path / "R")["n"] == 3).all()
    assert (results(tmp_path / "R")["n_planned"] == 4).all()


def test_a_missing_visible_image_fails_its_pair_only(run, pair_folder, tmp_path):
    (pair_folder / "vi" / "3.png").unlink()
    result = run("average", "--no-floor")
    assert result.code == 3
    assert "average on mine all, 3: Cannot read the image" in result.err
    assert (results(tmp_path / "R")["n"] == 3).all()


def test_an_unwritable_output_folder_is_said_in_one_sentence(uaabench, pair_folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = uaabench(
        "run", "--methods", "average", "--datasets", f"mine={pair_folder}", "--out", tmp_path / "file" / "R"
    )
    assert result.code == 5
    assert result.err.startswith("uaabench: Cannot write the run directory")
    assert len(result.err.splitlines()) == 1


def test_a_checkpoint_with_a_wrong_hash_fails_its_method_only(run, tmp_path, monkeypatch):
    from uaabench.core import weights

    shipped = weights.shipped("tardal")
    changed = tmp_path / "tardal.safetensors"
    changed.write_bytes(shipped.read_bytes()[:-1] + b"x")
    monkeypatch.setattr(weights, "shipped", lambda name: changed if name == "tardal" else None)
    result = run("average,tardal", "--no-floor")
    assert result.code == 3
    assert "have the SHA-256" in result.err
    assert results(tmp_path / "R").set_index(["method", "metric"])["n"]["average", "EN"] == 4


def test_fused_images_made_elsewhere_are_a_method(run, tmp_path):
    run("average", "--no-floor")
    fused = next((tmp_path / "R" / "fuse").rglob("*.png")).parent
    (fused / "3.png").rename(tmp_path / "3.png")
    result = run(f"average,mine={fused}", "--no-floor", "--out", tmp_path / "R2")
    assert result.code == 3
    assert "'mine' has no image for this pair" in result.err
    table = results(tmp_path / "R2").set_index(["method", "metric"])
    assert table["n"]["mine", "EN"] == 3
    records = pd.read_parquet(tmp_path / "R2" / "records.parquet").set_index(["method", "pair", "metric"])["value"]
    assert records["mine", "0", "Qabf"] == records["average", "0", "Qabf"]


def test_score_and_report_work_from_the_run_directory_alone(run, uaabench, tmp_path):
    run("average")
    before = (tmp_path / "R" / "report" / "results.csv").read_bytes()
    (tmp_path / "R" / "report" / "results.csv").unlink()
    assert uaabench("report", tmp_path / "R").code == 0
    assert (tmp_path / "R" / "report" / "results.csv").read_bytes() == before
    assert uaabench("score", tmp_path / "R", "--fresh").code == 0
    assert (tmp_path / "R" / "report" / "results.csv").read_bytes() == before
    assert uaabench("report", tmp_path).code == 2


def test_dry_run_computes_nothing(run, tmp_path):
    result = run("average", "--dry-run")
    assert result.code == 0
    assert "10 units, 10 to do" in result.out
    assert not (tmp_path / "R").exists()


def test_images_too_small_for_a_metric_have_a_missing_value_with_its_reason(uaabench, tmp_path):
    for folder, shape in (("ir", (20, 30)), ("vi", (20, 30, 3))):
        (tmp_path / "small" / folder).mkdir(parents=True)
        image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        cv2.imwrite(str(tmp_path / "small" / folder / "a.png"), image)
    out = tmp_path / "R"
    result = uaabench("run", "--methods", "average", "--datasets", f"small={tmp_path / 'small'}", "--out", out)
    assert result.code == 0
    assert "30x20 is smaller than the 41x41 it needs" in result.out
    assert (results(out).set_index("metric")["n"]["VIF"] == 0).all()


@pytest.mark.slow
def test_worker_processes_give_the_same_results(run, tmp_path):
    run("laplacian")
    before = (tmp_path / "R" / "report" / "results.csv").read_bytes()
    assert run("laplacian", "--jobs", "2", "--fresh").code == 0
    assert (tmp_path / "R" / "report" / "results.csv").read_bytes() == before


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_stopped(run, pair_folder, tmp_path, monkeypatch):
    (tmp_path / "slow.py").write_text(SLOW)
    log = tmp_path / "log"
    monkeypatch.setenv("SLOW_LOG", str(log))
    arguments = ["run", "--methods", "slow", "--datasets", f"mine={pair_folder}", "--plugin", str(tmp_path / "slow.py")]
    start = "import sys; from uaabench.cli.main import main; main()"
    command = [sys.executable, "-c", start, *arguments, "--out", str(tmp_path / "killed")]
    environment = {**os.environ, "KILLED_RUN": str(tmp_path / "killed")}
    # The worker that has the plug-in kills the run it belongs to.
    assert subprocess.run(command, env=environment, cwd=tmp_path, check=False).returncode == -signal.SIGKILL
    (folder,) = tmp_path.glob("killed/fuse/mine/all/slow-*")
    # An image whose line was not written yet is made again.
    whole = (folder / "results-0.jsonl").read_bytes().count(b"\n")
    kept = {path: path.stat().st_mtime_ns for path in sorted(folder.glob("*.png"))[:whole]}
    assert 1 <= len(kept) < 4

    log.unlink()
    assert run("slow", "--plugin", tmp_path / "slow.py", "--out", tmp_path / "killed").code == 0
    assert len(log.read_text().splitlines()) == 4 - len(kept)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert run("slow", "--plugin", tmp_path / "slow.py", "--out", tmp_path / "undisturbed").code == 0
    killed, undisturbed = (tmp_path / name / "report" / "results.csv" for name in ("killed", "undisturbed"))
    assert killed.read_bytes() == undisturbed.read_bytes()


def test_a_run_is_scored_again_under_another_profile_and_back(run, uaabench, tmp_path):
    assert run("laplacian").code == 0
    first = (tmp_path / "R" / "report" / "results.csv").read_bytes()
    again = uaabench("score", tmp_path / "R", "--profile", "tang-legacy")
    assert again.code == 0, again.err
    table = results(tmp_path / "R")
    assert set(table["metric"]) == {"EN", "SD", "SF", "MI", "VIF", "AG", "SCD", "Qabf"}
    assert (table.loc[table["metric"] == "SD", "mean"] < 16).all()  # 8-bit arithmetic: never above sqrt(255)
    assert "Profile tang-legacy, version 1" in again.out
    assert uaabench("score", tmp_path / "R", "--profile", "cddfuse").code == 0
    assert (tmp_path / "R" / "report" / "results.csv").read_bytes() == first
