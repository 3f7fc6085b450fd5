"""Options in a configuration are checked before anything runs."""

import re

import pytest

from uaabench.core.errors import UsageError, WeightsError
from uaabench.running.options import check_options


class Takes:
    """Something with options of several kinds."""

    def __init__(self, *, sharp: bool = True, sigma: float = 1.0, sides: tuple[int, ...] = (3, 5), free=None) -> None:
        if sigma < 0:
            raise ValueError("sigma must not be negative")
        if free == "unfit":
            raise WeightsError("No such file.")


class TakesAnything:
    """Something that says itself what it takes."""

    def __init__(self, **options: object) -> None:
        self.options = options


class TakesNothing:
    """Something without options."""


TAKERS = {"takes": lambda: Takes, "anything": lambda: TakesAnything, "nothing": lambda: TakesNothing}


@pytest.mark.parametrize(
    "options",
    [{}, {"takes": {}}, {"takes": {"sharp": False, "sigma": 2, "sides": [1, 2], "free": {"a": [1]}}},
     {"anything": {"x": 1}}, {"nothing": {}}],
)  # fmt: skip
def test_options_that_are_taken_pass(options):
    check_options(options, TAKERS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"take": {}}, "options for 'take', which is not in this run; known there are: anything, nothing, takes"),
        ({"takes": {"sharb": True}}, "no option of 'takes' 'sharb'; did you mean 'sharp'"),
        ({"takes": {"self": 1}}, "no option of 'takes' 'self'"),
        ({"takes": {"sharp": "false"}}, "'sharp' of 'takes' cannot be 'false'"),
        ({"takes": {"sharp": 1}}, "'sharp' of 'takes' cannot be 1"),
        ({"takes": {"sigma": None}}, "'sigma' of 'takes' cannot be None"),
        ({"takes": {"sigma": True}}, "'sigma' of 'takes' cannot be True"),
        ({"takes": {"sides": [1, "2"]}}, "'sides' of 'takes' cannot be"),
        ({"takes": {"sigma": -1}}, "options of 'takes' .* not accepted: ValueError: sigma must not be negative"),
        ({"takes": {"free": "unfit"}}, r"options of 'takes' .* not accepted: No such file\."),
        ({"nothing": {"x": 1}}, "'nothing' takes no options, but the configuration gives it x"),
    ],
)
def test_options_that_nothing_takes_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        check_options(options, TAKERS)


def test_only_what_has_options_is_imported():
    def fails():
        raise AssertionError("imported")

    check_options({"takes": {"sharp": True}}, TAKERS | {"other": fails})


PLUGIN = """
from uaabench.core.interface import FusionMethod, MethodCard

class Bright(FusionMethod):
    card = MethodCard(name="bright", title="Bright", kind="classical", version=1, summary="brighter")

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def fuse(self, ir, vi):
        return (self.gain * ir).clamp(0, 1)
"""


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("options: {uaa: {strech: false}}", "no option of 'uaa' 'strech'; did you mean 'stretch'"),
        ("options: {tardal: {batch_norm: running}}", "'tardal', which is not in this run"),
        ("options: {uua: {stretch: false}}", "'uua', which is not in this run"),
        ("options: {average: {x: 1}}", "'average' takes no options"),
        ("options: {bright: {gian: 2}}", "no option of 'bright' 'gian'; did you mean 'gain'"),
        ("options: {bright: {gain: high}}", "'gain' of 'bright' cannot be 'high'"),
        ("options: {mine: {x: 1}}", "'mine', which is not in this run"),
        ("options: {}\noptions: {}", "'options' is there twice"),
        ("seed: -1", "'seed' .* not valid"),
    ],
)
def test_a_run_with_options_that_nothing_takes_does_not_begin(uaabench, tmp_path, pair_folder, lines, message):
    (tmp_path / "bright.py").write_text(PLUGIN)
    (tmp_path / "run.yaml").write_text(
        f"methods: [uaa, bright, 'mine={pair_folder / 'ir'}']\ndatasets: ['own={pair_folder}']\n"
        f"plugins: ['{tmp_path / 'bright.py'}']\n{lines}\n"
    )
    result = uaabench("run", "--config", tmp_path / "run.yaml", "--out", tmp_path / "R")
    assert result.code == 2
    assert re.search(message, result.err)
    assert not (tmp_path / "R").exists()
