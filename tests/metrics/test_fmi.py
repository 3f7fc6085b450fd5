import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.fft import dctn
from scipy.ndimage import gaussian_filter, sobel

from uaabench.core.columns import Metric
from uaabench.metrics.feature_maps import cosine_transform, edge_map, meyer_low_pass, wavelet_transform
from uaabench.metrics.fmi import FMI_DCT, FMI_EDGE, FMI_W, feature_information

Image = NDArray[np.float64]
ALL = pytest.mark.parametrize("metric", [FMI_EDGE, FMI_DCT, FMI_W], ids=lambda metric: metric.name)


def textured(seed: int, shape: tuple[int, int] = (20, 23)) -> Image:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(float)


def fmi(metric: Metric, *images: Image) -> float:
    return metric.compute(*map(metric.features, images))


def entropy(masses: Image) -> float:
    return -sum(mass * math.log2(abs(mass)) for mass in np.ravel(masses) if mass)


def shared_information(window_f: Image, window_x: Image) -> float:
    """The definition for one pair of windows."""
    if np.array_equal(window_f, window_x):
        return 1.0
    p = []
    for values in (window_f.ravel(order="F"), window_x.ravel(order="F")):
        spread = values.max() - values.min()
        stretched = (values - values.min()) / spread if spread else np.ones(9)
        p.append(stretched / stretched.sum())
    position = np.arange(1, 10)
    deviation = [math.sqrt(max(0, (q * position**2).sum() - (q * position).sum() ** 2)) for q in p]
    centred = [q - 1 / 9 for q in p]
    correlation = 0.0
    if all(np.abs(q).max() > 1e-15 for q in centred):
        correlation = (centred[0] @ centred[1]) / math.sqrt((centred[0] @ centred[0]) * (centred[1] @ centred[1]))
    below = [np.concatenate([[0], np.cumsum(q)]) for q in p]
    f, x = np.meshgrid(*below, indexing="ij")
    bound = np.minimum(f, x) if correlation >= 0 else np.maximum(f + x - 1, 0)
    phi = 0.0
    if correlation and all(deviation):
        phi = correlation * deviation[0] * deviation[1] / (bound - f * x)[1:, 1:].sum()
    mixed = bound[1:, 1:] - bound[:-1, 1:] - bound[1:, :-1] + bound[:-1, :-1]
    separate = entropy(p[0]) + entropy(p[1])
    mutual = separate - entropy(phi * mixed + (1 - phi) * np.outer(*p))
    return 2 * mutual / separate if mutual else 0.0


def by_definition(fused: Image, ir: Image, vi: Image) -> float:
    """The definition, window by window."""
    height, width = fused.shape
    blocks = [np.s_[row : row + 3, column : column + 3] for row in range(height - 2) for column in range(width - 2)]
    return float(np.mean([shared_information(fused[b], source[b]) for b in blocks for source in (ir, vi)]))


@pytest.mark.parametrize("levels", [1, 3, 255])
def test_fmi_follows_its_definition_window_by_window(levels: int) -> None:
    # of few levels, windows that are equal, constant or have a single value above the others occur
    maps = [np.round(textured(seed, (12, 31)) / 255 * levels) for seed in range(3)]
    assert feature_information(*maps) == pytest.approx(by_definition(*maps), rel=1e-9)


@ALL
def test_fmi_is_one_for_equal_images(metric: Metric) -> None:
    image = textured(0)
    assert fmi(metric, image, image, image) == 1


@ALL
def test_fmi_is_one_for_three_constant_images(metric: Metric) -> None:
    flat = np.full((20, 23), 90.0)
    assert fmi(metric, flat, flat, flat) == 1


@ALL
def test_fmi_is_defined_for_a_constant_fused_image_and_at_its_smallest_size(metric: Metric) -> None:
    assert 0 <= fmi(metric, np.full((20, 23), 90.0), textured(0), textured(1)) < 1
    small = [textured(seed, (metric.min_size, metric.min_size)) for seed in range(3)]
    assert -1e-9 <= fmi(metric, *small) <= 1


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
@ALL
def test_fmi_stays_in_its_range_and_does_not_mind_swapped_sources(metric: Metric, seed: int) -> None:
    fused, ir, vi = (textured(seed + step) for step in range(3))
    value = fmi(metric, fused, ir, vi)
    assert metric.range[0] <= value <= metric.range[1]
    assert value == pytest.approx(fmi(metric, fused, vi, ir), abs=1e-12)


def test_a_step_is_an_edge_one_pixel_wide() -> None:
    # Both columns beside the step have the same strength; the one before a drop of it is kept. 4 * mean = 0.4 maximum.
    image = np.zeros((9, 20))
    image[:, 10:] = 100
    expected = np.zeros((9, 20))
    expected[:, 10] = 1
    np.testing.assert_array_equal(edge_map(image), expected)
    np.testing.assert_array_equal(edge_map(image.T), expected.T)


def test_edges_are_pixels_above_the_threshold_that_peak_across_their_steeper_direction() -> None:
    image = gaussian_filter(textured(0, (40, 50)), 2)
    sx, sy = (np.abs(sobel(image, axis=axis, mode="nearest")) / 8 for axis in (1, 0))
    power = np.pad(sx**2 + sy**2, 1)  # no edge is weaker than what lies beyond the border
    expected = np.zeros(image.shape)
    for row, column in np.argwhere(power[1:-1, 1:-1] > 4 * power[1:-1, 1:-1].mean()):
        across, down = power[row + 1, column : column + 3], power[row : row + 3, column + 1]
        for own, other, (before, here, after) in ((sx, sy, across), (sy, sx, down)):
            if own[row, column] >= other[row, column] and before <= here > after:
                expected[row, column] = 1
    assert 10 < expected.sum() < 400
    np.testing.assert_array_equal(edge_map(image), expected)


def test_a_constant_image_has_no_edges() -> None:
    assert not edge_map(np.full((9, 20), 255.0)).any()


@pytest.mark.parametrize("shape", [(20, 23), (21, 16), (1, 5)])
def test_the_cosine_transform_equals_that_of_scipy(shape: tuple[int, int]) -> None:
    image = textured(0, shape)
    np.testing.assert_allclose(cosine_transform(image), dctn(image, norm="ortho"), atol=1e-10)


def test_the_wavelets_filter_is_symmetric_and_orthogonal_to_its_even_shifts() -> None:
    low_pass = meyer_low_pass()
    assert low_pass.shape == (102,)
    assert low_pass.sum() == pytest.approx(math.sqrt(2), abs=1e-5)
    np.testing.assert_allclose(low_pass[:101], low_pass[100::-1], atol=1e-12)
    assert low_pass[101] == 0
    for shift in range(0, 40, 2):
        product = low_pass[shift:] @ low_pass[: 102 - shift]
        assert product == pytest.approx(float(shift == 0), abs=1e-5)


def test_the_approximation_of_a_constant_image_is_constant_and_its_details_vanish() -> None:
    # The low pass sums to sqrt(2) in each direction, so 2 * 90 against details of 0; stretched, 1 against 0.
    expected = np.zeros((2 * ((20 + 101) // 2), 2 * ((23 + 101) // 2)))
    expected[: expected.shape[0] // 2, : expected.shape[1] // 2] = 1
    np.testing.assert_allclose(wavelet_transform(np.full((20, 23), 90.0)), expected, atol=1e-5)


def test_the_wavelet_transform_follows_matlab_step_by_step() -> None:
    # wfilters: the decomposition filters are the reversed reconstruction ones, the high pass the quadrature mirror of
    # the low pass. dwt: extend by 101 samples mirrored with their edge, convolve, keep the second of every two samples.
    low = meyer_low_pass()
    high = np.array([(-1) ** number * tap for number, tap in enumerate(low[::-1])])

    def bands(image: Image, axis: int) -> list[Image]:
        def filtered(row: Image, taps: Image) -> Image:
            return np.convolve(np.pad(row, 101, mode="symmetric"), taps[::-1], mode="valid")[1::2]

        return [np.apply_along_axis(filtered, axis, image, taps) for taps in (low, high)]

    image = textured(0, (11, 14))
    (approximation, horizontal), (vertical, diagonal) = (bands(band, 0) for band in bands(image, 1))
    expected = np.block([[approximation, horizontal], [vertical, diagonal]])
    expected = (expected - expected.min()) / (expected.max() - expected.min())
    np.testing.assert_allclose(wavelet_transform(image), expected, atol=1e-12)
