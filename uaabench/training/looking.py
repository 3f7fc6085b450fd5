"""Looks at held-out pairs while a method is trained: its loss there, and the metrics of what it fuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from uaabench.core import registry, weights
from uaabench.core.weights import WeightsCard
from uaabench.training.budget import Budget
from uaabench.training.crops import CropSampler
from uaabench.training.objective import Objective
from uaabench.training.pairs import Items
from uaabench.training.validation import validate

# Batches of crops whose mean loss is taken, the same ones at every look.
BATCHES = 8


def held_out_loss(objective: Objective, held_out: Items, budget: Budget, device: torch.device) -> float:
    """The loss on crops of held-out pairs, terms of critics aside; the network stays as it is.

    Args:
        objective: The network with its loss.
        held_out: The pairs.
        budget: How crops are drawn.
        device: Where the network is.
    """
    # 0 and 1 are the crops that are trained on, and those of the statistics of batch normalisation.
    sampler = CropSampler(held_out, budget.crop, budget.seed + 2)
    was_training = objective.training
    objective.eval()
    total = 0.0
    with undisturbed(device), torch.no_grad():
        torch.manual_seed(budget.seed)
        for _ in range(BATCHES):
            terms = objective.terms(sampler.batch(budget.batch).on(device))
            total += sum(term.item() for name, term in terms.items() if name not in objective.adversarial)
    objective.train(was_training)
    return total / BATCHES


def held_out_metrics(name: str, objective: Objective, held_out: Items, device: torch.device) -> dict[str, float]:
    """The mean of each metric of `validation.METRICS` of the held-out pairs as the method of this name fuses them."""
    state = objective.network.state_dict()
    card = WeightsCard(
        method=name, version=0, data=[], recipe="", steps=0, minutes=0, hardware="", seed=0, parameters=0
    )
    with undisturbed(device), TemporaryDirectory() as folder:
        weights.export(Path(folder) / f"{name}.safetensors", state, card, {})
        method = registry.method_class(name)()
        method.load(Path(folder) / f"{name}.safetensors", device)
        return validate(method.fuse, held_out, device)


@contextmanager
def undisturbed(device: torch.device) -> Iterator[None]:
    """Within it, torch's random numbers are drawn without those of the training becoming others."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield
