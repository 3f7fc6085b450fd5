"""GIFNet's parts against the arithmetic of its authors' script and the geometry of its windows."""

import numpy as np
import pytest
import torch

from uaabench.baselines.gifnet import TO_YCBCR, WIDTH, WindowAttention, split_colours
from uaabench.core import imaging


def test_luminance_is_truncated_as_in_the_script() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)
    image[:16, :16] = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    expected = np.dot(image, TO_YCBCR.T)
    y, chroma = split_colours(imaging.to_tensor(image))
    assert (imaging.quantise(y)[0] == expected[..., 0].clip(0, 255).astype(np.uint8)).all()
    assert np.abs(chroma[0].movedim(0, -1).numpy() * 255 - expected[..., 1:]).max() < 1e-12
    # Some levels of grey come out darker, none by more than one level.
    darker = image[:16, :16, 0].astype(int) - imaging.quantise(y)[0][:16, :16]
    assert set(darker.ravel()) == {0, 1}


@pytest.mark.parametrize(("shift", "window"), [(0, (8, 16, 8, 16)), (4, (4, 12, 12, 20))])
def test_attention_stays_within_its_window(shift: int, window: tuple[int, int, int, int]) -> None:
    torch.manual_seed(0)
    attention = WindowAttention(shift)
    query, key, value = torch.rand(3, 1, WIDTH, 24, 32)
    before = attention(query, key, value)
    key, value = key.clone(), value.clone()
    key[..., 10, 14] += 1
    value[..., 10, 14] += 1
    changed = (attention(query, key, value) - before).abs().amax((0, 1)) > 1e-6
    top, bottom, left, right = window
    assert changed[top:bottom, left:right].all()
    assert changed.sum() == (bottom - top) * (right - left)


def test_without_content_attention_is_the_mean_weighted_by_distances() -> None:
    attention = WindowAttention(0)
    nothing = torch.zeros(1, WIDTH, 8, 8)
    value = torch.arange(64.0).reshape(1, 1, 8, 8).repeat(1, WIDTH, 1, 1)
    with torch.no_grad():
        attention.meta[2].weight.zero_()
        attention.meta[2].bias.zero_()
        found = attention(nothing, nothing, value)
    assert torch.allclose(found, torch.full_like(found, 31.5), atol=1e-4)
