import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uaabench.metrics.sd import standard_deviation


def test_sd_of_half_black_half_white_is_its_upper_limit() -> None:
    assert standard_deviation(np.array([[0.0, 255.0]])) == 127.5


def test_sd_divides_by_the_number_of_pixels() -> None:
    # deviations -3 -1 1 3 from the mean: sum of squares 20, over 4 and not over 3
    assert standard_deviation(np.array([[0.0, 2.0], [4.0, 6.0]])) == pytest.approx(5**0.5)


@given(st.integers(0, 255))
def test_sd_of_a_constant_image_is_zero(level: int) -> None:
    assert standard_deviation(np.full((3, 5), float(level))) == 0
