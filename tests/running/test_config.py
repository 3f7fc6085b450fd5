"""A run is described by options, by a file, or by both."""

import numpy as np
import pytest

from uaabench.core.errors import UsageError
from uaabench.running.config import build


def test_options_win_over_the_file(tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text("methods: [uaa]\nlimit: 3\noptions: {uaa: {stretch: false}}\n")
    config = build({"limit": 5, "jobs": None}, file)
    assert (config.methods, config.limit, config.jobs) == (["uaa"], 5, 1)
    assert config.options == {"uaa": {"stretch": False}}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"methods": ["uaa"], "limit": 0}, "'limit' is not valid"),
        ({"methods": ["uaa"], "device": "gpu"}, "'device' is not valid"),
        ({"methods": ["uaa"], "method": "x"}, "'method' is not valid: Extra inputs"),
        ({}, "'methods' is not valid: Field required"),
    ],
)
def test_a_wrong_entry_is_named(entries, message):
    with pytest.raises(UsageError, match=message):
        build(entries)


BROKEN = {
    "methods: [": r"not valid YAML: .* in line 1",
    "- uaa": "must be a mapping",
    "": "must be a mapping",
    "methods: [uaa]\nlimit: 3\nlimit: 5": "'limit' is there twice, the second time in line 3",
    "options:\n  uaa: {stretch: false, stretch: true}": "'stretch' is there twice, the second time in line 2",
    "methods: [uaa]\nx: !!python/object/apply:os.getcwd []": "not valid YAML: could not determine a constructor",
    "seed: !!int many": "not valid YAML: invalid literal",
    "floor: !!bool perhaps": "not valid YAML",
    "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]": "references to another entry .* in line 2",
    "a: &a [*a]": "references to another entry",
    "methods: " + "[" * 2000 + "]" * 2000: "nested too deeply",
}


@pytest.mark.parametrize(("text", "message"), BROKEN.items(), ids=range(len(BROKEN)))
def test_a_broken_file_is_named(tmp_path, text, message):
    (tmp_path / "run.yaml").write_text(text)
    with pytest.raises(UsageError, match=rf"run\.yaml .*{message}"):
        build({}, tmp_path / "run.yaml")


def test_a_file_in_another_encoding_is_named(tmp_path):
    (tmp_path / "run.yaml").write_bytes("methods: [größe=x/]".encode("latin-1"))
    with pytest.raises(UsageError, match=r"run\.yaml is not text in UTF-8"):
        build({}, tmp_path / "run.yaml")


def test_a_byte_order_mark_is_no_part_of_the_first_entry(tmp_path):
    (tmp_path / "run.yaml").write_text("methods: [uaa]\n", encoding="utf-8-sig")
    assert build({}, tmp_path / "run.yaml").methods == ["uaa"]


def test_a_date_stays_the_text_that_it_is(tmp_path):
    (tmp_path / "run.yaml").write_text("methods: [2024-01-31]\noptions: {uaa: {day: 2024-01-31}}\n")
    config = build({}, tmp_path / "run.yaml")
    assert (config.methods, config.options["uaa"]["day"]) == (["2024-01-31"], "2024-01-31")


@pytest.mark.parametrize(
    "entry",
    ["seed: -1", "seed: 4294967296", "seed: true", "seed: 1.0", "seed: .nan", "limit: '3'", "limit: .inf", "jobs: true",
     "floor: 'no'", "fail_fast: 1", "options: [uaa]", "options: {uaa: 3}", "options: {uaa: {x: .nan}}", "methods: uaa",
     "options: {uaa: {x: !!binary aGVsbG8=}}", "options: {uaa: {1: 2}}", "methods: [1]", "data_root: 3", "1: 2"],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused(tmp_path, entry):
    (tmp_path / "run.yaml").write_text(entry if entry.startswith("methods") else f"methods: [uaa]\n{entry}\n")
    with pytest.raises(UsageError, match="is not valid"):
        build({}, tmp_path / "run.yaml")


def test_the_greatest_seed_is_that_of_numpy():
    np.random.seed(build({"methods": ["uaa"], "seed": 2**32 - 1}).seed)
