import math
from pathlib import Path

import numpy as np
import piq
import pytest
import torch
from torch import nn

from uaabench.interface import DatasetCard, FusionDataset, Pair, Sources
from uaabench.training import losses, tardal
from uaabench.training.tardal import Critic, Progress, Recipe


class Noise(FusionDataset):
    """Random pairs."""

    card = DatasetCard(name="noise", title="", version=1, summary="", splits={}, default_split="all")

    @classmethod
    def locate(cls, data_root: Path) -> Path | None:
        return None

    def pairs(self, split: str) -> list[Pair]:
        return [Pair(name, Path(name), Path(name)) for name in ("a", "b")]

    def read(self, pair: Pair) -> Sources:
        random = np.random.default_rng(ord(pair.id))
        return Sources(*(random.integers(256, size=size, dtype=np.uint8) for size in ((24, 24), (24, 24, 3))))


def test_saliency_is_the_mean_distance_to_all_pixels() -> None:
    image = torch.tensor([0.0, 0.0, 0.0, 1.0]).reshape(1, 1, 2, 2)
    # A black pixel differs by 1 from one pixel of four, the white one from three.
    assert tardal.saliency(image).flatten().tolist() == pytest.approx([0.25, 0.25, 0.25, 0.75])


def test_the_more_salient_source_gets_the_weight() -> None:
    hot, flat = torch.zeros(1, 1, 40, 40), torch.full((1, 1, 40, 40), 0.5)
    hot[..., 10:30, 10:30] = 1
    assert tardal.infrared_weight(hot, flat, 10)[0, 0, 20, 20] > 0.99
    assert tardal.infrared_weight(flat, hot, 10)[0, 0, 20, 20] < 0.01
    assert torch.allclose(tardal.infrared_weight(flat, flat, 10), torch.tensor(0.5))


def test_ssim_equals_that_of_piq_inside_the_image() -> None:
    torch.manual_seed(0)
    first, second = torch.rand(2, 1, 40, 50), torch.rand(2, 1, 40, 50)
    expected = piq.ssim(first, second, kernel_size=11, kernel_sigma=1.5, data_range=1.0, downsample=False)
    ours = tardal.ssim_map(first, second)[..., 5:-5, 5:-5].mean()
    assert ours.item() == pytest.approx(float(expected), abs=1e-5)


def test_sobel_of_a_ramp_is_eight_times_its_slope() -> None:
    ramp = torch.arange(8.0).repeat(6, 1)[None, None]
    # (1 + 2 + 1) times the difference over two pixels.
    assert torch.equal(losses.sobel(ramp)[0, 0, 1:-1, 1:-1], torch.full((4, 6), 8.0))
    assert not losses.sobel(ramp)[0, 1].any()


def test_the_loss_is_zero_for_equal_images_and_grows_towards_the_weaker_source() -> None:
    hot, flat = torch.zeros(1, 1, 40, 40), torch.full((1, 1, 40, 40), 0.5)
    hot[..., 10:30, 10:30] = 1
    recipe = Recipe()
    assert tardal.source_loss(flat, flat, flat, recipe).item() == pytest.approx(0, abs=1e-5)
    assert tardal.source_loss(hot, hot, flat, recipe) < tardal.source_loss((hot + flat) / 2, hot, flat, recipe)
    assert tardal.gradient_loss(hot, hot, flat).item() == 0
    assert tardal.gradient_loss(flat, hot, flat).item() > 0


def test_the_target_mask_covers_what_is_hot() -> None:
    ir = torch.full((1, 1, 64, 64), 0.2)
    ir[..., 20:40, 20:40] = 0.9
    mask = tardal.target_mask(ir)
    assert mask[0, 0, 30, 30] > 0.99
    assert mask[0, 0, 5, 5] < 0.01


def test_the_penalty_of_a_linear_critic_is_two_times_its_slope_to_the_sixth() -> None:
    critic = Critic(8)
    critic.score = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    with torch.no_grad():
        critic.score[1].weight.fill_(0.125)  # 64 equal slopes: norm 0.125 * 8 = 1
    loss = tardal.critic_divergence(critic, torch.ones(2, 1, 8, 8), torch.zeros(2, 1, 8, 8))
    # Score of fake minus real: -64 * 0.125 = -8; penalty 2 * 1^6 = 2.
    assert loss.item() == pytest.approx(-6, abs=1e-4)


def test_training_lowers_the_loss_and_repeats_itself() -> None:
    torch.set_num_threads(1)
    dataset = Noise(Path())
    items = [(dataset, pair) for pair in dataset.pairs("all")]
    recipe = Recipe(steps=6, batch=2, crop=16, adversarial=0.0)
    runs: list[list[Progress]] = [[], []]
    generators = [
        tardal.train(items, recipe, torch.device("cpu"), lambda progress, _, run=run: run.append(progress))
        for run in runs
    ]
    assert [progress.step for progress in runs[0]] == [1, 2, 3, 4, 5, 6]
    assert runs[0][-1].loss < runs[0][0].loss
    assert runs[0] == runs[1]
    assert not generators[0].training
    assert all(math.isfinite(value) for value in generators[0].state_dict()["encoder.1.running_var"].tolist())


def test_the_last_phase_keeps_the_statistics_it_estimated() -> None:
    dataset = Noise(Path())
    items = [(dataset, pair) for pair in dataset.pairs("all")]
    seen = []
    tardal.train(
        items,
        Recipe(steps=4, batch=2, crop=16, frozen=0.5),
        torch.device("cpu"),
        lambda _, generator: seen.append(generator.state_dict()["encoder.1.running_mean"].clone()),
    )
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[1], seen[2])
    assert torch.equal(seen[2], seen[3])
