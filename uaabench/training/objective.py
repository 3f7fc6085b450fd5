"""The contract between a method that can be trained and the loop that trains it: its network with its own loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from uaabench.core import registry
from uaabench.core.errors import UsageError
from uaabench.core.interface import MethodCard
from uaabench.core.kinds import import_object
from uaabench.training.crops import Batch
from uaabench.training.trainer import TrainsItself

Terms = dict[str, Tensor]


class Objective(nn.Module, ABC):
    """What a method minimises in training; whatever has a state, as a critic, is a submodule or extra state.

    Args:
        network: What is trained, its entries named as the method loads them. Nothing else is optimised by the loop.

    Attributes:
        loss: The loss in words, for the card of the weights; with its source.
        differs: What differs from the authors' training, beyond data and budget; empty for nothing.
        adversarial: Names of the terms that a critic gives: what it says at one step does not compare with another.
        mixed_precision: Whether the network runs in bfloat16 where it gains; the loss never does.
    """

    loss: ClassVar[str]
    differs: ClassVar[str] = ""
    adversarial: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.mixed_precision = False

    def prepare(self, batch: Batch) -> None:
        """Do what comes before a step on these crops, such as a step of a critic."""

    @abstractmethod
    def terms(self, batch: Batch) -> Terms:
        """The weighted terms of the loss by name, as scalars; their sum is minimised.

        Args:
            batch: Crops on the device of the network.
        """

    def run(self, *sources: Tensor) -> Tensor:
        """The network's output, in single precision."""
        with self.precision(sources[0]):
            found: Tensor = self.network(*sources)
        return found.float()

    def precision(self, source: Tensor) -> AbstractContextManager[object]:
        """Where parts of the network run in the precision of the training; results must be made `float` after it."""
        return torch.autocast(source.device.type, torch.bfloat16, enabled=self.mixed_precision)


@runtime_checkable
class Trains(Protocol):
    """A method that can be trained here; the harness looks for this function, not for a class."""

    def objective(self) -> Objective:
        """A new network with the loss it is trained by, with random weights from torch's generator."""
        ...


def trainable() -> list[str]:
    """Names of the methods that can be trained, within a budget or by a trainer of their own."""
    cards = registry.method_cards().values()
    return [card.name for card in cards if card.trainer or card.objective or _offers(card, (Trains, TrainsItself))]


def objective_of(name: str) -> Callable[[], Objective]:
    """What makes a network of a method, with its loss: what its card names, else what the class of a user offers.

    Raises:
        UsageError: There is no such method, or it cannot be trained within a budget.
    """
    card = registry.method_card(name)
    if card.objective:
        named: Callable[[], Objective] = import_object(card.objective)
        return named
    if not _offers(card, (Trains,)):
        raise UsageError(f"The method '{name}' cannot be trained here; methods that can: {', '.join(trainable())}.")
    offered: Callable[[], Objective] = registry.method_class(name)().objective  # type: ignore[attr-defined]
    return offered


def _offers(card: MethodCard, contracts: tuple[type, ...]) -> bool:
    return issubclass(registry.method_class(card.name), contracts)
