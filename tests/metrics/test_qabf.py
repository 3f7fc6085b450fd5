import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import convolve2d

from uaabench.metrics.qabf import QABF

Image = NDArray[np.float64]
# strengths equal (the first logistic is 1 to 3e-7 or better) and directions equal (A = 1)
IDENTICAL = 0.9994 * 0.9879 / (1 + math.exp(-22 * 0.2))


def textured(seed: int) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (20, 23)).astype(float)


def by_definition(fused: Image, ir: Image, vi: Image) -> float:
    """The definition, pixel by pixel, with convolutions by SciPy."""
    kernel_x = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    kernel_y = [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]

    def edges(image: Image) -> list[tuple[float, float]]:
        sx, sy = (convolve2d(image, kernel, mode="same").ravel() for kernel in (kernel_x, kernel_y))
        return [
            (math.sqrt(x * x + y * y), math.pi / 2 if x == 0 else math.atan(y / x)) for x, y in zip(sx, sy, strict=True)
        ]

    kept = available = 0.0
    for source in (ir, vi):
        for (g, a), (g_f, a_f) in zip(edges(source), edges(fused), strict=True):
            ratio = g_f if g == g_f else min(g, g_f) / max(g, g_f)
            aligned = 1 - abs(a - a_f) / (math.pi / 2)
            quality = 0.9994 / (1 + math.exp(-15 * (ratio - 0.5))) * 0.9879 / (1 + math.exp(-22 * (aligned - 0.8)))
            kept, available = kept + quality * g, available + g
    return kept / available


def test_qabf_follows_its_definition_pixel_by_pixel() -> None:
    images = [np.round(textured(seed) / 64) for seed in range(3)]  # few levels: equal strengths and sx = 0 occur
    assert QABF(*images) == pytest.approx(by_definition(*images), abs=1e-12)


def test_qabf_is_its_upper_limit_for_equal_images() -> None:
    image = textured(0)
    assert QABF(image, image, image) == pytest.approx(IDENTICAL, abs=1e-6)
    assert QABF.range[1] == pytest.approx(IDENTICAL)
    assert pytest.approx(0.97533, abs=5e-6) == IDENTICAL


def test_qabf_is_missing_where_no_source_has_a_gradient() -> None:
    black = np.zeros((20, 23))
    assert math.isnan(QABF(textured(0), black, black))


def test_the_frame_of_a_bright_constant_image_is_an_edge() -> None:
    bright = np.full((20, 23), 255.0)
    assert QABF(bright, bright, bright) == pytest.approx(IDENTICAL, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_qabf_stays_in_its_range_and_does_not_mind_swapped_sources(seed: int) -> None:
    fused, ir, vi = (textured(seed + step) for step in range(3))
    value = QABF(fused, ir, vi)
    assert QABF.range[0] <= value <= QABF.range[1]
    assert value == pytest.approx(QABF(fused, vi, ir), abs=1e-12)
