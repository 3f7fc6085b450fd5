"""The Python interface does what the command line does, and gives it back as values."""

import inspect
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

import uaabench
from runs import write_run
from uaabench.cli.main import app
from uaabench.core import imaging
from uaabench.core.errors import DataError, StorageError, UsageError
from uaabench.reporting.build import table_of
from uaabench.running import evidence
from uaabench.running.config import RunConfig
from uaabench.running.units import Failure

CRASHING = """
from uaabench.core.interface import LuminanceMethod, MethodCard

class Crashing(LuminanceMethod):
    card = MethodCard(name="crashing", title="<b>Crashing</b>", kind="classical", version=1, summary="fails")

    def fuse_luminance(self, ir, y):
        raise RuntimeError("out of <i>ideas</i>")
"""


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """A data set of four pairs of 32x32."""
    root = tmp_path_factory.mktemp("pairs")
    generator = np.random.default_rng(0)
    for folder, shape in (("ir", (32, 32)), ("vi", (32, 32, 3))):
        (root / folder).mkdir()
        for name in "0123":
            imaging.write_png(root / folder / f"{name}.png", generator.integers(0, 256, shape, dtype=np.uint8))
    return root


@pytest.fixture(scope="module")
def result(pairs, tmp_path_factory):
    """A run of two methods and two metrics."""
    out = tmp_path_factory.mktemp("runs") / "R"
    names = {"methods": ["laplacian", "average"], "datasets": [f"own={pairs}"], "metrics": ("EN", "SD")}
    return uaabench.run(**names, floor=False, out=out)


def test_the_parameters_are_the_entries_of_a_configuration_and_where_the_run_goes():
    parameters = dict(inspect.signature(uaabench.run).parameters)
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters.values())
    assert {*parameters} == {*RunConfig.model_fields, "out", "fresh", "progress"}
    assert all(f"\n    {name}: " in inspect.getdoc(uaabench.run) for name in parameters)


@pytest.mark.parametrize("name", [name for name, field in RunConfig.model_fields.items() if not field.is_required()])
def test_the_defaults_are_those_of_a_configuration(name):
    default = inspect.signature(uaabench.run).parameters[name].default
    expected = RunConfig.model_fields[name].default
    # An empty list or dictionary is no default of a function.
    assert default == expected if expected not in ([], {}) else not default


def test_a_run_gives_its_table_and_records_back(result):
    assert result.folder.name == "R"
    assert result.table.index.names == ["dataset", "split", "method"]
    assert list(result.table.columns) == ["EN", "SD"]
    of_pairs = result.records.query("method == 'laplacian' and metric == 'EN'")["value"]
    assert result.table.loc[("own", "all", "laplacian"), "EN"] == pytest.approx(of_pairs.mean(), abs=1e-12)
    assert result.failures == ()
    assert {path.name for path in result.report_files} >= {"results.html", "results.csv", "results.tex"}
    assert all(path.is_file() for path in result.report_files)


def test_the_tidy_table_is_the_csv_file_with_the_reasons(result):
    written = pd.read_csv(result.folder / "report" / "results.csv")
    tidy = result.tidy
    numbers = ["mean", "ci_low", "ci_high", "n", "n_planned"]
    pd.testing.assert_frame_equal(tidy[numbers], written[numbers], check_exact=True)
    assert list(tidy.columns) == [*written.columns, "reason"]
    assert set(tidy["mark"]) == {"best", ""}


def test_the_command_line_makes_the_same_run(result, uaabench, pairs, tmp_path):
    words = ("--methods", "laplacian,average", "--datasets", f"own={pairs}", "--metrics", "EN,SD", "--no-floor")
    assert uaabench("run", *words, "--out", tmp_path / "C").code == 0
    by_command = (tmp_path / "C" / "report" / "results.csv").read_bytes()
    assert by_command == (result.folder / "report" / "results.csv").read_bytes()


def test_a_comparison_is_that_of_the_report(result, uaabench, tmp_path):
    uaabench("report", result.folder, "--vs", "average", "--format", "csv", "--out", tmp_path)
    written = pd.read_csv(tmp_path / "results.csv")
    row = written.query("method == 'laplacian' and metric == 'SD'").iloc[0]
    ours = result.versus("average").loc[("own", "all", "laplacian", "SD")]
    assert [*ours[["difference", "difference_low", "p_holm"]]] == [*row[["difference", "difference_low", "p_holm"]]]
    assert "average" not in result.versus("average").index.get_level_values("method")
    with pytest.raises(UsageError, match="did you mean 'average'"):
        result.versus("avrage")


def test_the_text_of_a_result_has_no_signs_that_only_a_terminal_understands(result, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "Laplacian pyramid" in repr(result)
    assert "\x1b" not in repr(result)


def test_what_failed_is_in_the_result_and_raises_nothing(pairs, tmp_path):
    (tmp_path / "crashing.py").write_text(CRASHING)
    result = uaabench.run(
        methods=["crashing"], datasets=[f"own={pairs}"], floor=False, limit=1, plugins=[tmp_path / "crashing.py"],
        out=tmp_path / "R",
    )  # fmt: skip
    expected = Failure("fuse", "crashing", "own", "all", "0", "RuntimeError: out of <i>ideas</i>")
    assert result.failures == (expected,)
    assert np.isnan(result.table.loc[("own", "all", "crashing"), "EN"])
    assert "RuntimeError" in result.tidy["reason"][0]
    assert "fuse crashing on own all, 0: RuntimeError: out of <i>ideas</i>" in repr(result)
    shown = result._repr_html_()
    assert "fuse crashing on own all, 0: RuntimeError: out of &lt;i&gt;ideas&lt;/i&gt;" in shown
    assert "&lt;b&gt;Crashing&lt;/b&gt;" in shown
    assert "<i>ideas" not in shown


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"methods": "uaa,tardal"}, "The entry 'methods' is 'uaa,tardal', but must be a list"),
        ({"methods": []}, "The entry 'methods' is not valid"),
        ({"methods": None}, "The entry 'methods' is not valid"),
        ({"methods": ["average"], "plugins": "mine.py"}, r"write plugins=\['mine.py'\]"),
        ({"methods": ["average"], "limit": 0}, "The entry 'limit' is not valid"),
        ({"methods": ["avrage"]}, "did you mean 'average'"),
    ],
    ids=["text", "nothing", "none", "path", "limit", "name"],
)
def test_what_cannot_be_run_is_one_sentence(entries, said):
    with pytest.raises(UsageError, match=said):
        uaabench.run(**entries)


def test_a_folder_that_cannot_be_written_is_one_sentence(pairs, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="Cannot write the run directory"):
        uaabench.run(methods=["average"], datasets=[f"own={pairs}"], out=str(tmp_path / "file" / "R"))


def test_a_run_leaves_the_random_numbers_and_threads_of_its_caller_alone(pairs, tmp_path):
    np.random.seed(7)
    torch.manual_seed(7)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        uaabench.run(methods=["average"], datasets=[f"own={pairs}"], floor=False, seed=3, out=tmp_path / "R")
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)
    assert np.random.random() == np.random.RandomState(7).random()
    assert torch.rand(1) == torch.rand(1, generator=torch.Generator().manual_seed(7))


@pytest.fixture
def script(pairs, tmp_path):
    """Run a script with a call that needs workers, below the lines that are given."""

    def call(above: str) -> subprocess.CompletedProcess[str]:
        entries = f"methods=['average'], datasets=['own={pairs}'], metrics=['EN'], floor=False, limit=1, jobs=2"
        (tmp_path / "script.py").write_text(
            f"import uaabench\n{above} print(uaabench.run({entries}, out={str(tmp_path / 'R')!r}).failures)\n"
        )
        words = [sys.executable, tmp_path / "script.py"]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    return call


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_what_workers_need_before_anything_is_computed(script, tmp_path):
    done = script("if True:")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert re.search(r"UsageError: .* in processes of its own.*if __name__ == '__main__':", last)
    assert not (tmp_path / "R").exists()


@pytest.mark.slow
def test_a_script_with_a_guard_gets_its_workers(script):
    done = script("if __name__ == '__main__':")
    assert (done.returncode, done.stdout) == (0, "()\n"), done.stderr


def scored(**changes):
    generator = np.random.default_rng(0)
    given = {kind: generator.integers(0, 256, (16, 16), dtype=np.uint8) for kind in ("ir", "vi")}
    stripes = [np.tile(np.array([[0], [level]], np.uint8), (8, 16)) for level in (1, 2, 3)]
    return uaabench.evaluate(*([image] * 3 for image in given.values()), stripes, metrics=["SD", "EN"], **changes)


def test_an_evaluation_has_the_values_of_each_pair_and_their_means():
    result = scored()
    # The standard deviation of stripes of the levels 0 and L is L / 2.
    assert result.pairs["SD"].tolist() == [0.5, 1, 1.5]
    assert result.means.loc["SD", ["mean", "low", "high", "n"]].tolist() == [1, 0.5, 1.5, 3]
    assert result.means.index.tolist() == ["SD", "EN"]
    assert result.failures == ()


def test_the_records_of_an_evaluation_have_the_columns_of_those_of_a_run(result):
    assert list(scored().records.columns) == list(result.records.columns)


def test_arrays_have_the_values_of_the_run_that_fused_them(result, pairs):
    folder = next((result.folder / "fuse" / "own" / "all").glob("laplacian-*"))
    ours = uaabench.evaluate(pairs / "ir", pairs / "vi", folder).pairs
    theirs = result.records.query("method == 'laplacian'").pivot(index="pair", columns="metric", values="value")
    pd.testing.assert_frame_equal(ours[theirs.columns], theirs.astype(float), check_exact=True, check_names=False)


def test_an_evaluation_shows_itself_with_what_failed_and_marks_nothing():
    ir = np.zeros((16, 16), np.uint8)
    result = uaabench.evaluate({"a": ir, "<b>": ir}, {"a": ir, "<b>": ir}, {"a": ir}, metrics=["SD"])
    shown = result._repr_html_()
    assert "score fused on images, &lt;b&gt;: no fused image" in shown
    assert "n = 1 of 2 (1 failed: no fused image)." in shown
    assert "<b>" not in shown
    assert "score fused on images, <b>: no fused image" in repr(result)


def test_an_evaluation_of_nothing_but_failures_is_a_result():
    ir = np.zeros((16, 16), np.uint8)
    result = uaabench.evaluate({"a": ir}, {"a": ir}, {}, metrics=["SD", "EN"])
    assert result.pairs.loc["a", "status"] == "failed"
    assert result.means["n"].tolist() == [0, 0]
    assert len(result.failures) == 1


@pytest.mark.parametrize(
    ("entries", "error", "said"),
    [
        ({"metrics": "SD"}, UsageError, r"write metrics=\['SD'\]"),
        ({"metrics": ["SDD"]}, UsageError, "did you mean 'SD'"),
        ({"profile": "tango"}, UsageError, "did you mean 'tang'"),
        ({"fused": np.zeros((8, 8))}, DataError, "has the type float64"),
        ({"fused": np.zeros((8, 9), np.uint8)}, DataError, "differ in size"),
        ({"fused": "no/folder"}, DataError, "no folder or image no/folder"),
    ],
    ids=["text", "metric", "profile", "float", "size", "folder"],
)
def test_what_cannot_be_evaluated_is_one_sentence(entries, error, said):
    image = np.zeros((8, 8), np.uint8)
    with pytest.raises(error, match=said):
        uaabench.evaluate(**{"ir": image, "vi": image, "fused": image, **entries})


def test_a_result_shows_notes_marks_and_legend_of_its_table(tmp_path):
    values = {"uaa": {"EN": [6.0, 7.0]}, "tardal": {"EN": [5.0, 6.0]}, "x": {"EN": [9.0, None]}}
    loaded = evidence.load(write_run(tmp_path / "run", values))
    shown = uaabench.RunResult(loaded, table_of(loaded), (), ())._repr_html_()
    assert "<b>6.5000</b>" in shown
    assert "<u>5.5000</u>" in shown
    assert "9.0000<sup>a</sup>" in shown
    assert "<sup>a</sup> n = 1 of 2 (1 undefined" in shown
    assert "EN ↑" in shown
    assert "Profile cddfuse, version" in shown
    assert "<b>Best</b>, <u>second</u>" in shown
    assert "<script" not in shown


def test_every_name_of_the_interface_is_there_and_documented():
    assert {"run", "evaluate", "RunResult", "Evaluation", "UaabenchError", "__version__"} <= set(dir(uaabench))
    for name in uaabench.__all__:
        assert getattr(uaabench, name)
        assert name == "__version__" or getattr(uaabench, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        _ = uaabench.runn


def test_the_verbs_of_the_interface_are_those_of_the_command_line():
    assert {"run", "evaluate"} <= {command.name or command.callback.__name__ for command in app.registered_commands}
