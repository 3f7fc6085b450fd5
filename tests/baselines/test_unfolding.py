"""Methods that unfold an algorithm give their iterates, the last of which is what they fuse."""

from itertools import pairwise

import pytest
import torch

from uaabench.core import registry
from uaabench.methods.explanation import Unfolds

# Stages of each; CU-Net and LRRNet first threshold what the sources themselves give.
STAGES = {"auif": 10, "cunet": 4, "dunsa": 3, "lirp": 4, "lrrnet": 4}


def test_the_methods_that_unfold_are_those() -> None:
    cards = registry.method_cards()
    assert {name for name in cards if issubclass(registry.method_class(name), Unfolds)} == STAGES.keys()


@pytest.mark.parametrize("name", STAGES)
def test_the_last_iterate_is_the_fused_image_before_it_is_rounded(name: str) -> None:
    torch.manual_seed(0)
    method = registry.method_class(name)()
    method._network.eval()
    ir, vi = torch.rand(1, 1, 33, 42), torch.rand(1, 3, 33, 42)
    with torch.no_grad():
        iterates, fused = method.iterates(ir, vi), method.fuse(ir, vi)
    assert len(iterates) == STAGES[name] + 1
    assert {tuple(image.shape) for image in iterates} == {(1, 1, 33, 42)}
    # LRRNet's script truncates to 8 bit, and sums may come in another order.
    assert (iterates[-1].clamp(0, 1) - fused).abs().max() <= 1 / 255 + 1e-5
    assert all((before - after).abs().max() > 0 for before, after in pairwise(iterates))
