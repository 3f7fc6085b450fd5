"""Large images are fused in strips where the card of a method gives its reach, and come out as if fused whole."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from uaabench.core import imaging, registry, strips
from uaabench.core.errors import MethodError, UsageError
from uaabench.core.interface import FusionMethod, MethodCard, Pair, Sources, luminance
from uaabench.methods.conformance import check, scenes
from uaabench.methods.fusing import make_fuser
from uaabench.methods.named import plan_method
from uaabench.methods.strips import in_strips

HEIGHT, WIDTH = 230, 64
CARD = MethodCard(name="blurred", title="Blurred", kind="classical", version=1, summary="")


class Blurred(FusionMethod):
    """The mean of the sources in a window that reaches 2 pixels."""

    card = replace(CARD, reach=2)

    def fuse(self, ir: Tensor, vi: Tensor) -> Tensor:
        return torch.nn.functional.avg_pool2d((ir + luminance(vi)) / 2, 5, 1, 2, count_include_pad=False)


class Nearsighted(Blurred):
    card = replace(CARD, reach=1)


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let images of 64 rows be the largest that are fused whole."""
    monkeypatch.setattr(strips, "WHOLE_PIXELS", 64 * WIDTH)


def sources() -> Sources:
    ir, vi = scenes(1, HEIGHT, WIDTH)
    return Sources(imaging.quantise(ir)[0], imaging.quantise(vi)[0])


@pytest.mark.parametrize("name", ["densefuse", "ifcnn"])
def test_a_shipped_network_makes_the_same_bytes_in_strips(
    monkeypatch: pytest.MonkeyPatch, name: str, tmp_path: Path
) -> None:
    pair, method = Pair("0", tmp_path, tmp_path), plan_method(name)
    assert method.card.reach is not None
    heights: list[int] = []
    network = registry.method_class(name)
    of_one = network.fuse
    monkeypatch.setattr(network, "fuse", lambda self, ir, vi: heights.append(ir.shape[2]) or of_one(self, ir, vi))
    fuse = make_fuser(method, device="cpu")
    whole = fuse(pair, sources())
    monkeypatch.setattr(strips, "WHOLE_PIXELS", 64 * WIDTH)
    np.testing.assert_array_equal(fuse(pair, sources()), whole)
    assert heights[0] == HEIGHT
    assert len(heights) == 1 + 3
    assert max(heights[1:]) < HEIGHT / 2


@pytest.mark.usefixtures("small_limit")
def test_a_method_without_reach_is_given_the_whole_image() -> None:
    seen: list[tuple[int, ...]] = []

    def fuse(ir: Tensor, _vi: Tensor) -> Tensor:
        seen.append(tuple(ir.shape))
        return ir

    ir, vi = scenes(1, HEIGHT, WIDTH)
    in_strips(fuse, ir, vi, reach=None)
    assert seen == [(1, 1, HEIGHT, WIDTH)]
    assert torch.equal(in_strips(fuse, ir, vi, reach=0), ir)
    assert len(seen) > 2


def test_an_image_of_a_usual_size_is_fused_whole() -> None:
    ir, vi = torch.zeros(1, 1, 1080, 1920), torch.zeros(1, 3, 1080, 1920)
    seen: list[int] = []
    in_strips(lambda ir, _: seen.append(ir.shape[2]) or ir, ir, vi, reach=8)
    assert seen == [1080]


@pytest.mark.usefixtures("small_limit")
def test_a_method_that_returns_a_strip_of_another_size_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    network = registry.method_class("ifcnn")
    monkeypatch.setattr(network, "fuse", lambda _self, ir, _vi: ir.repeat(1, 1, 2, 1))
    with pytest.raises(MethodError, match=r"returned the shape .* for a strip of"):
        make_fuser(plan_method("ifcnn"), device="cpu")(Pair("0", tmp_path, tmp_path), sources())


def failed(method: FusionMethod) -> set[str]:
    return {finding.name for finding in check(method, torch.device("cpu")) if not finding.passed}


def test_a_reach_that_is_too_small_is_found_by_check_method() -> None:
    assert failed(Blurred()) == set()
    assert failed(Nearsighted()) == {"in strips"}


@pytest.mark.parametrize("reach", [-1, 2.0, "8", True])
def test_a_reach_that_is_no_number_of_pixels_is_refused(reach: object) -> None:
    with pytest.raises(UsageError, match=r"The card of 'blurred' has the reach .*; give how many pixels"):
        replace(CARD, reach=reach)
