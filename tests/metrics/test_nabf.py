import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import correlate

from uaabench.metrics.nabf import NABF, edges

Image = NDArray[np.float64]


def textured(seed: int) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (20, 23)).astype(float)


def nabf(*images: Image) -> float:
    return NABF.compute(*map(NABF.features, images))


def by_definition(fused: Image, ir: Image, vi: Image) -> float:
    """The definition, pixel by pixel, with filters by SciPy."""
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8

    def gradient(image: Image) -> list[tuple[float, float]]:
        sx, sy = (correlate(image, weights, mode="mirror").ravel() for weights in (kernel, kernel.T))
        return [(math.hypot(x, y), math.atan2(x, y)) for x, y in zip(sx, sy, strict=True)]

    added = total = 0.0
    for (g_f, a_f), *sources in zip(*map(gradient, (fused, ir, vi)), strict=True):
        for g, a in sources:
            ratio = min(g, g_f) / max(g, g_f) if g > 0 and g_f > 0 else 0
            # directions are those of lines: where a gradient is 0 so is its direction, with which atan2 agrees
            line, line_f = ((angle + math.pi / 2) % math.pi for angle in (a, a_f))
            aligned = abs(abs(line - line_f) - math.pi / 2) / (math.pi / 2)
            quality = 0.9999 / (1 + math.exp(-19 * (ratio - 0.5))) * 0.9995 / (1 + math.exp(-22 * (aligned - 0.5)))
            weight = g**1.5 if g >= 2 else 0.001
            total += weight
            if g_f > max(strength for strength, _ in sources):
                added += (1 - math.sqrt(quality)) * weight
    return added / total


def test_nabf_follows_its_definition_pixel_by_pixel() -> None:
    # few levels: equal strengths, flat pixels and gradients below the threshold of 2 occur
    images = [4 * np.round(textured(seed) / 64) for seed in range(3)]
    assert any(0 < strength < 2 for strength in edges(images[1]).strength.ravel())
    assert nabf(*images) == pytest.approx(by_definition(*images), abs=1e-12)


def test_nabf_is_zero_where_the_fused_image_is_a_source() -> None:
    ir, vi = textured(0), textured(1)
    assert nabf(ir, ir, vi) == nabf(vi, ir, vi) == 0


def test_nabf_is_zero_for_a_constant_fused_image_and_for_three_constant_ones() -> None:
    flat = np.full((20, 23), 90.0)
    assert nabf(flat, textured(0), textured(1)) == nabf(flat, flat, flat) == 0


def test_edges_that_neither_of_two_constant_sources_has_are_all_artefacts() -> None:
    # All weights are 0.001 and G = 0, so Q <= sqrt(0.9999 / (1 + exp(9.5)) * 0.9995) = 0.0087 at each pixel.
    fused, flat = textured(0), np.full((20, 23), 90.0)
    share = (edges(fused).strength > 0).mean()
    assert (1 - 0.0087) * share < nabf(fused, flat, flat) < share


def test_a_ramp_has_the_same_strength_up_to_its_ends_where_it_is_mirrored() -> None:
    # weights of 8 / 8 on steps of 2 * 3 per two pixels; beyond the ends the mirrored neighbours are equal
    ramp = np.tile(3.0 * np.arange(9), (5, 1))
    np.testing.assert_array_equal(edges(ramp).strength, np.tile([0, *[3] * 7, 0], (5, 1)))


def test_images_divided_by_255_have_no_strong_edges() -> None:
    assert (edges(textured(0) / 255).weight == 0.001).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_nabf_stays_in_its_range_and_does_not_mind_swapped_sources(seed: int) -> None:
    fused, ir, vi = (textured(seed + step) for step in range(3))
    value = nabf(fused, ir, vi)
    assert NABF.range[0] <= value <= NABF.range[1]
    assert value == pytest.approx(nabf(fused, vi, ir), abs=1e-12)
