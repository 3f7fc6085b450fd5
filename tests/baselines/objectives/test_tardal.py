import pytest
import torch
from torch import nn

from uaabench.baselines.objectives import tardal


def test_the_more_salient_source_gets_the_weight() -> None:
    hot, flat = torch.zeros(1, 1, 40, 40), torch.full((1, 1, 40, 40), 0.5)
    hot[..., 10:30, 10:30] = 1
    # A quarter is hot: it differs by 1 from three quarters of the image, the rest by 1 from a quarter.
    assert tardal.infrared_weight(hot, flat)[0, 0, 20, 20].item() == pytest.approx(0.5 + 0.5 * 0.75)
    assert tardal.infrared_weight(flat, hot)[0, 0, 0, 0].item() == pytest.approx(0.5 - 0.5 * 0.25)
    assert torch.allclose(tardal.infrared_weight(flat, flat), torch.tensor(0.5))


def test_the_target_mask_covers_what_is_hot() -> None:
    ir = torch.full((1, 1, 64, 64), 0.2)
    ir[..., 20:40, 20:40] = 0.9
    mask = tardal.target_mask(ir)
    assert mask[0, 0, 30, 30] > 0.99
    assert mask[0, 0, 5, 5] < 0.01


def test_the_penalty_of_a_linear_critic_is_two_times_its_slope_to_the_sixth() -> None:
    linear = nn.Linear(64, 1)
    with torch.no_grad():
        linear.weight.fill_(0.125)  # 64 equal slopes: norm 0.125 * 8 = 1
    critic = nn.Sequential(nn.Flatten(), linear)
    loss = tardal.critic_divergence(critic, torch.ones(2, 1, 8, 8), torch.zeros(2, 1, 8, 8))
    # Score of fake minus real: -64 * 0.125 = -8; penalty 2 * 1^6 = 2.
    assert loss.item() == pytest.approx(-6, abs=1e-4)
