import numpy as np
import pytest

from uaabench.metrics.sf import SF, spatial_frequency


def test_sf_of_a_ramp_is_one() -> None:
    assert spatial_frequency(np.tile(np.arange(256.0), (8, 1))) == 1


def test_sf_of_a_checkerboard_is_its_upper_limit() -> None:
    board = 255.0 * (np.indices((6, 8)).sum(axis=0) % 2)
    assert spatial_frequency(board) == pytest.approx(255 * 2**0.5)
    assert spatial_frequency(board) == pytest.approx(SF.range[1])


def test_sf_divides_by_the_number_of_differences() -> None:
    # along rows: one difference of 3 and two of 0, mean square 9/3; along columns 3, 3, and two of 0: 18/4
    image = np.array([[0.0, 3.0], [0.0, 0.0], [0.0, 3.0]])
    assert spatial_frequency(image) == pytest.approx(((9 + 0 + 9) / 3 + (0 + 0 + 9 + 9) / 4) ** 0.5)
