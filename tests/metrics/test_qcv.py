import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import correlate2d

from uaabench.metrics.qcv import QCV, appearance

Image = NDArray[np.float64]
SHAPE = (37, 48)


def textured(seed: int) -> Image:
    """Values that reach 0 and 255, so that stretching changes nothing."""
    image = np.random.default_rng(seed).integers(0, 256, SHAPE).astype(float)
    image[0, :2] = 0, 255
    return image


def qcv(*images: Image) -> float:
    return QCV.compute(*map(QCV.features, images))


def by_definition(fused: Image, ir: Image, vi: Image) -> float:
    """The definition, block by block, with the whole spectrum of the differences."""
    height, width = SHAPE
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    k, m = np.meshgrid(np.fft.fftfreq(height, 1 / height), np.fft.fftfreq(width, 1 / width), indexing="ij")
    r = np.sqrt(k**2 + m**2) / 4
    sensitivity = 2.6 * (0.0192 + 0.144 * r) * np.exp(-((0.144 * r) ** 1.1))
    seen = total = 0.0
    for source in (ir, vi):
        strength = np.hypot(*(correlate2d(source, weights, mode="same") for weights in (kernel, kernel.T)))
        filtered = np.fft.ifft2(np.fft.fft2(source - fused) * sensitivity).real
        for row in range(0, height, 16):
            for column in range(0, width, 16):
                block = np.s_[row : row + 16, column : column + 16]
                saliency = (strength[block] ** 5).sum()
                seen += saliency * (filtered[block] ** 2).sum() / 256
                total += saliency
    return seen / total


def test_qcv_follows_its_definition_block_by_block() -> None:
    images = [textured(seed) for seed in range(3)]
    assert qcv(*images) == pytest.approx(by_definition(*images), rel=1e-10)


def test_qcv_is_zero_for_equal_images() -> None:
    image = textured(0)
    assert qcv(image, image, image) == 0


def test_qcv_does_not_see_a_change_of_brightness() -> None:
    fused, ir, vi = (np.round(textured(seed) / 2) for seed in range(3))
    assert qcv(fused + 100, ir, vi) == qcv(fused, ir, vi)


def test_a_black_source_has_no_say() -> None:
    image, black = textured(0), np.zeros(SHAPE)
    assert qcv(image, image, black) == 0


def test_blocks_at_the_border_hold_what_is_left_of_the_image() -> None:
    # A step of 255 in the middle of the first blocks: 4 * 255 in the two columns beside it. Nothing in blocks within
    # the bright side; only the zeros beyond the last row, which is the fifth of the last blocks, make an edge there.
    image = np.zeros(SHAPE)
    image[:, 8:] = 255
    saliency = appearance(image).saliency
    assert saliency.shape == (3, 3)
    assert saliency[1, 0] == pytest.approx(16 * 2 * (4 * 255.0) ** 5)
    assert saliency[1, 1] == 0
    assert saliency[2, 1] == pytest.approx(16 * (4 * 255.0) ** 5)


def test_qcv_is_missing_where_an_image_cannot_be_stretched_or_no_source_has_an_edge() -> None:
    image, grey, black = textured(0), np.full(SHAPE, 90.0), np.zeros(SHAPE)
    assert math.isnan(qcv(grey, image, image))
    assert math.isnan(qcv(image, grey, image))
    assert math.isnan(qcv(image, black, black))
    assert qcv(black, image, image) > 0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_qcv_is_positive_and_does_not_mind_swapped_sources(seed: int) -> None:
    fused, ir, vi = (textured(seed + step) for step in range(3))
    value = qcv(fused, ir, vi)
    assert 0 < value < math.inf
    assert value == pytest.approx(qcv(fused, vi, ir))
