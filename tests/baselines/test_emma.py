"""EMMA: the parts of an image that its network gets."""

from __future__ import annotations

import pytest
import torch

from uaabench.baselines.emma import EMMA


@pytest.mark.parametrize(("height", "width"), [(32, 64), (33, 95), (64, 65), (70, 32), (31, 40), (1, 5)])
def test_each_pixel_of_the_parts_comes_to_its_place(monkeypatch: pytest.MonkeyPatch, height: int, width: int) -> None:
    torch.manual_seed(0)
    ir = torch.rand(1, 1, height, width)
    ir[..., 0, 0], ir[..., -1, -1] = 0, 1  # so that the stretch changes nothing
    method, seen = EMMA(), []
    monkeypatch.setattr(method, "_network", lambda ir, _: seen.append(ir.shape[-2:]) or ir)
    assert torch.allclose(method.fuse(ir, ir.expand(-1, 3, -1, -1)), ir)
    assert all(side % 32 == 0 for shape in seen for side in shape)
