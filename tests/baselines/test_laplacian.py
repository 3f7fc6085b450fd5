import pytest
import torch

from uaabench.baselines.laplacian import LEVELS, Laplacian, decompose, rebuild
from uaabench.core.registry import method_class


def test_the_card_leads_to_the_class() -> None:
    assert method_class("laplacian") is Laplacian


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (17, 32), (61, 83)])
def test_a_pyramid_rebuilds_its_image(size: tuple[int, int]) -> None:
    image = torch.rand(2, 1, *size)
    assert torch.allclose(rebuild(decompose(image, LEVELS)), image, atol=1e-6)


def test_levels_halve_in_size_rounding_up() -> None:
    assert [tuple(level.shape[2:]) for level in decompose(torch.rand(1, 1, 61, 83), 3)] == [
        (61, 83),
        (31, 42),
        (16, 21),
        (8, 11),
    ]


def test_a_flat_image_has_no_detail() -> None:
    *details, base = decompose(torch.full((1, 1, 21, 30), 0.3), LEVELS)
    assert max(float(detail.abs().max()) for detail in details) < 1e-6
    assert torch.allclose(base, torch.full_like(base, 0.3))


def test_the_coarse_level_is_the_binomial_mean() -> None:
    image = torch.zeros(1, 1, 9, 9)
    image[..., 4, 4] = 1
    # Pixel (4, 4) is kept, with the centre weight (6/16)^2; its neighbours see it at distance 2, with 1/16 * 6/16.
    coarse = decompose(image, 1)[1]
    assert coarse[0, 0, 2, 2].item() == pytest.approx(36 / 256)
    assert coarse[0, 0, 1, 2].item() == pytest.approx(6 / 256)


def test_equal_sources_stay_as_they_are() -> None:
    image = torch.rand(1, 1, 30, 41)
    assert torch.allclose(Laplacian().fuse_luminance(image, image), image, atol=1e-6)


def test_detail_of_either_source_survives_and_flat_parts_average() -> None:
    ir, y = torch.full((1, 1, 256, 512), 0.2), torch.full((1, 1, 256, 512), 0.6)
    ir[..., 128, 128] = 0.5
    y[..., 128, 384] = 0.3
    fused = Laplacian().fuse_luminance(ir, y)
    assert fused[0, 0, 128, 256].item() == pytest.approx(0.4, abs=1e-3)
    assert fused[0, 0, 128, 128].item() == pytest.approx(0.4 + 0.3, abs=0.01)
    assert fused[0, 0, 128, 384].item() == pytest.approx(0.4 - 0.3, abs=0.01)
