"""LIRP as adapted: gradient steps towards the weighted sources, and a prior that restores what is hidden."""

import pytest
import torch

from uaabench.baselines.lirp import STAGES, MaskedAutoencoder, Network
from uaabench.baselines.objectives.lirp import LIRPObjective
from uaabench.training.crops import Batch


def test_stages_without_prior_descend_to_the_weighted_sources() -> None:
    network, ir, y = Network(), torch.full((1, 1, 8, 8), 0.9), torch.full((1, 1, 8, 8), 0.1)
    with torch.no_grad():
        network.trust.zero_()
        for parameter in network.weigh.parameters():
            parameter.zero_()
        network.weigh[-1].bias.fill_(torch.tensor(3.0).log())
        iterates = network.iterates(ir, y)
    # The weight of infrared is 3 / 4, the minimiser 0.7; each step of 1/2 halves the distance from the average, 0.5.
    for stage, image in enumerate(iterates):
        torch.testing.assert_close(image, torch.full_like(image, 0.7 - 0.2 * 0.5**stage))
    assert len(iterates) == STAGES + 1


@pytest.mark.parametrize("size", [(8, 12), (9, 15), (5, 4)])
def test_the_prior_restores_images_of_any_size(size) -> None:
    assert MaskedAutoencoder()(torch.rand(2, 1, *size)).shape == (2, 1, *size)


def test_what_is_hidden_is_not_seen() -> None:
    torch.manual_seed(0)
    prior, image = MaskedAutoencoder(), torch.rand(1, 1, 16, 16)
    hide = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    hide[..., 1, 2] = True
    changed = image.clone()
    changed[..., 4:8, 8:12] = torch.rand(4, 4)
    with torch.no_grad():
        assert torch.equal(prior(image, hide), prior(changed, hide))
        assert not torch.equal(prior(image), prior(changed))


def test_reasoning_is_the_distance_of_hidden_patches_alone() -> None:
    torch.manual_seed(0)
    objective = LIRPObjective()
    # A prior that sees nothing and answers with 0.
    objective.network.prior.forward = lambda image, hide=None: torch.zeros_like(image)
    ir, vi = torch.full((2, 1, 16, 16), 0.3), torch.full((2, 3, 16, 16), 0.3)
    batch = Batch(ir, vi, torch.zeros(2, 16, 16).long(), torch.zeros(2) > 0)
    assert objective.terms(batch)["reasoning"].item() == pytest.approx(0.3, rel=1e-5)
