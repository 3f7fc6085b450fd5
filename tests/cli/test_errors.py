"""Whatever goes wrong in a verb is one sentence and the documented exit code; the reader of its output may leave."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runs import write_run
from uaabench.core import paths, registry
from uaabench.core.errors import DataError, UsageError, WeightsError
from uaabench.methods import efficiency
from uaabench.reporting import report
from uaabench.running import config, evidence, manifest, merging

VALUES = {"uaa": {"EN": [6.0, 7.0, 6.5]}, "average": {"EN": [5.0, 5.5, 5.2]}}
# Each verb, and what it needs: replaced by something that fails.
VERBS = {
    "run --methods average": (config, "build"),
    "fuse --methods average": (config, "build"),
    "score RUN": (manifest, "read_config"),
    "segment RUN": (manifest, "read_config"),
    "report RUN": (evidence, "load"),
    "compare RUN RUN": (evidence, "load"),
    "check RUN --reference RUN": (evidence, "load"),
    "merge RUN RUN --out new": (evidence, "load"),
    "figure cd RUN -o cd.pdf": (evidence, "load"),
    "figure tradeoff RUN -o tradeoff.pdf": (evidence, "load"),
    "figure montage RUN -o montage.pdf": (evidence, "load"),
    "profile --methods average": (efficiency, "measure"),
    "list methods": (registry, "method_cards"),
    "show uaa": (registry, "method_cards"),
    "data info": (paths, "data_folder"),
    "weights list": (registry, "method_cards"),
    "doctor": (registry, "dataset_names"),
    "explain 0 -o x.pdf": (paths, "data_folder"),
    "train method uaa": (registry, "load_plugins"),
}


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run", VALUES)


@pytest.fixture
def failing(uaabench, run, monkeypatch, tmp_path):
    """Carry out a verb in which something raises an error."""

    def call(verb: str, error: BaseException):
        def raise_it(*arguments, **options):
            raise error

        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(*VERBS[verb], raise_it)
        if VERBS[verb] == (evidence, "load"):
            for module in (report, merging):  # which have it by its name
                monkeypatch.setattr(module, "load", raise_it)
        return uaabench(*(run if word == "RUN" else word for word in verb.split()))

    return call


@pytest.mark.parametrize("verb", VERBS)
def test_a_defect_in_any_verb_is_one_sentence_with_its_traceback_in_a_file(failing, verb):
    result = failing(verb, KeyError("method"))
    assert result.code == 70
    (sentence,) = result.err.splitlines()
    assert sentence.startswith("uaabench: KeyError: 'method'. This is a defect")
    text = Path(sentence.split(" is in ")[1]).read_text(encoding="utf-8")
    assert "raise_it" in text
    assert "KeyError: 'method'" in text


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (UsageError("There is no method 'x'."), 2, "There is no method 'x'."),
        (DataError("Broken."), 4, "Broken."),
        (WeightsError("Other hash."), 4, "Other hash."),
        (OSError(errno.ENOSPC, "No space left on device", "a.png"), 5, "Cannot write a.png: No space left on device"),
        (OSError(errno.EROFS, "Read-only file system"), 5, "Cannot write a file: Read-only file system"),
        (PermissionError(errno.EACCES, "Permission denied", "/b"), 5, "Cannot write /b: Permission denied"),
        (FileNotFoundError(errno.ENOENT, "No such file", "/c"), 70, "FileNotFoundError"),
        (MemoryError(), 70, "the memory of this machine did not suffice (MemoryError)"),
        (RecursionError("maximum recursion depth exceeded"), 70, "RecursionError: maximum recursion depth exceeded."),
        (SystemExit(0), 70, "code that was called wanted to end the program (SystemExit: 0)"),
        (SystemExit(), 70, "code that was called wanted to end the program (SystemExit)"),
        (KeyboardInterrupt(), 130, "interrupted; what was finished is kept."),
        (ValueError("two\nlines"), 70, "ValueError: two lines."),
    ],
)
def test_every_kind_of_error_has_its_exit_code_and_sentence(failing, error, code, sentence):
    result = failing("report RUN", error)
    assert (result.code, len(result.err.splitlines())) == (code, 1)
    assert result.err.startswith(f"uaabench: {sentence}")


def test_a_file_that_may_not_be_read_is_not_said_to_be_unwritable(failing, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "a.png")
    (tmp_path / "a.png").touch()
    error = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "a.png"))
    result = failing("report RUN", error)
    assert (result.code, result.err.split(":")[1].strip().split(" /")[0]) == (4, "Cannot read")


def test_where_no_file_can_be_written_the_traceback_follows_the_sentence(failing, monkeypatch):
    monkeypatch.setattr(
        "tempfile.NamedTemporaryFile", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full"))
    )
    result = failing("list methods", KeyError("x"))
    assert result.code == 70
    assert "raise_it" in result.err


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"profile": 1}', "\x00\xff"])
@pytest.mark.parametrize("verb", [verb for verb in VERBS if "RUN" in verb])
def test_a_broken_manifest_is_never_a_result_nor_a_regression(uaabench, run, monkeypatch, tmp_path, verb, content):
    monkeypatch.chdir(tmp_path)
    (run / "manifest.json").write_text(content, encoding="latin-1")
    result = uaabench(*(run if word == "RUN" else word for word in verb.split()))
    assert result.code in (2, 4, 70)
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize(
    "verb", ["report RUN", "compare RUN RUN", "check RUN --reference RUN", "merge RUN RUN --out n"]
)
def test_broken_records_are_never_a_result_nor_a_regression(uaabench, run, monkeypatch, tmp_path, verb):
    monkeypatch.chdir(tmp_path)
    (run / "records.parquet").write_bytes((run / "records.parquet").read_bytes()[:100])
    result = uaabench(*(run if word == "RUN" else word for word in verb.split()))
    assert result.code in (2, 4, 70)
    assert len(result.err.splitlines()) == 1


@pytest.fixture
def process():
    """Run the command line in a process of its own, as a shell does: exit code and the bytes of its output."""

    def call(*arguments: str, out=subprocess.PIPE, **environment: str):
        code = "from uaabench.cli.main import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            stdout=out,
            stderr=subprocess.PIPE,
            env=os.environ | environment,
            check=False,
        )

    return call


def test_a_reader_that_leaves_changes_neither_the_exit_code_nor_prints_an_error(process):
    reader, writer = os.pipe()
    os.close(reader)
    done = process("list", "metrics", out=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_full_disk_behind_standard_output_is_told(process):
    with Path("/dev/full").open("wb") as full:
        done = process("list", "metrics", out=full)
    assert done.returncode == 5
    assert done.stderr.decode().splitlines() == [
        "uaabench: Cannot write standard output: No space left on device; make room there or name another place, "
        "what was written before is kept."
    ]


def test_a_terminal_without_a_character_shows_its_number(process, tmp_path):
    plugin = tmp_path / "plugin.py"
    plugin.write_text(
        "from uaabench.core.interface import LuminanceMethod, MethodCard\n"
        "class One(LuminanceMethod):\n"
        "    card = MethodCard(name='方法一', title='', kind='classical', version=1, summary='')\n"
        "    def fuse_luminance(self, ir, y):\n"
        "        return y\n",
        encoding="utf-8",
    )
    done = process("list", "methods", "--plugin", str(plugin), PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert re.search(rb"^\\u65b9\\u6cd5\\u4e00 +yes", done.stdout, re.MULTILINE)


def test_a_word_that_is_no_verb_is_told_by_the_usage(uaabench):
    result = uaabench("fuze")
    assert result.code == 2
    assert "No such command 'fuze'" in result.err
