import numpy as np
import pytest

from uaabench.metrics.en import EN, entropy


@pytest.mark.parametrize("levels", [1, 2, 4, 256])
def test_en_of_equally_frequent_levels_is_the_logarithm_of_their_number(levels: int) -> None:
    image = np.tile(np.arange(levels, dtype=float), (3, 2))
    assert entropy(image) == pytest.approx(np.log2(levels), abs=1e-12)


def test_en_of_unequal_shares_follows_the_formula() -> None:
    # shares 3/4 and 1/4: 3/4 log2(4/3) + 1/4 log2 4
    image = np.array([[0.0, 0.0], [0.0, 255.0]])
    assert entropy(image) == pytest.approx(0.75 * np.log2(4 / 3) + 0.5, abs=1e-12)


def test_en_of_a_constant_image_is_plus_zero() -> None:
    assert str(entropy(np.full((4, 4), 200.0))) == "0.0"


def test_en_looks_at_the_fused_image_only() -> None:
    fused, other = np.arange(16.0).reshape(4, 4), np.zeros((4, 4))
    assert EN.compute(fused, other, other) == pytest.approx(4, abs=1e-12)
    assert not EN.uses_sources
