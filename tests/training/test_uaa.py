"""Training lowers the loss it states, and its parts are what their formulas say."""

from dataclasses import replace

import pytest
import torch

from uaabench import registry
from uaabench.baselines.uaa.attribution import SourceWeights
from uaabench.baselines.uaa.config import SMALL
from uaabench.training.losses import edges
from uaabench.training.segmenter import score_loss
from uaabench.training.uaa import Recipe, attribution_loss, train


def test_attribution_loss_is_the_two_weighted_mean_squares():
    ir, y, f = (torch.full((1, 1, 2, 2), value) for value in (1.0, 0.0, 0.5))
    weights = SourceWeights(torch.full_like(ir, 0.2), torch.full_like(ir, 0.8), torch.zeros(2, 1, 1))
    # (0.2 * 0.5)^2 + (0.8 * 0.5)^2 = 0.01 + 0.16
    assert attribution_loss(f, ir, y, weights).item() == pytest.approx(0.17)


def test_edges_of_a_ramp_are_eight_times_its_slope():
    ramp = torch.arange(6.0).expand(1, 1, 6, 6)
    assert edges(ramp)[0, 0, 2, 2].item() == 8
    assert edges(ramp.transpose(2, 3))[0, 0, 2, 2].item() == 8


def test_perfect_scores_have_no_segmentation_loss():
    label = torch.tensor([[[0, 1], [2, 0]]])
    scores = torch.nn.functional.one_hot(label, 3).permute(0, 3, 1, 2).float()
    assert score_loss(scores, label).item() < 1e-5
    assert score_loss(1 - scores, label).item() > 10


def test_a_few_steps_bring_the_fused_image_closer_and_are_repeatable(pair_folder):
    dataset = registry.dataset_class("folder")(pair_folder)
    items = [(dataset, pair) for pair in dataset.pairs(dataset.card.default_split)]
    config = replace(SMALL, stages=2, channels=4, steps=2)
    recipe = Recipe(
        config=config, segmenter_steps=1, segmenter_batch=2, segmenter_crop=32, steps=12, batch=2, crop=32,
        learning_rate=1e-2,
    )  # fmt: skip
    runs = []
    for _ in range(2):
        parts = []
        model = train(
            items, items, recipe, torch.device("cpu"), report=lambda progress, _, parts=parts: parts.append(progress)
        )
        runs.append((parts, model.state_dict()))
    first, second = runs
    assert first[0][-1].brightness < first[0][0].brightness
    assert all((first[1][key] == second[1][key]).all() for key in first[1])
