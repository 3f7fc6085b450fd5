import numpy as np
import pytest
import torch

from uaabench.baselines.controls import Checker, Noise
from uaabench.baselines.floor import Average
from uaabench.core import imaging
from uaabench.core.arrays import ByteImage
from uaabench.core.interface import FusionMethod
from uaabench.core.registry import method_card, method_class
from uaabench.methods.conformance import scenes
from uaabench.running import entries

CONTROLS = {"noise": Noise, "checker": Checker}


def fused(method: FusionMethod, ir: ByteImage, vi: ByteImage) -> ByteImage:
    return imaging.quantise(method.fuse(imaging.to_tensor(ir), imaging.to_tensor(vi)))[0]


def flat(level: int, height: int, width: int) -> tuple[ByteImage, ByteImage]:
    """A pair whose two images, and so their average, have one grey level everywhere."""
    return np.full((height, width), level, np.uint8), np.full((height, width, 3), level, np.uint8)


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_is_trivial_but_not_in_the_floor(name: str) -> None:
    assert method_class(name) is CONTROLS[name]
    assert method_card(name).kind == "trivial"
    assert name not in entries.FLOOR


def test_noise_is_added_to_the_average_in_grey_levels() -> None:
    # The stream of seed 0 starts, row by row, with 1.764, 0.400, 0.979, 2.241 (known from many a notebook that calls
    # `numpy.random.seed(0)`), so that 100 + 20 * 1.764 = 135.28, 100 + 8.00, 100 + 19.57 and 100 + 44.82.
    ir, vi = np.full((2, 2), 90, np.uint8), np.full((2, 2, 3), 110, np.uint8)
    assert fused(Noise(), ir, vi).tolist() == [[135, 108], [120, 145]]
    assert fused(Noise(sigma=10), ir, vi).tolist() == [[118, 104], [110, 122]]  # half as far from 100


def test_noise_has_the_mean_and_spread_it_promises() -> None:
    # Rounding adds the variance 1/12: sqrt(400 + 1/12) = 20.002. Of 240000 pixels the standard errors are
    # 20 / sqrt(240000) = 0.041 for the mean and 20 / sqrt(480000) = 0.029 for the spread; four of them are allowed.
    levels = fused(Noise(), *flat(128, 400, 600)).astype(float)
    assert levels.mean() == pytest.approx(128, abs=0.16)
    assert levels.std() == pytest.approx(20.002, abs=0.12)


def test_noise_is_clipped_at_black_and_white() -> None:
    # What is left on black is max(0, 20 g), whose mean is 20 / sqrt(2 pi) = 7.979 and whose spread is
    # 20 sqrt(1/2 - 1/(2 pi)) = 11.68, so the standard error over 240000 pixels is 0.024. On white it is mirrored.
    pairs = (flat(level, 400, 600) for level in (0, 255))
    black, white = (Noise().fuse(*map(imaging.to_tensor, pair)) * 255 for pair in pairs)
    assert (black.min(), white.max()) == (0, 255)
    assert black.mean().item() == pytest.approx(7.979, abs=0.1)
    assert 255 - white.mean().item() == pytest.approx(7.979, abs=0.1)


def test_without_strength_noise_is_the_average() -> None:
    ir, vi = scenes(2)
    assert torch.equal(Noise(sigma=0).fuse(ir, vi), Average().fuse(ir, vi))


def test_noise_depends_on_the_seed_and_the_size_alone() -> None:
    grey, dark = (fused(Noise(), *flat(level, 8, 8)).astype(int) for level in (128, 120))
    assert np.array_equal(grey - 128, dark - 120)
    assert not np.array_equal(grey, fused(Noise(seed=1), *flat(128, 8, 8)))


def test_noise_is_independent_of_the_batch() -> None:
    ir, vi = scenes(3)
    alone = [Noise().fuse(ir[i : i + 1], vi[i : i + 1]) for i in range(3)]
    assert torch.equal(Noise().fuse(ir, vi), torch.cat(alone))


def test_the_checkerboard_starts_with_infrared_and_takes_every_other_pixel() -> None:
    ir = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    vi = np.repeat((ir + 100)[..., None], 3, axis=2)
    assert fused(Checker(), ir, vi).tolist() == [[1, 102, 3], [104, 5, 106]]


def test_colour_counts_on_the_checkerboard_by_its_rounded_luminance() -> None:
    # 0.299 * 10 + 0.587 * 20 + 0.114 * 30 = 18.15
    vi = np.broadcast_to(np.array([10, 20, 30], np.uint8), (1, 2, 3)).copy()
    assert fused(Checker(), np.zeros((1, 2), np.uint8), vi).tolist() == [[0, 18]]
