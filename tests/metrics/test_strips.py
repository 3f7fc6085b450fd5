import numpy as np
import pytest

from uaabench.core.arrays import FloatImage
from uaabench.metrics.strips import CACHED_PIXELS, elementwise, strips


def formula(first: FloatImage, second: FloatImage) -> FloatImage:
    return np.asarray(np.log1p(np.exp(first / 255) * second / (first + 1)))


@pytest.mark.parametrize("shape", [(1, 1), (3, 50_000), (700, 61), (1, 5), (400, 640)])
def test_a_formula_taken_strip_by_strip_has_the_same_bits(shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(0)
    first, second = generator.uniform(0, 255, shape), generator.uniform(0, 255, (shape[0], shape[1] + 4))[:, 2:-2]
    np.testing.assert_array_equal(elementwise(formula, first, second), formula(first, second), strict=True)


@pytest.mark.parametrize("shape", [(1, 1), (3, 50_000), (700, 61), (400, 640)])
def test_strips_are_all_rows_once_and_small(shape: tuple[int, int]) -> None:
    rows = [row for part in strips(shape, CACHED_PIXELS) for row in range(*part.indices(shape[0]))]
    assert rows == list(range(shape[0]))
    tallest = max(part.stop - part.start for part in strips(shape, CACHED_PIXELS))
    assert tallest == 1 or tallest * shape[1] <= CACHED_PIXELS
