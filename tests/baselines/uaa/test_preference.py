"""Which source shows an object: every way of asking finds the one that does, and says nothing where both are alike."""

import itertools

import pytest
import torch
from captum.attr import IntegratedGradients
from torch import nn
from torch.nn import functional

from uaabench.baselines.uaa.preference import Question, contributions, decide, joint_regions, preference

PATHS = ("black", "blurred", "between", "difference")
TARGETS = ("score", "logit", "log-probability")
WAYS = list(itertools.product(PATHS, TARGETS))


class Bright(nn.Module):
    """Scores class 1 by how bright a pixel and its neighbours are, class 0 by how dark."""

    def forward(self, image):
        logit = 8 * (functional.avg_pool2d(image, 3, stride=1, padding=1) - 0.5)
        return torch.cat([torch.sigmoid(-logit), torch.sigmoid(logit)], 1)


@pytest.fixture
def scene():
    """Two bright spots on grey ground, the left one in infrared and the right one in the visible image only."""
    ir, vi = torch.full((2, 1, 1, 32, 48), 0.3, dtype=torch.float64)
    ir[..., 10:20, 8:18], vi[..., 10:20, 30:40] = 0.9, 0.9
    left, right = torch.zeros(2, 32, 48, dtype=torch.bool)
    left[10:20, 8:18], right[10:20, 30:40] = True, True
    return ir, vi, torch.stack([left, right])


@pytest.mark.parametrize(("path", "target"), WAYS)
def test_every_way_of_asking_finds_the_source_that_shows_an_object(scene, path, target):
    ir, vi, masks = scene
    question = Question(path, target, steps=4)
    found = decide(contributions(Bright(), masks, [1, 1], ir, vi, question), question)
    assert found[0] > 0.05
    assert found[1] < -0.05
    assert found.abs().max() <= 1


@pytest.mark.parametrize(("path", "target"), WAYS)
def test_exchanging_the_sources_changes_the_sign(scene, path, target):
    ir, vi, masks = scene
    question = Question(path, target, steps=3)
    there, back = (
        decide(contributions(Bright(), masks, [1, 1], *pair, question), question) for pair in ((ir, vi), (vi, ir))
    )
    # A right Riemann sum leaves the first point out, so that between the sources it matters which one that is.
    assert there == pytest.approx(-back, abs=1.0 if path == "between" else 1e-9)
    assert torch.equal(there.sign(), -back.sign())


@pytest.mark.parametrize("path", PATHS)
def test_equal_sources_are_not_preferred(scene, path):
    ir, _, masks = scene
    question = Question(path, "score", steps=2)
    assert decide(contributions(Bright(), masks, [1, 1], ir, ir, question), question).abs().max() < 1e-6


def test_the_path_from_black_is_that_of_captum(scene):
    ir, vi, masks = scene
    found = contributions(Bright(), masks[:1], [1], ir, vi, Question("black", "score", 5))

    def mean_score(image):
        return (Bright()(image)[:, 1] * masks[0]).sum((1, 2)) / masks[0].sum()

    by_captum = IntegratedGradients(mean_score).attribute(ir, n_steps=5, method="riemann_right")
    assert found[0, 0] == pytest.approx((by_captum[0, 0] * masks[0]).sum().item())


def test_between_the_sources_the_whole_difference_of_the_scores_is_attributed(scene):
    # Completeness of integrated gradients, on one region that is the whole image and with many steps.
    ir, vi, _ = scene
    ir[..., 20:, :] = 0.7
    everywhere = torch.ones(1, 32, 48, dtype=torch.bool)
    found = contributions(Bright(), everywhere, [1], ir, vi, Question("between", "score", 400))
    expected = (Bright()(ir) - Bright()(vi))[0, 1].mean()
    assert found[0, 0] - found[0, 1] == pytest.approx(expected.item(), rel=1e-2)


def test_each_image_of_a_batch_is_asked_for_itself_and_the_rest_prefers_none(scene):
    ir, vi, masks = scene
    labels = torch.stack([masks[0].long(), masks[1].long()])
    both = preference(Bright(), labels, ir.expand(2, -1, -1, -1), vi.expand(2, -1, -1, -1))
    assert both.shape == (2, 1, 32, 48)
    assert (both[0, 0][masks[0]] > 0).all()
    assert (both[1, 0][masks[1]] < 0).all()
    assert not both[0, 0][~masks[0]].any()
    assert torch.equal(both[:1], preference(Bright(), labels[:1], ir, vi))


def test_an_image_of_rest_alone_prefers_none(scene):
    ir, vi, masks = scene
    assert not preference(Bright(), torch.zeros_like(masks[:1], dtype=torch.long), ir, vi).any()


def test_an_object_counts_that_either_source_shows(scene):
    ir, vi, _ = scene
    found = joint_regions(Bright(), ir, vi)[0]
    assert found[12:18, 10:16].all()
    assert found[12:18, 32:38].all()
    assert not found[:, 20:28].any()


def test_an_object_is_where_one_image_gives_it_more_than_any_gives_the_rest():
    class Linear(nn.Module):
        def forward(self, image):
            return torch.cat([1 - image, image], 1)

    ir, vi = torch.tensor([[[[0.55, 0.45]]], [[[0.0, 0.0]]]])
    assert joint_regions(Linear(), ir[None], vi[None]).tolist() == [[[1, 0]]]


def test_asking_leaves_a_segmenter_as_it_was():
    segmenter = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Sigmoid()).train()
    image = torch.rand(1, 1, 16, 16)
    before = {key: value.clone() for key, value in segmenter.state_dict().items()}
    preference(segmenter, torch.ones(1, 16, 16, dtype=torch.long), image, 1 - image, Question("blurred", "logit", 2))
    assert segmenter.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in segmenter.parameters())
    assert all(torch.equal(before[key], value) for key, value in segmenter.state_dict().items())
