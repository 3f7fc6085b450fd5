"""Terms of the losses against arithmetic on constant images, where gradients and structures vanish."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from uaabench.baselines.objectives import ifcnn, mmdrfuse, ship, ydtr
from uaabench.baselines.objectives.stronger import stronger
from uaabench.baselines.seafusion import GradientBlock
from uaabench.training.crops import Batch
from uaabench.training.objective import objective_of

IR, VI, FUSED = 0.2, 0.6, 0.5
# 0.6 - 0.5 is right to 3e-7 in float32, and so is each of its sums over an image.
ROUNDED = 1e-5
C1 = 0.01**2


def similarity(a, b):
    """SSIM of two constant images."""
    return (2 * a * b + C1) / (a * a + b * b + C1)


class Constant(nn.Module):
    """A network that answers with one grey level, and reconstructs with it too."""

    def __init__(self, level):
        super().__init__()
        self.level = nn.Parameter(torch.tensor(level))

    def forward(self, first, _second):
        return self.level.expand_as(first[:, :1])

    def encode(self, image):
        return image

    def decode(self, image):
        return self.level.expand_as(image)


@pytest.fixture
def batch():
    shape = (2, 1, 96, 96)
    labels = torch.zeros(2, 96, 96, dtype=torch.long)
    return Batch(torch.full(shape, IR), torch.full((2, 3, 96, 96), VI), labels, torch.tensor([True, False]))


def terms(name, batch, level=FUSED):
    objective = objective_of(name)()
    objective.network = Constant(level)
    return {key: value.item() for key, value in objective.terms(batch).items()}


def test_densefuse_and_res2fusion_reconstruct_grey_levels(batch):
    # Of 0.2 and 0.6 by 128 levels: the mean of (128 - 51)^2 and (128 - 153)^2.
    expected = ((128 - 51) ** 2 + (128 - 153) ** 2) / 2
    for name, weight in (("densefuse", 100), ("res2fusion", 1000)):
        found = terms(name, batch, 128.0)
        assert found["intensity"] == pytest.approx(expected, rel=1e-4)
        means = (similarity(IR, 128 / 255) + similarity(VI, 128 / 255)) / 2
        assert found["structure"] == pytest.approx(weight * (1 - ((means + 1) / 2) ** 0.1333), rel=2e-2)


def test_seafusion_asks_for_the_maximum(batch):
    found = terms("seafusion", batch)
    assert found["intensity"] == pytest.approx(VI - FUSED, rel=ROUNDED)
    assert found["gradient"] == pytest.approx(0, abs=1e-5)


def test_datfuse_is_between_the_squared_errors_and_the_structure_of_the_maximum(batch):
    found = terms("datfuse", batch)
    assert found["infrared"] == pytest.approx((FUSED - IR) ** 2, rel=ROUNDED)
    assert found["visible"] == pytest.approx((FUSED - VI) ** 2, rel=ROUNDED)
    assert found["structure"] == pytest.approx(10 * (1 - similarity(FUSED, VI)), rel=3e-2)
    assert found["gradient"] == pytest.approx(0, abs=1e-3)


def test_datfuse_compares_mean_signed_slopes():
    ramp = torch.linspace(0, 1, 96).repeat(96, 1)[None, None]
    batch = Batch(ramp, torch.full((1, 3, 96, 96), VI), torch.zeros(1, 96, 96).long(), torch.tensor([False]))
    # Columns i - 1 and i + 1 differ by 2/95, at the borders by 1/95: mean 4 * (94 * 2 + 2) / 95 / 96.
    assert terms("datfuse", batch)["gradient"] == pytest.approx(100 * 4 * 190 / 95 / 96, rel=1e-4)


def test_ydtr_weighs_infrared_twenty_times_as_much(batch):
    found = terms("ydtr", batch)
    assert found["structure of infrared"] == pytest.approx(1 - similarity(FUSED, IR), rel=3e-2)
    assert found["structure of visible"] == pytest.approx(0.05 * (1 - similarity(FUSED, VI)), rel=3e-2)


def test_a_pixel_raises_the_spatial_frequency_of_eleven_pixels_around():
    image = torch.zeros(1, 1, 32, 32)
    image[..., 16, 16] = 1
    found = ydtr.frequency(image)[0, 0]
    # It differs from its left and upper neighbour, and so do its right and lower ones from it: 1 + 1 + 1 + 1.
    assert found[16, 16].item() == pytest.approx(4, rel=ROUNDED)
    # Five to the right of it and its right neighbour, seven from the pixel and six from the neighbour.
    assert found[16, 22].item() == pytest.approx(1, rel=ROUNDED)
    assert found[16, 23].item() == pytest.approx(0, abs=1e-6)


def test_reconet_counts_both_sources_alike(batch):
    found = terms("reconet", batch)
    assert found["intensity"] == pytest.approx(20 * ((FUSED - IR) + (VI - FUSED)), rel=ROUNDED)
    assert found["structure"] == pytest.approx((2 - similarity(FUSED, IR) - similarity(FUSED, VI)) / 2, rel=3e-2)


def test_mmdrfuse_asks_for_the_maximum_and_its_edges(batch):
    assert terms("mmdrfuse", batch) == pytest.approx({"intensity": VI - FUSED, "edges": 0}, abs=1e-5)
    pixel = torch.zeros(1, 1, 5, 5)
    pixel[..., 2, 2] = 1
    expected = functional.pad(torch.tensor([[1.0, 1, 1], [1, -8, 1], [1, 1, 1]]), (1, 1, 1, 1))
    torch.testing.assert_close(mmdrfuse.laplacian(pixel)[0, 0], expected)


def test_the_stronger_source_is_the_brighter_pixel_and_the_steeper_slope_with_its_sign():
    # Slopes of 0.02 right and of 0.03 left a pixel; Sobel gives eight times as much away from the border, down nothing.
    ramp = torch.arange(16.0).expand(1, 1, 16, 16)
    ir, y, fused = 0.02 * ramp, 0.6 - 0.03 * ramp, torch.full((1, 1, 16, 16), FUSED)
    found = stronger(fused, ir, y)
    assert found["intensity"].item() == pytest.approx((fused - torch.maximum(ir, y)).abs().mean().item())
    # The outer columns, whose neighbour is repeated, have half of the slope: 15 of 16 columns count.
    assert found["slopes"].item() == pytest.approx(10 * 8 * 0.03 * 15 / 16 / 2, rel=1e-4)
    assert stronger(y, ir, y)["slopes"].item() == pytest.approx(0, abs=1e-5)
    inverted = stronger(1 - y, ir, y)
    assert inverted["slopes"].item() == pytest.approx(2 * found["slopes"].item(), rel=1e-4)


def test_the_patterns_of_cunet_start_as_a_dictionary_of_which_all_give_back_a_smooth_image():
    objective = objective_of("cunet")()
    image = torch.linspace(0.2, 0.8, 48).expand(1, 1, 48, 48)
    with torch.no_grad():
        back = objective.network.conv_u(objective.network.net_u.layer_in(image))
        fused = objective.network(image, 1 - image)
    inside = (..., slice(8, -8), slice(8, -8))
    torch.testing.assert_close(back[inside], image[inside], atol=5e-3, rtol=0)
    # Half of each source; codes below the thresholds are lost.
    torch.testing.assert_close(fused[inside], torch.full_like(image, 0.5)[inside], atol=0.05, rtol=0)


def test_ship_masks_each_source_where_it_is_not_more_salient(batch):
    # Equal saliency: nothing is visible's, so |0 - F| and |I - F|.
    found = terms("ship", batch)
    assert found["masked"] == pytest.approx(3 * (FUSED + FUSED - IR), rel=ROUNDED)
    assert found["brighter"] == pytest.approx(10 * (VI - FUSED), rel=ROUNDED)


def test_ship_starts_from_rotations():
    torch.manual_seed(0)
    mixes = [module for module in objective_of("ship")().network.modules() if isinstance(module, ship.InvertibleMix)]
    assert mixes
    for mix in mixes:
        n = len(mix.p)
        matrix = mix(torch.eye(n)[..., None, None])[..., 0, 0].T
        assert torch.allclose(matrix @ matrix.T, torch.eye(n), atol=1e-4)
        assert not torch.allclose(matrix, torch.eye(n), atol=0.1)


def test_tardal_weighs_the_sources_by_saliency(batch):
    found = terms("tardal", batch)
    # Both constant, both half: 20 (0.5 * 0.3 + 0.5 * 0.1).
    assert found["intensity"] == pytest.approx(20 * (0.5 * (FUSED - IR) + 0.5 * (VI - FUSED)), rel=ROUNDED)
    expected = (0.5 * (1 - similarity(FUSED, IR)) + 0.5 * (1 - similarity(FUSED, VI))) / 2
    assert found["structure"] == pytest.approx(expected, rel=3e-2)


def test_didfuse_separates_what_the_sources_share_from_what_they_do_not(batch):
    objective = objective_of("didfuse")()
    level = objective.network = Constant(FUSED)
    level.encode = lambda image: (image, image, image, 2 * image)
    level.decode = lambda first, *_: level.level.expand_as(first)
    found = {key: value.item() for key, value in objective.terms(batch).items()}
    assert found["intensity"] == pytest.approx(2 * ((FUSED - IR) ** 2 + (FUSED - VI) ** 2), rel=ROUNDED)
    assert found["base"] == pytest.approx(float(torch.tensor(VI - IR).tanh()), rel=1e-4)
    assert found["detail"] == pytest.approx(-0.5 * float(torch.tensor(2 * (VI - IR)).tanh()), rel=1e-4)
    expected = 2 * 5 * (2 - similarity(FUSED, IR) - similarity(FUSED, VI)) / 2
    assert found["structure"] == pytest.approx(expected, rel=3e-2)
    assert found["gradient"] == pytest.approx(0, abs=1e-5)


def test_auif_reconstructs_each_image(batch):
    objective = objective_of("auif")()
    level = objective.network = Constant(FUSED)
    level.decompose = lambda image: (image, image)
    level.decode = lambda base, _: level.level.expand_as(base)
    found = {key: value.item() for key, value in objective.terms(batch).items()}
    assert found["intensity"] == pytest.approx(((FUSED - IR) ** 2 + (FUSED - VI) ** 2) / 2, rel=ROUNDED)
    expected = 5 * (1 - (similarity(FUSED, IR) + similarity(FUSED, VI)) / 2) / 2
    assert found["structure"] == pytest.approx(expected, rel=3e-2)


def test_focused_images_are_sharp_in_turns():
    torch.manual_seed(0)
    sharp = torch.rand(2, 3, 64, 64)
    first, second = ifcnn.focused(sharp)
    kept_first, kept_second = (first == sharp).all(1), (second == sharp).all(1)
    assert torch.equal(kept_first, ~kept_second)
    assert 0.1 < kept_first.float().mean() < 0.9


def test_ifcnn_is_measured_against_the_sharp_image(batch):
    objective = objective_of("ifcnn")()
    objective.network = torch.nn.Module()
    objective.network.forward = torch.maximum
    # A constant image stays what it is when it is blurred.
    assert objective.terms(batch)["intensity"].item() == pytest.approx(0, abs=1e-6)


def test_the_gradient_kernels_of_seafusion_start_as_those_of_sobel():
    blocks = [module for module in objective_of("seafusion")().network.modules() if isinstance(module, GradientBlock)]
    horizontal = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
    for block in blocks:
        assert all(torch.equal(kernel[0], horizontal) for kernel in block.sobelconv["convx"].weight)
        assert all(torch.equal(kernel[0], horizontal.T) for kernel in block.sobelconv["convy"].weight)
