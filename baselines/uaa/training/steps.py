"""Carrying out the steps of a training of a fusion network, with checkpoints, logs and validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from uaabench.training.pairs import Items
from uaabench.training.progress import Log, Loop, Stateful
from uaabench.training.validation import METRICS, validate

# Called with the phase, the number of the step and its values.
Report = Callable[[str, int, dict[str, float]], None]


@dataclass(frozen=True)
class Steps:
    """The steps of one phase of a training.

    Attributes:
        phase: Its name: that of its log, and what is reported.
        checkpoint: File name of its checkpoint.
        total: How many there are.
        saved_every: Steps between two checkpoints.
        validated_every: Steps between two validations.
        terms: Names of the terms of its loss.
    """

    phase: str
    checkpoint: str
    total: int
    saved_every: int
    validated_every: int
    terms: Sequence[str]

    def carry_out(
        self,
        step: Callable[[], Mapping[str, Tensor]],
        parts: dict[str, Stateful],
        folder: Path | None,
        *,
        fuse: Callable[[Tensor, Tensor], Tensor],
        held_out: Items,
        device: torch.device,
        report: Report,
    ) -> None:
        """Make all steps that are left.

        Args:
            step: Makes one, and gives the terms of its loss.
            parts: What a checkpoint keeps.
            folder: Folder of checkpoint and logs; None keeps none.
            fuse: Fuses a held-out pair as a run does.
            held_out: The pairs it is validated on; none for no validation.
            device: Where the tensors are.
            report: Called after every step and validation.
        """
        loop = Loop(folder and folder / self.checkpoint, parts, steps=self.total, every=self.saved_every)
        log = Log(folder and folder / f"{self.phase}.csv", ["step", *self.terms], loop.done)
        checks = Log(folder and folder / "validation.csv", ["step", *METRICS], loop.done)
        for index in loop:
            number = index + 1
            values = {name: term.item() for name, term in step().items()}
            log.write(number, values)
            report(self.phase, number, values)
            if held_out and (number % self.validated_every == 0 or number == self.total):
                checked = validate(fuse, held_out, device)
                checks.write(number, checked)
                report("validation", number, checked)
