"""Training a method by its own loss within a common budget."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from uaabench.core import registry, weights
from uaabench.core.errors import UsageError
from uaabench.core.weights import WeightsCard
from uaabench.training.budget import Budget
from uaabench.training.crops import Batch, CropSampler
from uaabench.training.objective import Objective, Terms, objective_of
from uaabench.training.pairs import Items, TrainingPairs
from uaabench.training.progress import Log, Loop, Stateful, claim
from uaabench.training.schedule import warm_cosine
from uaabench.training.validation import validate

CHECKPOINT, LOG = "checkpoint.pt", "loss.csv"
# Batches from which the statistics of batch normalisation are estimated anew.
ESTIMATE = 40
# What is said of fused images whose differences to the sources do not resemble the other source at all.
FAILED = " A failed training: the fused images contradict their sources (SCD below 0); repeat it with another seed."

Report = Callable[[int, dict[str, float]], None]


def train(
    name: str,
    pairs: TrainingPairs,
    budget: Budget,
    device: torch.device,
    folder: Path,
    report: Report = lambda _step, _values: None,
) -> Path:
    """Train a method, or go on with a training that was killed, and export its weights and card.

    Args:
        name: Name of the method.
        pairs: Training pairs, and those held out.
        budget: Everything else that is not the method's own.
        device: Where to train.
        folder: Folder of the checkpoint, the log of the loss, and the weights `NAME.safetensors` with their card.
        report: Called after every step with its number and the terms of the loss.

    Returns:
        The file of the weights.

    Raises:
        DataError: A pair cannot be read.
        UsageError: The method cannot be trained, the folder holds another training, or the loss is no longer finite.
        WeightsError: The checkpoint in the folder cannot be read.
    """
    make = objective_of(name)
    described = {"method": name, "budget": budget.model_dump(mode="json"), "pairs": pairs.ids()[0]}
    claim(folder, json.dumps(described, indent=2) + "\n")
    torch.manual_seed(budget.seed)
    objective = make().to(device)
    objective.mixed_precision = budget.bfloat16
    seconds = _Training(objective, pairs, budget, device).run(folder, report)
    return _export(name, objective, pairs, budget, device, seconds, folder / f"{name}.safetensors")


class _Training:
    """The loop, and what has a state in it."""

    def __init__(self, objective: Objective, pairs: TrainingPairs, budget: Budget, device: torch.device) -> None:
        self.objective, self.pairs, self.budget, self.device = objective, pairs, budget, device
        objective.network.to(memory_format=torch.channels_last)
        self.sampler = CropSampler(pairs.items, budget.crop, budget.seed)
        self.optimiser = torch.optim.Adam(objective.network.parameters(), lr=budget.learning_rate)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser, lambda step: warm_cosine(step, budget.steps, budget.warmup)
        )

    def run(self, folder: Path, report: Report) -> float:
        """Make all steps that are left, and give the seconds of all steps."""
        parts: dict[str, Stateful] = {
            "objective": self.objective,
            "optimiser": self.optimiser,
            "schedule": self.schedule,
            "sampler": self.sampler,
        }
        steps = self.budget.steps
        loop = Loop(folder / CHECKPOINT, parts, steps=steps, every=self.budget.checkpoint_every)
        freeze_at = round(steps * (1 - self.budget.frozen))
        log: Log | None = None
        for step in loop:
            if step == freeze_at:
                self._estimate_statistics()
            self.objective.train()
            if step >= freeze_at:
                _fix_statistics(self.objective.network)
            values = {name: term.item() for name, term in self._step().items()}
            if not all(map(math.isfinite, values.values())):
                raise UsageError(
                    f"The loss is no longer finite at step {step + 1}; train with a lower learning_rate or another "
                    "seed, in another folder."
                )
            log = log or Log(folder / LOG, ["step", *values], loop.done)
            log.write(step + 1, values)
            report(step + 1, values)
        return loop.seconds

    def _step(self) -> Terms:
        batch = self._on_device(self.sampler.batch(self.budget.batch))
        self.objective.prepare(batch)
        terms = self.objective.terms(batch)
        self.optimiser.zero_grad()
        torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.objective.network.parameters(), self.budget.clip)
        self.optimiser.step()
        self.schedule.step()
        return terms

    def _estimate_statistics(self) -> None:
        """Average the statistics of batch normalisation over crops of their own, so that the others stay the same."""
        sampler = CropSampler(self.pairs.items, self.budget.crop, self.budget.seed + 1)
        self.objective.train()
        with _cumulative(self.objective.network), torch.no_grad():
            for _ in range(ESTIMATE):
                self.objective.terms(self._on_device(sampler.batch(self.budget.batch)))

    def _on_device(self, batch: Batch) -> Batch:
        return Batch(*(part.to(self.device) for part in (batch.ir, batch.vi, batch.label, batch.has_label)))


def _norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def _fix_statistics(network: nn.Module) -> None:
    """Normalise by the running statistics, and leave them as they are."""
    for norm in _norms(network):
        norm.eval()


@contextmanager
def _cumulative(network: nn.Module) -> Iterator[None]:
    """Within it, running statistics are plain means of what comes, from nothing."""
    norms = _norms(network)
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    yield
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def _export(
    name: str,
    objective: Objective,
    pairs: TrainingPairs,
    budget: Budget,
    device: torch.device,
    seconds: float,
    file: Path,
) -> Path:
    """Write the weights with their card, which says how the method fuses the pairs that were held out."""
    state = objective.network.state_dict()
    card = WeightsCard(
        method=name,
        version=registry.method_card(name).version,
        data=list(pairs.described),
        recipe=" ".join(filter(None, [f"Loss: {objective.loss}.", objective.differs, budget.in_words()])),
        steps=budget.steps,
        minutes=round(seconds / 60, 1),
        hardware=f"{torch.get_num_threads()} threads of {platform.machine()}, {os.cpu_count()} cores",
        seed=budget.seed,
        parameters=sum(value.numel() for value in state.values()),
    )
    weights.export(file, state, card, {})
    if pairs.held_out:
        weights.export(file, state, replace(card, note=_validated(name, file, pairs.held_out, device)), {})
    return file


def _validated(name: str, file: Path, held_out: Items, device: torch.device) -> str:
    """What a card says of pairs that were held out."""
    method = registry.method_class(name)()
    method.load(file, device)
    found = validate(method.fuse, held_out, device)
    means = ", ".join(f"{key} {value:.4g}" for key, value in found.items())
    return f"On {len(held_out)} held-out training pairs: {means}.{FAILED if found['SCD'] < 0 else ''}"
