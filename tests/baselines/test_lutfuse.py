"""The table of LUT-Fuse against SciPy's interpolation, and the slope that it is asked with."""

import numpy as np
import torch
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import sobel

from uaabench.baselines.lutfuse import interpolated, slope


def test_values_between_entries_are_interpolated_along_every_dimension() -> None:
    rng = np.random.default_rng(0)
    table, places = rng.random((5, 5, 5, 5)), rng.uniform(0, 4, (4, 6, 7))
    found = interpolated(torch.from_numpy(table), list(torch.from_numpy(places)))
    expected = RegularGridInterpolator((np.arange(5),) * 4, table)(np.moveaxis(places, 0, -1))
    assert np.allclose(found.numpy(), expected, atol=1e-12)


def test_the_last_entry_goes_on_to_the_end() -> None:
    table = torch.arange(4.0)
    assert interpolated(table, [torch.tensor([3.0, 3.5, 3.99, 2.5])]).tolist() == [3.0, 3.0, 3.0, 2.5]


def test_the_slope_is_sobels_magnitude_from_0_to_1() -> None:
    torch.manual_seed(0)
    image = torch.rand(2, 1, 9, 11, dtype=torch.float64)
    for one, found in zip(image[:, 0].numpy(), slope(image)[:, 0].numpy(), strict=True):
        expected = np.hypot(sobel(one, axis=0, mode="constant"), sobel(one, axis=1, mode="constant"))
        assert np.allclose(found, (expected - expected.min()) / np.ptp(expected), atol=1e-6)


def test_a_constant_image_has_no_slope() -> None:
    assert (slope(torch.full((1, 1, 9, 9), 0.0)) == 0).all()
