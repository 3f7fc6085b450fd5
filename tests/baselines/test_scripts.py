"""The steps of authors' scripts against the libraries they call."""

import math

import cv2
import numpy as np
import pytest
import torch

from uaabench.baselines.scripts import (
    opencv_grey,
    opencv_rounded_grey,
    opencv_ycrcb,
    pil_grey,
    recoloured,
    stretched,
    truncated,
)
from uaabench.core import imaging


def colours() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)


def test_grey_is_that_of_pil() -> None:
    from PIL import Image

    image = colours()
    expected = np.asarray(Image.fromarray(image).convert("L"))
    assert (imaging.quantise(pil_grey(imaging.to_tensor(image)))[0] == expected).all()


def test_grey_is_that_of_opencv_reading_a_png(tmp_path) -> None:
    image = colours()
    image[:10] = image[:10, :, :1]
    cv2.imwrite(str(tmp_path / "image.png"), image[..., ::-1])
    expected = cv2.imread(str(tmp_path / "image.png"), cv2.IMREAD_GRAYSCALE).astype(int)
    found = imaging.quantise(opencv_grey(imaging.to_tensor(image)))[0].astype(int)
    # Decoders differ in the last bit of their coefficients.
    assert np.abs(found - expected).max() <= 1
    assert (found == expected).mean() > 0.99


def test_grey_is_that_of_opencv_in_floating_point_rounded() -> None:
    image = colours()
    found = imaging.quantise(opencv_rounded_grey(imaging.to_tensor(image)))[0]
    # Close to a half the order of summation decides, which depends on the processor.
    assert (found == imaging.grey(image)).mean() > 0.999


def test_truncation_takes_the_level_below() -> None:
    values = torch.tensor([-0.1, 0.0, 1.9 / 255, 2.0 / 255, 254.99 / 255, 1.2])
    assert (truncated(values) * 255).round().tolist() == [0, 0, 1, 2, 254, 255]


def test_each_image_is_stretched_by_its_own_range_over_all_channels() -> None:
    images = torch.tensor([[[[0.2, 0.4]], [[0.3, 0.6]]], [[[0.5, 0.5]], [[0.5, 0.5]]]])
    assert torch.allclose(stretched(images)[0], torch.tensor([[[0.0, 0.5]], [[0.25, 1.0]]]))
    assert (stretched(images)[1] == 0).all()


def test_the_luminance_of_an_image_gives_it_back_its_colours() -> None:
    vi = imaging.to_tensor(colours() // 2 + 60)
    y = 0.299 * vi[:, :1] + 0.587 * vi[:, 1:2] + 0.114 * vi[:, 2:3]
    # The published matrices are inverse to each other within half a level.
    assert (recoloured(y, vi) - vi).abs().max() < 0.5 / 255


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("margin", [0.0, 1e-6])
def test_stretching_makes_no_black_image_of_what_is_not_finite(broken: float, margin: float) -> None:
    image = torch.rand(2, 1, 4, 4)
    image[0, 0, 1, 2] = broken
    found = stretched(image, margin)
    assert not found[0].isfinite().all()
    assert found[1].isfinite().all()


def test_luminance_and_chroma_are_those_of_opencv() -> None:
    image = np.concatenate(
        [colours(), np.arange(256, dtype=np.uint8).reshape(-1, 4, 1).repeat(3, axis=2).repeat(20, 1)]
    )
    # Pure colours, whose chroma leaves the range of 8 bit.
    image[0, :4] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 0, 255]]
    expected = cv2.cvtColor(image[..., ::-1].copy(), cv2.COLOR_BGR2YCrCb)
    found = [imaging.quantise(channel)[0] for channel in opencv_ycrcb(imaging.to_tensor(image))]
    assert (np.stack(found, axis=2) == expected).all()
