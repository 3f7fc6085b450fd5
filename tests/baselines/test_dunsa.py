"""DUN-SA as adapted finds how far the infrared image was moved, and moves images by that."""

import pytest
import torch

from uaabench.baselines.dunsa import Alignment, Unfolded, moved
from uaabench.baselines.objectives.dunsa import DUNSAObjective
from uaabench.core.registry import method_card, method_class
from uaabench.training.crops import Batch


def picture(height: int = 24, width: int = 36) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.rand(1, 1, height, width)


@pytest.mark.parametrize("move", [(0, 0), (2, -3), (-1, 5)])
def test_an_image_is_read_where_the_displacement_says(move) -> None:
    image = picture()
    found = moved(image, torch.tensor([move], dtype=torch.float32))
    rows = (torch.arange(24) + move[0]).clamp(0, 23)
    columns = (torch.arange(36) + move[1]).clamp(0, 35)
    torch.testing.assert_close(found, image[..., rows[:, None], columns], atol=1e-4, rtol=0)


def test_half_a_pixel_is_the_mean_of_two() -> None:
    image = picture()
    found = moved(image, torch.tensor([[0.0, 0.5]]))
    torch.testing.assert_close(found[..., :-1], (image[..., :-1] + image[..., 1:]) / 2, atol=1e-4, rtol=0)


@pytest.mark.parametrize("scale", [1, 2])
def test_alignment_with_equal_features_finds_the_move_of_one_image_against_itself(scale) -> None:
    align, image = Alignment(scale), picture(48, 64)
    align.of_y.load_state_dict(align.of_ir.state_dict())
    move = torch.tensor([[float(scale), -2.0 * scale]])
    with torch.no_grad():
        # An image that was moved is found by reading it that much farther.
        found = align(moved(image, -move), image)
    torch.testing.assert_close(found, move, atol=0.3 * scale, rtol=0)


def test_images_without_contrast_are_left_where_they_are() -> None:
    flat = torch.full((1, 1, 20, 30), 0.4)
    with torch.no_grad():
        found = Alignment(1)(flat, picture(20, 30))
    # All displacements are equally likely, and those around add up to none.
    torch.testing.assert_close(found, torch.zeros(1, 2), atol=1e-3, rtol=0)


def test_the_training_moves_infrared_and_asks_for_the_move() -> None:
    torch.manual_seed(0)
    objective, seen = DUNSAObjective(), []

    def unmoved(ir, y):
        seen.append(ir)
        return Unfolded([y], [torch.zeros(len(ir), 2)])

    objective.network.unfold = unmoved
    none = torch.zeros(8)
    batch = Batch(torch.rand(8, 1, 32, 32), torch.rand(8, 3, 32, 32), none.expand(32, 32, 8).movedim(2, 0), none > 0)
    found = objective.terms(batch)
    assert 0 < sum(not torch.allclose(one, other, atol=1e-3) for one, other in zip(seen[0], batch.ir, strict=True)) < 8
    assert found["displacement"].item() > 0


@pytest.mark.parametrize("name", ["dunsa", "lirp"])
def test_the_card_counts_the_parameters_and_says_that_it_is_adapted(name) -> None:
    card = method_card(name)
    assert sum(value.numel() for value in method_class(name)()._network.parameters()) == card.parameters
    assert "adapted to infrared-visible" in card.summary
    assert "adapted to infrared-visible" in card.reference
