"""Where IVIF_ZOO departs from the definitions, by arithmetic; the golden values are compared in test_goldens.py."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oracle import read_triple
from uaabench.metrics.profiles.ivif_zoo import (
    IVIF_ZOO,
    SIMILARITY,
    cross_entropy,
    edge_intensity,
    entropy,
    qncie,
    strong_edges,
)

METRICS = IVIF_ZOO.metrics


def test_the_entropy_of_two_levels_is_a_little_below_one_bit() -> None:
    # -log2(0.5 + 1e-7) = 1 - 2e-7 / ln 2, and 0.5 + 1e-7 in single precision is 0.5 + 2^-23
    assert entropy(np.array([[0.0, 255.0]])) == pytest.approx(1 - 2 * 2**-23 / np.log(2), abs=1e-12)


def test_the_frame_of_a_constant_image_is_an_edge() -> None:
    # zeros around 3 x 3 pixels of 1: corners sqrt(3^2 + 3^2), sides 4, centre 0
    assert edge_intensity(np.ones((3, 3))) == pytest.approx((4 * np.sqrt(18) + 4 * 4) / 9)


def test_the_cross_entropy_does_not_see_levels_above_16() -> None:
    bright, brighter = np.full((2, 2), 20.0), np.full((2, 2), 250.0)
    assert cross_entropy(bright, bright, bright) == cross_entropy(brighter, bright, brighter)
    # black predicts 1/2 whatever is wanted: log 2
    assert cross_entropy(np.zeros((2, 2)), bright, bright) == pytest.approx(np.log(2), rel=1e-6)


def test_weak_edges_weigh_nothing_and_without_strong_ones_nabf_is_missing() -> None:
    # steps of 1: the Sobel strength is 8 / 8 = 1, below the threshold of 2
    ramp = np.tile(np.arange(9.0), (9, 1))
    assert strong_edges(ramp).weight.max() == 0
    assert np.isnan(METRICS["Nabf"](ramp, ramp, ramp))


def test_uncorrelated_images_share_no_information_and_equal_ones_all() -> None:
    # three eigenvalues of 1: 1 + 3 (1/3) log256(1/3) = 1 - log256(3); one of 3: 1 + log256(1) = 1
    rows, columns = np.mgrid[:4, :4].astype(float)
    diagonal = (rows - 1.5) * (columns - 1.5)
    assert qncie(diagonal, rows, columns) == pytest.approx(1 - np.log(3) / np.log(256))
    assert qncie(rows, rows, rows) == pytest.approx(1)


def test_qte_is_the_entropy_that_the_fused_image_lacks() -> None:
    two_levels, four_levels = np.array([[0.0, 1.0, 0.0, 1.0]]), np.array([[0.0, 1.0, 2.0, 3.0]])
    assert METRICS["Qte"](two_levels, four_levels, four_levels) == pytest.approx(2 + 2 - 1)
    assert METRICS["NMI"](two_levels, four_levels, four_levels) == pytest.approx(2 * (1 + 1) / (2 + 2))


def add_rounded(total: np.ndarray, tap: np.floating, image: np.ndarray) -> np.ndarray:
    return total + tap * image


def add_fused(total: np.ndarray, tap: np.floating, image: np.ndarray) -> np.ndarray:
    """Product and sum rounded together, as processors do that have an instruction for both."""
    return (total + np.float64(tap) * image.astype(np.float64)).astype(np.float32)


def similarity(
    first: np.ndarray, second: np.ndarray, kind: type, add: Callable = add_rounded, *, backwards: bool = False
) -> float:
    """SSIM in one floating-point type, with the taps of the window in one order; the same on any processor."""
    x, y = (image.astype(kind) * kind(255) for image in (first, second))
    taps = [math.exp(-((offset - 5) ** 2) / (2 * 1.5**2)) for offset in range(11)]
    window = [(number, kind(tap / sum(taps))) for number, tap in enumerate(taps)]

    def blur(image: np.ndarray) -> np.ndarray:
        for _ in range(2):
            rows = image.shape[0] - 10
            total = np.zeros_like(image[:rows])
            for number, tap in reversed(window) if backwards else window:
                total = add(total, tap, image[number : number + rows])
            image = total.T
        return image

    c1, c2, two = kind(2.55**2), kind(7.65**2), kind(2)
    mean_x, mean_y = blur(x), blur(y)
    structure = (two * (blur(x * y) - mean_x * mean_y) + c2) / (
        blur(x * x) - mean_x * mean_x + blur(y * y) - mean_y * mean_y + c2
    )
    found = structure * (two * mean_x * mean_y + c1) / (mean_x * mean_x + mean_y * mean_y + c1)
    assert found.dtype == kind
    return float(found.mean(dtype=np.float64))


@pytest.mark.shared
@pytest.mark.parametrize("triple", ["msrs_00633D_piafusion", "msrs_00537D_piafusion", "syn_const_fused"])
def test_single_precision_moves_ssim_as_far_as_its_tolerance(shared: Path, triple: str) -> None:
    folder = shared / "oracle" / "metrics"
    rows = pd.read_csv(folder / "oracle.csv").set_index(["implementation", "metric", "triple"])
    golden = rows.loc[("ivif_zoo", "SSIM", triple), "value"]
    fused, sources = read_triple(folder, triple)
    images = [image.astype(float) for image in (fused[..., 0], sources.ir, sources.vi[..., 0])]
    exact = sum(similarity(images[0], source, np.float64) for source in images[1:])
    assert SIMILARITY.added(*images) == pytest.approx(exact, rel=1e-6)
    single = [
        sum(similarity(images[0], source, np.float32, add, backwards=backwards) for source in images[1:])
        for add in (add_rounded, add_fused)
        for backwards in (False, True)
    ]
    # Each way to sum is wrong by another amount, even in its sign, and it is not known which one the toolbox took.
    assert max(abs(value - exact) for value in single) > abs(golden - exact)
