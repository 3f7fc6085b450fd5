from pathlib import Path

import numpy as np
import pytest
import torch

from uaabench.baselines.floor import Average, Infrared, Maximum, MaximumPlusMinimum, Visible
from uaabench.core import imaging
from uaabench.core.arrays import ByteImage
from uaabench.core.interface import FusionMethod
from uaabench.core.registry import method_card, method_class
from uaabench.metrics.profiles.cddfuse import CDDFUSE

RULES = {
    "visible": Visible,
    "infrared": Infrared,
    "average": Average,
    "maximum": Maximum,
    "maximum_plus_minimum": MaximumPlusMinimum,
}


def fused(method: FusionMethod, ir: ByteImage, vi: ByteImage) -> ByteImage:
    return imaging.quantise(method.fuse(imaging.to_tensor(ir), imaging.to_tensor(vi)))[0]


def levels(*values: int) -> ByteImage:
    return np.array([values], np.uint8)


def grey_rgb(*values: int) -> ByteImage:
    return np.repeat(levels(*values)[..., None], 3, axis=2)


@pytest.mark.parametrize("name", RULES)
def test_the_card_leads_to_the_class(name: str) -> None:
    assert method_class(name) is RULES[name]
    assert method_card(name).kind == "trivial"


def test_visible_is_the_file_itself() -> None:
    vi = np.random.default_rng(0).integers(256, size=(16, 16, 3), dtype=np.uint8)
    assert np.array_equal(fused(Visible(), vi[..., 0], vi), vi)


def test_infrared_is_the_file_itself() -> None:
    every_level = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(fused(Infrared(), every_level, np.zeros((16, 16, 3), np.uint8)), every_level)


def test_average_rounds_half_to_even_for_every_pair_of_levels() -> None:
    first, second = (plane.astype(np.uint8) for plane in np.mgrid[:256, :256])
    expected = np.round((first.astype(float) + second) / 2)  # NumPy rounds half to even
    assert np.array_equal(fused(Average(), first, np.dstack([second] * 3)), expected)
    assert fused(Average(), levels(0, 1, 2, 3), grey_rgb(1, 2, 3, 4)).tolist() == [[0, 2, 2, 4]]


def test_maximum_takes_the_larger_level() -> None:
    assert fused(Maximum(), levels(0, 200, 7), grey_rgb(255, 100, 7)).tolist() == [[255, 200, 7]]


def test_a_quarter_of_the_minimum_beyond_26_is_added_half_to_even() -> None:
    # 100 + (26 - 26)/4 = 100; 100 + (30 - 26)/4 = 101; 100 + (28 - 26)/4 = 100.5 -> 100; 101 + 0.5 -> 102;
    # 10 + (0 - 26)/4 = 3.5 -> 4; 100 + (100 - 26)/4 = 118.5 -> 118
    ir, vi = levels(100, 30, 28, 101, 0, 100), grey_rgb(26, 100, 100, 28, 10, 100)
    assert fused(MaximumPlusMinimum(), ir, vi).tolist() == [[100, 101, 100, 102, 4, 118]]


def test_what_leaves_the_grey_levels_is_clipped() -> None:
    # 2 + (2 - 26)/4 = -4; 250 + (240 - 26)/4 = 303.5
    assert fused(MaximumPlusMinimum(), levels(2, 250), grey_rgb(2, 240)).tolist() == [[0, 255]]


def test_colour_counts_by_its_rounded_luminance() -> None:
    vi = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)
    luminance, rest = np.divmod(vi.astype(int) @ [299, 587, 114], 1000)
    # One colour in a thousand lies on a half, where the last bit of a float32 sum decides: its processor's, not ours.
    grey, decided = luminance + (rest > 500), rest != 500
    ir = np.zeros((64, 64), np.uint8)
    assert np.array_equal(fused(Maximum(), ir, vi)[decided], grey[decided])
    assert np.array_equal(fused(Average(), ir, vi)[decided], np.round(grey / 2)[decided])


# EN, SD and SF (profile cddfuse) over 140 MSRS test pairs, computed by the original evaluator.
EXPECTED = {
    "infrared": (5.3036, 16.4634, 4.8924),
    "visible": (6.5034, 43.0037, 10.9267),
    "average": (5.7582, 23.5752, 6.1318),
    "maximum": (6.6303, 42.3565, 11.2467),
}


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_the_floor_has_the_published_figures(shared: Path, name: str) -> None:
    folder = shared / "data" / "MSRS" / "test"
    values = []
    for path in sorted((folder / "ir").glob("*.png")):
        ir, vi = imaging.read_grey(path), imaging.read_rgb(folder / "vi" / path.name)
        image = fused(RULES[name](), ir, vi)
        grey = imaging.grey(image) if image.ndim == 3 else image.astype(np.float64)
        values.append([CDDFUSE.metrics[metric](grey, grey, grey) for metric in ("EN", "SD", "SF")])
    assert len(values) == 140
    assert np.mean(values, axis=0).round(4).tolist() == list(EXPECTED[name])


def test_inputs_stay_as_they_are() -> None:
    ir, vi = torch.rand(1, 1, 4, 4), torch.rand(1, 3, 4, 4)
    for rule in RULES.values():
        assert rule().fuse(ir, vi).data_ptr() not in {ir.data_ptr(), vi.data_ptr()}
