"""Training a method by its own loss within a common budget."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from torch import nn

from uaabench.core import registry, weights
from uaabench.core.errors import UsageError
from uaabench.core.files import write_json
from uaabench.core.weights import WeightsCard
from uaabench.training import hardware
from uaabench.training.budget import Budget
from uaabench.training.crops import CropSampler
from uaabench.training.looking import held_out_loss, held_out_metrics
from uaabench.training.objective import Terms, objective_of
from uaabench.training.pairs import TrainingPairs
from uaabench.training.progress import Log, Loop, Stateful, claim
from uaabench.training.schedule import Schedule
from uaabench.training.validation import METRICS

CHECKPOINT, LOG, LOOKS, RATES = "checkpoint.pt", "loss.csv", "validation.csv", "rates.json"
# Batches from which the statistics of batch normalisation are estimated anew.
ESTIMATE = 40
# What is said of fused images whose differences to the sources do not resemble the other source at all.
FAILED = " A failed training: the fused images contradict their sources (SCD below 0); repeat it with another seed."

Report = Callable[[int, dict[str, float]], None]


class DivergedError(UsageError):
    """The loss is no longer finite."""


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
    objective_of(name)
    described = {"method": name, "budget": budget.model_dump(mode="json"), "pairs": pairs.ids()[0]}
    claim(folder, json.dumps(described, indent=2) + "\n")
    rate = choose_rate(name, pairs, budget, device, folder) if budget.rates else budget.learning_rate
    training = _Training(name, pairs, budget, rate, device)
    training.run(folder, report)
    return training.export(folder / f"{name}.safetensors")


def choose_rate(name: str, pairs: TrainingPairs, budget: Budget, device: torch.device, folder: Path) -> float:
    """The learning rate of a budget by which a short training of a method has the lowest loss on held-out pairs.

    Args:
        name: Name of the method.
        pairs: Training pairs, and those held out.
        budget: Names the rates, and the steps of each trial.
        device: Where to train.
        folder: Keeps the losses in `rates.json`, and each trial until all are done.

    Raises:
        UsageError: With none of the rates the loss stays finite.
    """
    rates = {str(rate): rate for rate in budget.rates}
    losses: dict[str, float | None] = {}
    with suppress(OSError, ValueError):  # what was not kept whole is tried again
        losses = json.loads((folder / RATES).read_text(encoding="utf-8"))
    if not (isinstance(losses, dict) and losses.keys() == rates.keys()):
        losses = {key: _tried(name, pairs, budget, rate, device, folder / f"rate-{key}") for key, rate in rates.items()}
        write_json(folder / RATES, losses)
    for key in rates:
        shutil.rmtree(folder / f"rate-{key}", ignore_errors=True)
    finite = {key: loss for key, loss in losses.items() if loss is not None}
    if not finite:
        raise UsageError(f"With none of the learning rates {', '.join(losses)} the loss stays finite; try lower ones.")
    return rates[min(finite, key=finite.__getitem__)]


def _tried(
    name: str, pairs: TrainingPairs, budget: Budget, rate: float, device: torch.device, folder: Path
) -> float | None:
    """The loss on held-out pairs after a short training with a learning rate; None where it is not finite."""
    claim(folder, f"{rate}\n")
    short = budget.model_copy(update={"steps": budget.trial, "patience": 0, "look_every": 0})
    trial = _Training(name, pairs, short, rate, device)
    try:
        trial.run(folder)
    except DivergedError:
        return None
    loss = held_out_loss(trial.objective, pairs.held_out, budget, device)
    return loss if math.isfinite(loss) else None


class _Training:
    """The loop, and what has a state in it."""

    def __init__(self, name: str, pairs: TrainingPairs, budget: Budget, rate: float, device: torch.device) -> None:
        torch.manual_seed(budget.seed)
        self.objective = objective_of(name)().to(device)
        self.objective.mixed_precision = budget.bfloat16
        self.objective.network.to(memory_format=torch.channels_last)
        self.name, self.pairs, self.budget, self.rate, self.device = name, pairs, budget, rate, device
        self.sampler = CropSampler(pairs.items, budget.crop, budget.seed)
        self.optimiser = torch.optim.Adam(self.objective.network.parameters(), lr=rate)
        self.course = Schedule(budget.steps, budget.warmup, budget.patience)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, self.course.factor)
        self.seconds = 0.0

    def run(self, folder: Path, report: Report = lambda _step, _values: None) -> None:
        """Make all steps that are left."""
        parts: dict[str, Stateful] = {
            "objective": self.objective,
            "optimiser": self.optimiser,
            "schedule": self.schedule,
            "course": self.course,
            "sampler": self.sampler,
        }
        loop = Loop(folder / CHECKPOINT, parts, steps=self.budget.steps, every=self.budget.checkpoint_every)
        loop.end_at(self.course.end)
        looks = Log(folder / LOOKS if self.budget.look_every else None, ["step", "loss", *METRICS], loop.done)
        log: Log | None = None
        for step in loop:
            freeze_at = round(self.course.end * (1 - self.budget.frozen))
            if step == freeze_at:
                self._estimate_statistics()
            self.objective.train()
            if step >= freeze_at:
                _fix_statistics(self.objective.network)
            values = {name: term.item() for name, term in self._step().items()}
            if not all(map(math.isfinite, values.values())):
                raise DivergedError(
                    f"The loss is no longer finite at step {step + 1}; train with a lower learning_rate or another "
                    "seed, in another folder."
                )
            log = log or Log(folder / LOG, ["step", *values], loop.done)
            log.write(step + 1, values)
            if self.budget.look_every and (step + 1) % self.budget.look_every == 0:
                looked = self._look(step + 1)
                looks.write(step + 1, looked)
                loop.end_at(self.course.end)
                values["held-out loss"] = looked["loss"]
            report(step + 1, values)
        self.seconds = loop.seconds

    def _look(self, step: int) -> dict[str, float]:
        """Loss and metrics of the held-out pairs; the former may decide where the training ends."""
        loss = held_out_loss(self.objective, self.pairs.held_out, self.budget, self.device)
        self.course.look(step, loss)
        return {"loss": loss, **held_out_metrics(self.name, self.objective, self.pairs.held_out, self.device)}

    def _step(self) -> Terms:
        batch = self.sampler.batch(self.budget.batch).on(self.device)
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
                self.objective.terms(sampler.batch(self.budget.batch).on(self.device))

    def export(self, file: Path) -> Path:
        """Write the weights with their card, which says how the method fuses the pairs that were held out."""
        state = self.objective.network.state_dict()
        budget = self.budget.in_words(self.rate, self.course.end)
        card = WeightsCard(
            method=self.name,
            version=registry.method_card(self.name).version,
            data=list(self.pairs.described),
            recipe=" ".join(filter(None, [f"Loss: {self.objective.loss}.", self.objective.differs, budget])),
            steps=self.course.end,
            minutes=round(self.seconds / 60, 1),
            hardware=hardware.described(self.device),
            seed=self.budget.seed,
            parameters=sum(value.numel() for value in state.values()),
            note=self._validated() if self.pairs.held_out else "",
        )
        weights.export(file, state, card, {})
        return file

    def _validated(self) -> str:
        """What a card says of pairs that were held out."""
        found = held_out_metrics(self.name, self.objective, self.pairs.held_out, self.device)
        means = ", ".join(f"{key} {value:.4g}" for key, value in found.items())
        return f"On {len(self.pairs.held_out)} held-out training pairs: {means}.{FAILED if found['SCD'] < 0 else ''}"


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
