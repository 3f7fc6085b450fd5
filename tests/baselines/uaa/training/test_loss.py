import pytest
import torch

from uaabench.baselines.uaa.attribution import SourceWeights
from uaabench.baselines.uaa.training import loss as fusion_loss
from uaabench.baselines.uaa.training.recipe import LossWeights
from uaabench.baselines.uaa.training.segmenter import segmenter_loss
from uaabench.training.losses import edges


def constant(*values):
    return [torch.full((1, 1, 3, 3), value) for value in values]


def test_attribution_loss_is_the_two_weighted_mean_squares():
    ir, y, f = constant(1.0, 0.0, 0.5)
    weights = SourceWeights(torch.full_like(ir, 0.2), torch.full_like(ir, 0.8), torch.zeros(2, 1, 1))
    # (0.2 * 0.5)^2 + (0.8 * 0.5)^2 = 0.01 + 0.16
    assert fusion_loss.attribution(f, ir, y, weights).item() == pytest.approx(0.17, rel=1e-5)


def test_intensity_is_the_brighter_source_plus_a_share_of_what_the_darker_has_beyond_a_level():
    ir, y = constant(0.6, 0.3)
    # 0.6 + 0.25 (0.3 - 0.1) = 0.65
    loss = LossWeights(darker=0.25, level=0.1)
    assert fusion_loss.intensity(ir, y, loss).mean().item() == pytest.approx(0.65, rel=1e-5)
    assert fusion_loss.intensity(y, ir, loss).mean().item() == pytest.approx(0.65, rel=1e-5)
    assert torch.equal(fusion_loss.intensity(ir, y, LossWeights()), ir)


def test_signed_edges_tell_a_step_up_from_a_step_down():
    ramp = torch.linspace(0, 1, 6).expand(1, 1, 6, 6)
    flat = torch.zeros_like(ramp)
    assert fusion_loss.signed_edges(ramp, ramp, flat).item() == 0
    # The magnitude of the gradient is the same for the ramp turned round.
    torch.testing.assert_close(edges(ramp.flip(3)).mean(), edges(ramp).mean(), rtol=1e-5, atol=0)
    assert fusion_loss.signed_edges(ramp.flip(3), ramp, flat).item() > 0.5


def test_only_the_terms_of_the_recipe_are_computed():
    ir, y, f = constant(1.0, 0.0, 0.5)
    weights = SourceWeights(ir, y, torch.zeros(2, 1, 1))
    found = fusion_loss.terms(f, ir, y, weights, LossWeights(gradient=0, intensity=1))
    assert set(found) == {"attribution", "intensity"}


def test_edges_of_a_ramp_are_eight_times_its_slope():
    ramp = torch.arange(6.0).expand(1, 1, 6, 6)
    assert edges(ramp)[0, 0, 2, 2].item() == pytest.approx(8, rel=1e-5)
    assert edges(ramp.transpose(2, 3))[0, 0, 2, 2].item() == pytest.approx(8, rel=1e-5)


def test_in_the_gradient_term_the_frame_of_a_patch_is_an_edge_as_in_the_release():
    ir, y, f = constant(0.5, 0.5, 0.25)
    height, width = f.shape[2:]
    found = fusion_loss.terms(f, ir, y, SourceWeights(ir, y, torch.zeros(2, 1, 1)), LossWeights())["gradient"]
    # Zeros around the image: |sobel_x| + |sobel_y| is 4 along a side and 3 + 3 in a corner, times the grey level.
    frame = 2 * (height - 2 + width - 2) * 4 + 4 * 6
    assert found.item() == pytest.approx(0.25 * frame / (height * width), rel=1e-5)


def test_perfect_scores_have_no_balanced_loss():
    label = torch.tensor([[[0, 1], [2, 0]]])
    scores = torch.nn.functional.one_hot(label, 3).permute(0, 3, 1, 2).float()
    assert segmenter_loss(scores, label, "balanced").item() < 1e-5
    assert segmenter_loss(1 - scores, label, "balanced").item() > 10


def test_the_papers_cross_entropy_leaves_class_0_out():
    label = torch.tensor([[[0, 1], [1, 0]]])
    scores = torch.rand(1, 3, 2, 2)
    other = scores.clone()
    other[:, :, 0, 0] = torch.rand(3)
    assert segmenter_loss(scores, label, "cross-entropy") == segmenter_loss(other, label, "cross-entropy")
    assert segmenter_loss(scores, torch.zeros_like(label), "cross-entropy").item() == 0
    # Scores 1 for the right class and 0 for two others: -log(e / (e + 2)) = 0.5514
    right = torch.nn.functional.one_hot(label, 3).permute(0, 3, 1, 2).float()
    assert segmenter_loss(right, label, "cross-entropy").item() == pytest.approx(0.5514, abs=1e-4)
