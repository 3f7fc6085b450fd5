import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import convolve2d

from uaabench.metrics.viff import VIFF

Image = NDArray[np.float64]


def textured(seed: int, side: int = 48) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (side, side + 5)).astype(float)


def viff(*images: Image) -> float:
    return VIFF.compute(*map(VIFF.features, images))


def by_definition(fused: Image, ir: Image, vi: Image) -> float:
    """The definition, with two-dimensional windows and convolutions by SciPy."""
    noise, value = 0.005 * 255**2, 0.0
    for side, weight in ((17, 1 / 2.15), (9, 0.0), (5, 0.15 / 2.15), (3, 1 / 2.15)):
        y, x = np.mgrid[:side, :side] - side // 2
        window = np.exp(-(x**2 + y**2) / (2 * (side / 5) ** 2))
        window /= window.sum()

        def mean(image: Image, window: Image = window) -> Image:
            return convolve2d(image, window, mode="valid")

        if side < 17:
            fused, ir, vi = (mean(image)[::2, ::2] for image in (fused, ir, vi))
        terms = []
        for source in (ir, vi):
            var_x, var_f = (mean(image**2) - mean(image) ** 2 for image in (source, fused))
            common = mean(source * fused) - mean(source) * mean(fused)
            gain = np.where(common > 0, common / var_x, 0)
            kept = np.log10(1 + gain**2 * var_x / (var_f - gain * common + noise))
            terms.append((gain, kept, np.log10(1 + var_x / noise)))
        (gain_ir, kept_ir, all_ir), (gain_vi, kept_vi, all_vi) = terms
        kept, available = np.where(gain_ir < gain_vi, (kept_ir, all_ir), (kept_vi, all_vi))
        value += weight * (kept + 1e-7).sum() / (available + 1e-7).sum()
    return value


def test_viff_follows_its_definition_with_windows_in_two_dimensions() -> None:
    ir, vi = textured(1), textured(2)
    for fused in (textured(0), np.round((ir + vi) / 2)):
        assert viff(fused, ir, vi) == pytest.approx(by_definition(fused, ir, vi), rel=1e-8)


def test_viff_is_one_for_equal_images() -> None:
    image = textured(0)
    assert viff(image, image, image) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("level", [0.0, 37.0, 255.0])
def test_viff_is_one_for_three_constant_images(level: float) -> None:
    flat = np.full((48, 53), level)
    assert viff(flat, flat, flat) == pytest.approx(1, abs=1e-12)


def test_nothing_is_kept_by_a_constant_fused_image() -> None:
    assert viff(np.full((48, 53), 90.0), textured(0), textured(1)) == pytest.approx(0, abs=1e-5)


def test_viff_is_one_for_any_image_beside_a_source_without_structure() -> None:
    # Its gain of 0 is the smaller one wherever the other source is followed, and nothing of nothing is kept.
    image = textured(0)
    assert viff(image, image, np.full((48, 53), 90.0)) == pytest.approx(1, abs=1e-9)


def test_doubled_contrast_keeps_four_times_the_information_of_faint_sources() -> None:
    # g = 2 and v = 0, so kept = log(1 + 4 s) and available = log(1 + s) with s = 0.25 / 325 or less: 4 (1 - 3 s / 2).
    # On the smallest scale, where the variance is some 0.01, c takes off 1e-7 / log10(1 + 0.01 / 325), that is 1 %.
    source = 100 + np.round(textured(0) / 255)
    assert viff(2 * source - 100, source, source) == pytest.approx(4, rel=0.03)


def test_swapped_sources_matter_only_where_neither_is_followed() -> None:
    ir, flat = textured(0), np.full((48, 53), 90.0)
    assert viff(flat, ir, flat) == pytest.approx(1, abs=1e-9)  # the visible one counts, which is flat as well
    assert viff(flat, flat, ir) == pytest.approx(0, abs=1e-5)
    vi = np.round((3 * ir + textured(1)) / 4)  # close to ir, so that all gains are positive
    fused = np.round((ir + vi) / 2)
    assert viff(fused, ir, vi) == pytest.approx(viff(fused, vi, ir), abs=1e-12)


def test_viff_is_defined_from_41_pixels_on() -> None:
    image = textured(0, side=VIFF.min_size)
    assert viff(image, image, image) == pytest.approx(1, abs=1e-9)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_viff_is_positive_and_finite(seed: int) -> None:
    assert 0 < viff(*(textured(seed + step) for step in range(3))) < math.inf
