import piq
import pytest
import torch

from uaabench.training import losses


def test_saliency_is_the_mean_distance_to_all_pixels() -> None:
    image = torch.tensor([0.0, 0.0, 0.0, 1.0]).reshape(1, 1, 2, 2)
    # A black pixel differs by 1 from one pixel of four, the white one from three.
    assert losses.saliency(image).flatten().tolist() == pytest.approx([0.25, 0.25, 0.25, 0.75])


@pytest.mark.parametrize("window", [3, 11])
def test_ssim_equals_that_of_piq_inside_the_image(window: int) -> None:
    torch.manual_seed(0)
    first, second = torch.rand(2, 1, 40, 50), torch.rand(2, 1, 40, 50)
    expected = piq.ssim(first, second, kernel_size=window, kernel_sigma=1.5, data_range=1.0, downsample=False)
    half = window // 2
    ours = losses.ssim_map(first, second, window)[..., half:-half, half:-half].mean()
    assert ours.item() == pytest.approx(float(expected), abs=1e-5)


def test_multi_scale_ssim_of_constant_images_is_the_luminance_term_of_the_coarsest_scale() -> None:
    first, second = torch.full((1, 1, 96, 96), 0.2), torch.full((1, 1, 96, 96), 0.6)
    assert losses.ms_ssim(first, first).item() == pytest.approx(1, abs=1e-4)
    # Structures of constants agree, (1 + 1) / 2 = 1; (2 * 0.12 + 0.0001) / (0.04 + 0.36 + 0.0001) = 0.60010.
    assert losses.ms_ssim(first, second).item() == pytest.approx(((0.60010 + 1) / 2) ** 0.1333, abs=1e-3)


def test_multi_scale_ssim_falls_with_noise_and_has_a_gradient_where_similarities_are_negative() -> None:
    torch.manual_seed(0)
    image = torch.rand(1, 1, 96, 96)
    noisy = [(image + sigma * torch.randn_like(image)).clamp(0, 1) for sigma in (0.05, 0.3)]
    values = [losses.ms_ssim(image, other).item() for other in noisy]
    assert 1 > values[0] > values[1] > 0
    inverse = (1 - image).requires_grad_()
    losses.ms_ssim(inverse, image).backward()
    assert inverse.grad is not None
    assert inverse.grad.abs().max() > 0


def test_sobel_of_a_ramp_is_eight_times_its_slope() -> None:
    ramp = torch.arange(8.0).repeat(6, 1)[None, None]
    # (1 + 2 + 1) times the difference over two pixels.
    torch.testing.assert_close(losses.sobel(ramp)[0, 0, 1:-1, 1:-1], torch.full((4, 6), 8.0))
    torch.testing.assert_close(losses.sobel(ramp)[0, 1], torch.zeros(6, 8))


def test_the_stronger_edges_are_those_of_the_steeper_ramp() -> None:
    steep, flat = torch.arange(8.0).repeat(8, 1)[None, None], torch.zeros(1, 1, 8, 8)
    assert losses.stronger_edges(steep, steep, flat).item() == 0
    assert losses.stronger_edges(steep, flat, steep).item() == 0
    # Inside 8, at both borders 4 (one neighbour is replicated): (6 * 8 + 2 * 4) / 8.
    assert losses.stronger_edges(flat, steep, flat).item() == pytest.approx(7, rel=1e-5)
