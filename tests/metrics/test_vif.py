import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import convolve2d

from uaabench.metrics.vif import VIF, blur, gaussian_window

Image = NDArray[np.float64]


def textured(seed: int, side: int = 48) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (side, side + 5)).astype(float)


def test_vif_is_two_for_equal_images() -> None:
    image = textured(0)
    assert VIF(image, image, image) == pytest.approx(2, abs=1e-9)


def test_vif_is_zero_for_a_constant_fused_image() -> None:
    assert VIF(np.full((48, 53), 90.0), textured(0), textured(1)) == 0


@pytest.mark.parametrize("level", [0.0, 37.0, 255.0])
def test_a_source_without_structure_counts_as_one(level: float) -> None:
    image, flat = textured(0), np.full((48, 53), level)
    assert VIF(image, image, flat) == pytest.approx(2, abs=1e-9)
    assert VIF(flat, flat, flat) == 2


def test_vif_of_an_inverted_image_is_zero() -> None:
    image = textured(0)
    assert VIF(255 - image, image, image) == pytest.approx(0, abs=1e-3)


def test_more_contrast_than_the_sources_raises_vif_above_two() -> None:
    image = np.round(textured(0) / 4) + 96
    stretched = 2 * image - 128
    assert VIF(stretched, image, image) > 2


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_swapping_the_sources_leaves_vif_unchanged(seed: int) -> None:
    fused, ir, vi = (textured(seed + step) for step in range(3))
    assert VIF(fused, ir, vi) == pytest.approx(VIF(fused, vi, ir))


def test_vif_is_defined_from_41_pixels_on() -> None:
    image = textured(0, side=41)
    assert VIF(image, image, image) == pytest.approx(2, abs=1e-9)


@pytest.mark.parametrize("side", [17, 9, 5, 3])
def test_the_separable_filter_equals_the_two_dimensional_one_where_it_fits(side: int) -> None:
    # the window as Sheikh and Bovik write it: exp(-(x^2 + y^2) / (2 sigma^2)), sigma = side / 5, sum 1
    y, x = np.mgrid[:side, :side] - side // 2
    window = np.exp(-(x**2 + y**2) / (2 * (side / 5) ** 2))
    expected = convolve2d(textured(0), window / window.sum(), mode="valid")
    np.testing.assert_allclose(blur(textured(0), gaussian_window(side)), expected, rtol=1e-12)
