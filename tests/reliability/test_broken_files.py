"""Whatever became of a file of a run, every verb ends in one sentence and a documented exit code."""

import json
import shutil

import pytest

DEEP = b"[" * 100_000
CONTENTS = {
    "empty": b"", "cut": None, "no text": b"\0\xff\xfe", "null": b"null", "a list": b"[]", "deep": DEEP,
    "other keys": b'{"schema": 1}',
    "of wrong kinds": b'{"schema": 1, "efficiency": [{"method": 3}], "tables": 7, "digest": "x"}',
}  # fmt: skip
READING = [
    "report R", "compare R W", "compare W R", "check R --reference W", "check W --reference R",
    "check R --reference N --update --reason r", "merge R W --out N", "figure montage R --out F.png",
    "figure tradeoff R --out F.png", "figure cd R --out F.png", "figure agreement R --out F.png", "score R",
    "segment R --segmenter none", "profile R --sizes 0x0",
]  # fmt: skip
# The verbs that read each file, and the exit codes that they may end with.
FILES = {
    "manifest.json": (READING, (2, 4)),
    "records.parquet": (READING[:-3], (2, 4)),
    "tallies.parquet": (READING[:-3], (2, 4)),
    "results-0.jsonl": (["report R", "figure montage R --out F.png", "score R"], (0, 2, 3)),
    "unit.json": (["score R"], (0,)),
    "efficiency.json": (["report R", "figure tradeoff R --out F.png"], (2,)),
    "lock": (["score R"], (2,)),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """One finished run that the tests copy."""
    return tmp_path_factory.mktemp("whole")


@pytest.fixture
def finished(whole, run, tmp_path):
    if not (whole / "R").exists():
        assert run().code == 0
        shutil.copytree(tmp_path / "R", whole / "R")
        shutil.copytree(tmp_path / "pairs", whole / "pairs")
    shutil.copytree(whole / "R", tmp_path / "R", dirs_exist_ok=True)
    return tmp_path / "R"


def broken(folder, file, content):
    places = list(folder.rglob(file)) or [folder / file]
    for path in places:
        whole = path.read_bytes() if path.is_file() else b'{"schema": 1, "efficiency": []}'
        path.write_bytes(whole[: len(whole) // 2] if content is None else content)


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("file", FILES)
def test_a_broken_file_is_one_sentence_in_every_verb(finished, whole, uaabench, tmp_path, file, content):
    broken(finished, file, CONTENTS[content])
    places = {"R": finished, "W": whole / "R", "N": tmp_path / "new", "F.png": tmp_path / "F.png"}
    verbs, allowed = FILES[file]
    for verb in verbs:
        result = uaabench(*(places.get(word, word) for word in verb.split()))
        assert result.code in allowed, (verb, result.err)
        assert "Traceback" not in result.err
        assert "defect" not in result.err, verb
        told = [line for line in result.err.splitlines() if "of 8 pairs" not in line]
        assert result.code not in (2, 4) or len(told) == 1, (verb, result.err)
        shutil.rmtree(tmp_path / "new", ignore_errors=True)


@pytest.mark.parametrize("content", ["empty", "no text"])
@pytest.mark.parametrize("file", sorted(set(FILES) - {"lock"}))
def test_the_command_of_the_run_mends_whatever_is_broken(finished, run, tmp_path, file, content):
    before = (finished / "report" / "results.csv").read_bytes()
    broken(finished, file, CONTENTS[content])
    result = run()
    if file == "efficiency.json":
        assert result.code in (2, 4)
        assert "uaabench profile" in result.err
    else:
        assert result.code == 0, result.err
        assert (finished / "report" / "results.csv").read_bytes() == before


def test_a_manifest_that_was_edited_is_refused(finished, uaabench):
    content = json.loads((finished / "manifest.json").read_text())
    content["methods"][0]["title"] = "Better"
    (finished / "manifest.json").write_text(json.dumps(content))
    result = uaabench("report", finished)
    assert result.code == 4
    assert "was changed after it was written" in result.err
