"""What holds for every metric of every profile, whatever it computes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uaabench.core.arrays import ByteImage
from uaabench.core.columns import Metric
from uaabench.core.errors import DataError
from uaabench.core.interface import Sources
from uaabench.metrics.profiles import PROFILES, Profile, Value
from uaabench.metrics.profiles.published import PUBLISHED

NEEDS_WEIGHTS = ("LPIPS", "DISTS")
# The first judges the infrared image as if it were the fused one, as its note says; the second takes the visible image
# where both gains are equal, which among noise they often are: 0.
NOT_SYMMETRIC = [("tang", "Nabf"), ("uaabench", "VIFF")]
VARIANTS = [
    pytest.param(profile, metric, id=f"{profile.name}-{metric.name}")
    for profile in PROFILES.values()
    if profile.name != "cddfuse-ssim255"  # cddfuse but for SSIM
    for metric in profile.metrics.values()
    if metric.name not in NEEDS_WEIGHTS
]
of_every_variant = pytest.mark.parametrize(("profile", "metric"), VARIANTS)


def grey(seed: int, metric: Metric, levels: int = 256) -> ByteImage:
    """A random image of at least 48x49 pixels that is large enough for the metric."""
    side = max(48, metric.min_size)
    return np.random.default_rng(seed).integers(0, levels, (side, side + 1), dtype=np.uint8)


def colour(image: ByteImage) -> ByteImage:
    return np.repeat(image[..., None], 3, axis=2)


def score(profile: Profile, metric: Metric, fused: ByteImage, ir: ByteImage, vi: ByteImage) -> Value:
    return profile.score(fused, Sources(ir, colour(vi)), [metric])[0]


@of_every_variant
def test_swapping_the_sources_changes_nothing(profile: Profile, metric: Metric) -> None:
    fused, ir, vi = (grey(seed, metric) // 4 for seed in range(3))
    value, swapped = score(profile, metric, fused, ir, vi).value, score(profile, metric, fused, vi, ir).value
    symmetric = value == pytest.approx(swapped, rel=1e-9)
    assert symmetric == ((profile.name, metric.name) not in NOT_SYMMETRIC)


@of_every_variant
@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([2, 3, 40, 256]), st.sampled_from(["independent", "equal", "one source"]))
def test_values_lie_in_the_stated_range(
    profile: Profile, metric: Metric, seed: int, levels: int, relation: str
) -> None:
    ir, vi = grey(seed, metric, levels), grey(seed + 1, metric, levels)
    vi = ir if relation == "equal" else vi
    fused = grey(seed + 2, metric, levels) if relation == "independent" else ir
    value = score(profile, metric, fused, ir, vi)
    assert value.status != "failed", value.reason
    if value.status == "ok":
        low, high = metric.range
        assert low - 1e-9 <= value.value <= high + 1e-9


@of_every_variant
@pytest.mark.parametrize("flat", ["all three", "fused image", "one source", "both sources"])
@pytest.mark.parametrize("level", [0, 90, 255])
def test_constant_images_have_a_value_or_a_reason(profile: Profile, metric: Metric, flat: str, level: int) -> None:
    constant = np.full_like(grey(0, metric), level)
    fused = constant if flat in ("all three", "fused image") else grey(0, metric)
    ir = constant if flat != "fused image" else grey(1, metric)
    vi = constant if flat in ("all three", "both sources") else grey(2, metric)
    value = score(profile, metric, fused, ir, vi)
    assert value.status == "ok" or (value.status == "undefined" and value.reason)


@of_every_variant
@settings(max_examples=6, deadline=None)
@given(st.sampled_from([(1, 1), (1, 9), (9, 1), (2, 2), (3, 3), (7, 11), (11, 7), (17, 40), (41, 41), (63, 17)]))
def test_small_and_odd_images_have_a_value_or_a_reason(profile: Profile, metric: Metric, size: tuple[int, int]) -> None:
    fused, ir, vi = (np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8) for seed in range(3))
    value = score(profile, metric, fused, ir, vi)
    assert value.status != "failed", value.reason
    if min(size) < metric.min_size:
        assert value.reason == f"{size[1]}x{size[0]} is smaller than the {metric.min_size}x{metric.min_size} it needs"


# For a fused image equal to both sources: nothing is lost, nothing is added, and no difference is left to correlate.
PERFECT = {
    "VIF": 2, "VIFF": 1, "NMI": 2, "CC": 1, "MSE": 0, "SSIM": 1, "MS-SSIM": 1, "Nabf": 0, "FMI_edge": 1, "FMI_dct": 1,
    "FMI_w": 1, "Qcb": 1, "Qcv": 0, "CE": 0, "FSIM": 1, "GMSD": 0, "VSI": 1, "HaarPSI": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", PERFECT)
def test_a_fused_image_equal_to_both_sources_has_the_perfect_value(name: str) -> None:
    metric = PUBLISHED.metrics[name]
    image = grey(0, metric) // 4 + 90
    value = score(PUBLISHED, metric, image, image, image)
    assert value.value == pytest.approx(PERFECT[name], abs=1e-6)


@pytest.mark.parametrize(("name", "why"), [("SCD", "difference"), ("PSNR", "infinite")])
def test_what_is_undefined_for_equal_images_says_why(name: str, why: str) -> None:
    image = grey(0, PUBLISHED.metrics[name])
    value = score(PUBLISHED, PUBLISHED.metrics[name], image, image, image)
    assert value.status == "undefined"
    assert why in value.reason


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
@pytest.mark.parametrize("which", ["fused", "infrared", "visible"])
@pytest.mark.parametrize("broken", [np.uint16, np.float64])
def test_images_that_are_not_of_8_bit_are_refused(profile: Profile, which: str, broken: type) -> None:
    image = np.full((48, 49), math.nan if broken is np.float64 else 300, broken)
    images = {name: np.zeros((48, 49), np.uint8) for name in ("fused", "infrared", "visible")} | {which: image}
    with pytest.raises(DataError, match="must be grey or RGB of 8 bit, not of type"):
        profile.score(images["fused"], Sources(images["infrared"], images["visible"]), profile.select())
