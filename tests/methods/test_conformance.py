import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

from uaabench.core import registry, weights
from uaabench.core.errors import MethodError
from uaabench.core.interface import FusionMethod, MethodCard, luminance
from uaabench.methods.conformance import CHECKS, check, scenes, validated

CPU = torch.device("cpu")
Rule = Callable[[Tensor, Tensor], Tensor]


class Candidate(FusionMethod):
    """A method that follows a given rule."""

    card = MethodCard(name="candidate", title="Candidate", kind="classical", version=1, summary="")

    def __init__(self, rule: Rule) -> None:
        self._rule = rule

    def fuse(self, ir: Tensor, vi: Tensor) -> Tensor:
        return self._rule(ir, vi)


def average(ir: Tensor, vi: Tensor) -> Tensor:
    return (ir + luminance(vi)) / 2


def failed(rule: Rule, cpu: Rule | None = None) -> set[str]:
    findings = check(Candidate(rule), CPU, cpu and Candidate(cpu))
    assert [finding.name for finding in findings] == list(CHECKS)
    return {finding.name for finding in findings if not finding.passed}


def stretched(ir: Tensor, vi: Tensor) -> Tensor:
    fused = average(ir, vi)
    low, high = fused.amin((2, 3), keepdim=True), fused.amax((2, 3), keepdim=True)
    return (fused - low) / (high - low)


def stretched_over_the_batch(ir: Tensor, vi: Tensor) -> Tensor:
    fused = average(ir, vi)
    return (fused - fused.min()) / (fused.max() - fused.min()).clamp(min=1e-6)


def noisy(ir: Tensor, vi: Tensor) -> Tensor:
    return (average(ir, vi) + 0.02 * torch.rand_like(ir)).clamp(0, 1)


def halved(ir: Tensor, vi: Tensor) -> Tensor:
    half = torch.nn.functional.avg_pool2d(average(ir, vi), 2)
    return torch.nn.functional.interpolate(half, scale_factor=2)


def even_only(ir: Tensor, vi: Tensor) -> Tensor:
    if ir.shape[2] % 32 or ir.shape[3] % 32:
        raise ValueError("sizes must be multiples of 32")
    return average(ir, vi)


def in_place(ir: Tensor, vi: Tensor) -> Tensor:
    return ir.add_(luminance(vi)).div_(2)


def saturation_weighted(ir: Tensor, vi: Tensor) -> Tensor:
    spread = vi.amax(1, keepdim=True) - vi.amin(1, keepdim=True)
    weight = spread / spread.amax((2, 3), keepdim=True)
    return weight * luminance(vi) + (1 - weight) * ir


def crashing(ir: Tensor, vi: Tensor) -> Tensor:
    raise RuntimeError("out of ideas")


def test_a_sound_method_passes() -> None:
    assert failed(average) == set()
    assert failed(lambda ir, vi: vi.clone()) == set()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (stretched, {"constant images"}),
        (stretched_over_the_batch, {"independent of the batch"}),
        (noisy, {"deterministic", "independent of the batch"}),
        (halved, {"odd sizes", "one more row or column"}),
        (even_only, {"odd sizes", "one more row or column"}),
        (in_place, {"sources unchanged"}),
        (saturation_weighted, {"grey visible image", "constant images"}),
    ],
)
def test_a_broken_method_fails_the_check_that_is_about_it(rule: Rule, expected: set[str]) -> None:
    assert failed(rule) == expected


@pytest.mark.parametrize(
    "rule",
    [
        crashing,
        lambda ir, vi: (ir + luminance(vi)) / 2 - 0.5,
        lambda ir, vi: 255 * average(ir, vi),
        lambda ir, vi: average(ir, vi)[:, 0],
        lambda ir, vi: average(ir, vi).double(),
        lambda ir, vi: average(ir, vi).log().log(),
        lambda ir, vi: average(ir, vi).numpy(),
    ],
)
def test_a_broken_contract_shows_at_once(rule: Rule) -> None:
    assert "shape, type and range" in failed(rule)


def test_a_device_that_disagrees_with_the_cpu_is_reported() -> None:
    assert failed(average, cpu=average) == set()
    assert failed(average, cpu=lambda ir, vi: torch.maximum(ir, luminance(vi))) == {"CPU equals device"}


def test_a_method_that_cuts_to_grey_levels_may_be_one_level_apart_in_few_places() -> None:
    def cut(ir: Tensor, vi: Tensor) -> Tensor:
        return (average(ir, vi) * 255).floor() / 255

    def elsewhere(ir: Tensor, vi: Tensor, columns: int, levels: int) -> Tensor:
        # As a sum in another order that crosses a whole number.
        fused = cut(ir, vi)
        fused[..., :1, :columns] += levels / 255
        return fused.clamp(max=1)

    assert failed(cut, cpu=partial(elsewhere, columns=8, levels=1)) == set()
    assert failed(cut, cpu=partial(elsewhere, columns=8, levels=2)) == {"CPU equals device"}
    assert failed(cut, cpu=lambda ir, vi: (cut(ir, vi) + 1 / 255).clamp(max=1)) == {"CPU equals device"}


def test_the_detail_says_what_was_wrong() -> None:
    details = {finding.name: finding.detail for finding in check(Candidate(even_only), CPU)}
    assert details["odd sizes"] == "at 83x61: ValueError: sizes must be multiples of 32"
    assert details["shape, type and range"].startswith("1 channel(s), ")


def test_not_finite_values_are_counted() -> None:
    with pytest.raises(MethodError, match="1 of 4 values are not finite"):
        validated(torch.tensor([[[[0.0, float("nan")], [0.5, 1.0]]]]), torch.zeros(1, 1, 2, 2))


def test_scenes_are_eight_bit_colour_and_always_the_same() -> None:
    (ir, vi), (again, _) = scenes(2), scenes(2)
    assert torch.equal(ir, again)
    assert torch.equal((vi * 255).round() / 255, vi)
    assert (vi[:, 0] != vi[:, 1]).any()
    assert not torch.equal(ir[0], ir[1])


@pytest.mark.parametrize("name", sorted(registry.method_cards()))
def test_every_built_in_method_conforms(name: str) -> None:
    card = registry.method_card(name)
    path = weights.shipped(name)
    if card.kind == "learned" and path is None:
        pytest.skip(f"{name} ships no weights")
    method = registry.method_class(name)()
    method.load(path, CPU)
    assert [finding for finding in check(method, CPU) if not finding.passed] == []


def test_the_plugin_of_the_manual_runs_and_conforms(tmp_path: Path) -> None:
    manual = Path(__file__).parents[2] / "docs" / "add-a-method.md"
    (code,) = re.findall(r"```python\n(.*?)```", manual.read_text(encoding="utf-8"), flags=re.DOTALL)
    plugin = tmp_path / "mine.py"
    plugin.write_text(code, encoding="utf-8")
    assert registry.load_plugin(plugin) == ["mine"]
    assert [finding for finding in check(registry.method_class("mine")(), CPU) if not finding.passed] == []


def test_the_manual_names_every_check() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "add-a-method.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| ([^|]+) \|", manual.split("## What check-method checks")[1], flags=re.MULTILINE)[1:] == [
        *CHECKS
    ]


def test_a_method_that_fuses_one_pair_at_a_time_is_given_no_more() -> None:
    class Alone(Candidate):
        card = replace(Candidate.card, batches=False)

    def one_only(ir: Tensor, vi: Tensor) -> Tensor:
        assert len(ir) == 1
        return average(ir, vi)

    assert all(finding.passed for finding in check(Alone(one_only), CPU, Alone(one_only)))
    assert "independent of the batch" in failed(one_only)
