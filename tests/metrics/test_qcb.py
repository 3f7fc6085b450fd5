import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import correlate2d

from uaabench.metrics.qcb import QCB, periods, stretched

Image = NDArray[np.float64]


def textured(seed: int, shape: tuple[int, int] = (36, 41)) -> Image:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(float)


def qcb(*images: Image) -> float:
    return QCB.compute(*map(QCB.features, images))


def by_definition(fused: Image, ir: Image, vi: Image) -> float:
    """The definition, with the whole spectrum, centred, and two-dimensional windows."""
    y, x = np.mgrid[-15:16, -15:16]

    def masked_contrast(image: Image) -> Image:
        height, width = image.shape
        visible = np.floor((image - image.min()) / (image.max() - image.min()) * 255 + 0.5)
        rows, columns = np.mgrid[: 2 * (height // 2) + 1, : 2 * (width // 2) + 1]
        r = np.hypot(rows - height // 2, columns - width // 2)[:height, :width] / 15
        sensitivity = np.exp(-((r / 15.387) ** 2)) - 0.7622 * np.exp(-((r / 1.3456) ** 2))
        seen = np.fft.ifft2(np.fft.ifftshift(np.fft.fftshift(np.fft.fft2(visible)) * sensitivity)).real
        fine, coarse = (
            correlate2d(seen, np.exp(-(x**2 + y**2) / (2 * sigma**2)) / (2 * np.pi * sigma**2), mode="same")
            for sigma in (2, 4)
        )
        contrast = np.abs(fine / coarse - 1)
        return contrast**3 / (contrast**2 + 1e-4)

    m_f, m_ir, m_vi = map(masked_contrast, (fused, ir, vi))
    kept_ir, kept_vi = (np.where(m < m_f, m / m_f, m_f / m) for m in (m_ir, m_vi))
    share = m_ir**2 / (m_ir**2 + m_vi**2)
    return float(np.mean(share * kept_ir + (1 - share) * kept_vi))


@pytest.mark.parametrize("shape", [(36, 41), (35, 40), (20, 64)])
def test_qcb_follows_its_definition_with_the_whole_spectrum(shape: tuple[int, int]) -> None:
    images = [textured(seed, shape) for seed in range(3)]
    assert qcb(*images) == pytest.approx(by_definition(*images), rel=1e-8)


def test_qcb_is_one_for_equal_images() -> None:
    image = textured(0)
    assert qcb(image, image, image) == pytest.approx(1, abs=1e-12)


def test_qcb_does_not_see_a_change_of_brightness() -> None:
    fused, ir, vi = (np.round(textured(seed) / 2) for seed in range(3))
    assert qcb(fused + 100, ir, vi) == qcb(fused, ir, vi)


@pytest.mark.parametrize("level", [0.0, 90.0])
def test_qcb_is_missing_where_an_image_is_constant(level: float) -> None:
    image, flat = textured(0), np.full((36, 41), level)
    assert all(math.isnan(value) for value in (qcb(flat, image, image), qcb(image, flat, image), qcb(flat, flat, flat)))


def test_stretching_rounds_halves_up() -> None:
    # 0, 255 / 4 = 63.75, 255 / 2 = 127.5, 255
    np.testing.assert_array_equal(stretched(np.array([[10.0, 11.0], [12.0, 14.0]])), [[0, 64], [128, 255]])
    np.testing.assert_array_equal(stretched(np.zeros((2, 2))), np.zeros((2, 2)))
    assert np.isnan(stretched(np.ones((2, 2)))).all()


def test_frequencies_count_periods_over_height_and_width() -> None:
    # rows 0, 1, -2, -1 and columns 0, 1, 2 (of an odd width of 5)
    expected = [[math.hypot(row, column) for column in (0, 1, 2)] for row in (0, 1, 2, 1)]
    np.testing.assert_allclose(periods((4, 5)), expected, rtol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_qcb_stays_in_its_range_and_does_not_mind_swapped_sources(seed: int) -> None:
    fused, ir, vi = (textured(seed + step) for step in range(3))
    value = qcb(fused, ir, vi)
    assert QCB.range[0] <= value <= QCB.range[1]
    assert value == pytest.approx(qcb(fused, vi, ir), abs=1e-12)
