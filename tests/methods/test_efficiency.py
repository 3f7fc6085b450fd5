"""Costs of methods whose parameters, operations and memory are known by arithmetic."""

import json
from pathlib import Path

import pytest

from uaabench.core.errors import UsageError
from uaabench.methods import efficiency
from uaabench.running.config import build
from uaabench.running.entries import plan_methods

PLUGIN = """
import torch
from uaabench.core.interface import LuminanceMethod, MethodCard

class Convolving(LuminanceMethod):
    card = MethodCard(name="convolving", title="Convolving", kind="classical", version=1, summary="one convolution")

    def __init__(self):
        self.layers = {"first": [torch.nn.Conv2d(2, 1, 3, padding=1)]}

    def fuse_luminance(self, ir, y):
        return self.layers["first"][0](torch.cat([ir, y], 1)).clamp(0, 1)

class Hungry(LuminanceMethod):
    card = MethodCard(name="hungry", title="Hungry", kind="classical", version=1, summary="takes 200 MiB")

    def fuse_luminance(self, ir, y):
        return (ir + y) / 2 + 0 * torch.ones(200 * 2**20 // 4).sum()

class Dying(LuminanceMethod):
    card = MethodCard(name="dying", title="Dying", kind="classical", version=1, summary="ends its process")

    def fuse_luminance(self, ir, y):
        import os
        os._exit(9)

class Crashing(LuminanceMethod):
    card = MethodCard(name="crashing", title="Crashing", kind="classical", version=1, summary="fails")

    def fuse_luminance(self, ir, y):
        raise RuntimeError("out of ideas")
"""


@pytest.fixture
def plugin(tmp_path) -> Path:
    path = tmp_path / "costs.py"
    path.write_text(PLUGIN)
    return path


def measure(plugin: Path, *methods: str, sizes=((32, 48),)) -> list[efficiency.Efficiency]:
    from uaabench.core import registry

    registry.load_plugins([plugin])
    plans = list(plan_methods(build({"methods": list(methods), "floor": False})))
    return efficiency.measure(plans, sizes=sizes, plugins=[plugin])


def test_a_convolution_has_the_operations_and_parameters_of_arithmetic(plugin):
    small, large = measure(plugin, "convolving", sizes=((32, 48), (64, 48)))
    # Two per multiplication and addition: 2 * H * W * inputs * outputs * 3 * 3.
    assert (small.flops, large.flops) == (2 * 32 * 48 * 2 * 9, 2 * 64 * 48 * 2 * 9)
    assert small.parameters == 2 * 9 + 1
    assert (small.weights_bytes, small.reason) == (0, "")
    assert 0 < small.latency_q1_ms <= small.latency_ms <= small.latency_q3_ms
    assert small.repetitions >= 5


def test_memory_is_what_a_call_takes_at_most(plugin):
    (row,) = measure(plugin, "hungry")
    assert 195 <= row.peak_memory_mib <= 260


def test_what_fails_has_a_reason_and_the_others_their_numbers(plugin):
    # The floor comes first in a plan.
    average, crashing, dying = measure(plugin, "crashing", "dying", "average")
    assert crashing.reason == "RuntimeError: out of ideas"
    assert dying.reason == "its code asked the process to end (exit code 9)"
    assert (crashing.latency_ms, dying.flops) == (None, None)
    assert average.latency_ms > 0


@pytest.mark.slow
def test_gradients_that_a_method_takes_itself_are_counted(tmp_path):
    plan = list(plan_methods(build({"methods": ["uaa"], "floor": False})))
    (row,) = efficiency.measure(plan, sizes=[(32, 48)])
    assert row.reason == ""
    assert row.flops > 0
    assert row.parameters == 147_729
    assert row.weights_bytes > 100_000


def test_images_made_elsewhere_cost_nothing_that_can_be_measured(plugin, tmp_path):
    (tmp_path / "fused").mkdir()
    (row,) = measure(plugin, f"mine={tmp_path / 'fused'}")
    assert row.reason == "its images were fused elsewhere"


def test_calls_are_repeated_until_the_time_is_over_but_five_times_at_least():
    def clock_of(seconds):
        now = [0.0]

        def clock():
            now[0] += seconds / 2
            return now[0]

        return clock

    # Between the two readings of a call half of the step passes.
    assert len(efficiency._time(lambda: None, clock_of(200))) == efficiency.LEAST
    assert len(efficiency._time(lambda: None, clock_of(0.001))) == efficiency.MOST
    assert len(efficiency._time(lambda: None, clock_of(2))) == 10


def test_results_read_back_as_they_were_written(tmp_path):
    row = efficiency.Efficiency(method="a", title="A", kind="learned", height=4, width=6, latency_ms=1.5)
    efficiency.write(tmp_path / "e.json", [row])
    assert efficiency.read(tmp_path / "e.json") == [row]


@pytest.mark.parametrize(
    "text", ["", "{}", '{"schema": 1}', '{"schema": 99, "efficiency": []}', '{"schema": 1, "efficiency": [{}]}']
)
def test_a_file_of_another_kind_is_refused(tmp_path, text):
    (tmp_path / "e.json").write_text(text)
    with pytest.raises(UsageError, match="measure again with uaabench profile"):
        efficiency.read(tmp_path / "e.json")


def test_the_verb_keeps_what_worked_and_exits_with_3(uaabench, plugin, tmp_path):
    result = uaabench(
        "profile",
        "--methods",
        "convolving,crashing",
        "--plugin",
        plugin,
        "--sizes",
        "32x48",
        "--out",
        tmp_path / "e.json",
    )
    assert result.code == 3
    assert "Convolving" in result.out
    assert "Crashing at 32x48: RuntimeError: out of ideas" in result.out
    rows = json.loads((tmp_path / "e.json").read_text())["efficiency"]
    assert [bool(row["reason"]) for row in rows] == [False, True]


@pytest.mark.parametrize("size", ["480", "0x3", "ax3", "3x", "480x640;1x1"])
def test_what_is_no_size_is_refused(uaabench, size):
    result = uaabench("profile", "--methods", "average", "--sizes", size)
    assert result.code == 2
    assert "is no image size; write HEIGHTxWIDTH" in result.err


def test_profile_needs_a_run_or_methods(uaabench):
    assert uaabench("profile").code == 2
