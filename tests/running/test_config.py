"""A run is described by options, by a file, or by both."""

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


@pytest.mark.parametrize(("text", "message"), [("methods: [", "not valid YAML"), ("- uaa", "must be a mapping")])
def test_a_broken_file_is_named(tmp_path, text, message):
    (tmp_path / "run.yaml").write_text(text)
    with pytest.raises(UsageError, match=rf"run\.yaml .*{message}"):
        build({}, tmp_path / "run.yaml")
