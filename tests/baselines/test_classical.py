"""Classical methods: the equations by arithmetic, and what must hold for every one of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from uaabench.baselines import adf, gtf, msvd, vsm_wls
from uaabench.baselines.classical import box_mean, guided_filter
from uaabench.core.registry import method_class
from uaabench.methods import conformance

NAMES = ["swt", "gff", "adf", "gtf", "tif", "msvd", "vsm_wls"]


def texture(seed: int = 0, shape: tuple[int, int] = (48, 64)) -> np.ndarray:
    return ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 1.0) * 0.8 + 0.1


def tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image)[None, None].float()


@pytest.mark.parametrize("name", NAMES)
def test_the_contract_of_methods_is_kept(name: str) -> None:
    findings = conformance.check(method_class(name)(), torch.device("cpu"))
    assert [f"{finding.name}: {finding.detail}" for finding in findings if not finding.passed] == []


@pytest.mark.parametrize("name", NAMES)
def test_an_image_with_itself_is_that_image(name: str) -> None:
    image = tensor(texture())
    fused = method_class(name)().fuse_luminance(image, image)
    # Saliency, weights and bases are the same for both; only the median and the diffusion round.
    assert (fused - image).abs().max() < 1e-5


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"gtf", "vsm_wls"}))
def test_the_order_of_the_sources_does_not_matter(name: str) -> None:
    first, second = tensor(texture(1)), tensor(texture(2))
    method = method_class(name)()
    assert (method.fuse_luminance(first, second) - method.fuse_luminance(second, first)).abs().max() < 1e-5


def test_box_means_leave_out_what_is_outside() -> None:
    image = np.arange(12.0).reshape(3, 4)
    assert box_mean(image, 1)[0, 0] == (0 + 1 + 4 + 5) / 4
    assert box_mean(image, 1)[1, 1] == image[:3, :3].mean()


def test_a_guided_filter_follows_the_definition_by_windows() -> None:
    guide, image = texture(3, (20, 24)), texture(4, (20, 24))
    radius, epsilon = 2, 0.01
    slopes, offsets = np.zeros((2, *guide.shape))
    for i in range(20):
        for j in range(24):
            window = np.s_[max(i - radius, 0) : i + radius + 1, max(j - radius, 0) : j + radius + 1]
            a, b = guide[window], image[window]
            slopes[i, j] = ((a * b).mean() - a.mean() * b.mean()) / (a.var() + epsilon)
            offsets[i, j] = b.mean() - slopes[i, j] * a.mean()
    expected = box_mean(slopes, radius) * guide + box_mean(offsets, radius)
    assert np.abs(guided_filter(guide, image, radius, epsilon) - expected).max() < 1e-10


def test_diffusion_smooths_texture_and_keeps_strong_edges() -> None:
    image = np.zeros((32, 32))
    image[:, 16:] = 200
    image += np.random.default_rng(0).normal(0, 5, image.shape)
    smooth = adf.diffuse(image)
    assert smooth[:, 2:12].std() < 0.5 * image[:, 2:12].std()
    assert abs(smooth[:, 15].mean() - smooth[:, 16].mean()) > 180
    assert smooth.mean() == pytest.approx(image.mean())


def test_a_singular_value_decomposition_can_be_undone() -> None:
    image = texture(5, (10, 14))
    basis, parts = msvd.decompose(image)
    assert np.abs(basis @ basis.T - np.eye(4)).max() < 1e-12
    assert np.abs(msvd.from_blocks(basis @ parts, image.shape) - image).max() < 1e-12
    energy = (parts**2).sum(axis=1)
    assert (np.diff(energy) <= 1e-12).all()
    assert np.abs(msvd.to_blocks(np.arange(16.0).reshape(4, 4))[:, 0] - [0, 1, 4, 5]).max() == 0


def test_total_variation_of_a_weak_bump_is_removed_and_a_strong_one_kept() -> None:
    # In one dimension a plateau of k pixels costs 2 * weight in variation and saves k in the data term.
    for width, kept in ((4, False), (20, True)):
        image = torch.zeros(1, 1, 1, 64)
        image[..., 20 : 20 + width] = 0.5
        found = gtf.smooth(image, 4.0)
        assert found.max().item() == pytest.approx(0.5 if kept else 0.0, abs=0.02)


def test_the_divergence_is_the_negative_adjoint_of_the_gradient() -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 1, 7, 9, generator=generator)
    field = torch.rand(1, 2, 7, 9, generator=generator)
    left = (gtf._gradient(image) * field).sum()
    assert left.item() == pytest.approx(-(image * gtf._divergence(field)).sum().item(), rel=1e-5)


def test_gradient_transfer_weighs_brightness_against_edges() -> None:
    # On 40x40 pixels an edge of height 0.1 costs 4 * 40 * 0.1 = 16 where it is missing. Keeping it puts one half of the
    # image 0.1 off infrared: 80 where the half has 800 pixels, 12 where it is a strip of 120.
    for width, kept in ((20, False), (3, True)):
        ir, y = torch.full((1, 1, 40, 40), 0.6), torch.full((1, 1, 40, 40), 0.3)
        y[..., 40 - width :] = 0.4
        fused = gtf.GTF().fuse_luminance(ir, y)
        edge = (fused[..., 40 - width] - fused[..., 39 - width]).mean().item()
        assert edge == pytest.approx(0.1 if kept else 0.0, abs=0.005)
        assert fused.median().item() == pytest.approx(0.6, abs=0.005)


def test_layers_add_up_to_the_image() -> None:
    image = texture(6)
    assert np.abs(sum(vsm_wls.decompose(image)) - image).max() < 1e-12


def test_saliency_is_the_distance_to_all_other_levels() -> None:
    image = np.array([[0.0, 0.0, 0.0, 1.0]])
    # A black pixel: 255 to one other; the white one: 3 * 255. Scaled to 0 and 1.
    assert vsm_wls.saliency(image).tolist() == [[0.0, 0.0, 0.0, 1.0]]
    assert (vsm_wls.saliency(np.full((3, 3), 0.5)) == 0).all()


def test_details_solve_their_least_squares_problem() -> None:
    visible, infrared = texture(7) - 0.5, texture(8) - 0.5
    found = vsm_wls.fuse_details(visible, infrared)
    share = vsm_wls.gaussian((np.abs(visible) < np.abs(infrared)).astype(float), 2.0, 6, 2)
    stronger = share * infrared + (1 - share) * visible
    weight = 1 / (np.abs(ndimage.uniform_filter(infrared, 7, mode="nearest")) + 1e-6)

    def cost(details: np.ndarray) -> float:
        return float(((details - stronger) ** 2 + 0.01 * weight * (details - visible) ** 2).sum())

    assert all(cost(found) < cost(found + step) for step in (1e-3, -1e-3))
    gradient = 2 * (found - stronger) + 2 * 0.01 * weight * (found - visible)
    assert np.abs(gradient).max() < 1e-9
