"""How learning rates change over a training run, and where it ends."""

from __future__ import annotations

import math
from typing import Any

# Of a training that waits for a plateau: how much a loss must fall to count as lower, and the share of all steps, at
# their end, in which its rate falls.
LOWER, FALLING = 0.01, 0.25


def warm_cosine(step: int, steps: int, warmup: float) -> float:
    """Factor of a learning rate: a linear rise over a share `warmup` of the steps, then half a cosine down to zero.

    Example:
        >>> [round(warm_cosine(step, 10, 0.2), 2) for step in (0, 1, 2, 6, 10)]
        [0.5, 1.0, 1.0, 0.5, 0.0]
    """
    rise = max(1, round(steps * warmup))
    return _factor(step, rise, rise, steps)


def halving(step: int, steps: int, halvings: int) -> float:
    """Factor of a learning rate that is halved so many times at equal distances.

    Example:
        >>> [halving(step, 8, 3) for step in (0, 1, 2, 5, 7)]
        [1.0, 1.0, 0.5, 0.25, 0.125]
    """
    return 0.5 ** (step * (halvings + 1) // steps)


def _factor(step: int, rise: int, fall: int, end: int) -> float:
    """A linear rise over so many steps, 1 until the step where the fall begins, and half a cosine down to zero."""
    if step < rise:
        return (step + 1) / rise
    return 0.5 + 0.5 * math.cos(math.pi * max(0, step - fall) / max(1, end - fall))


class Schedule:
    """The learning rate of a training, and the step that ends it.

    A linear rise, then half a cosine down to zero by the last step. Of a training that waits for a plateau the rate
    stays at its peak until the loss of held-out pairs has not fallen by 1 % for some looks, or three quarters of the
    steps are made; the cosine then takes a third of the steps before it.

    Args:
        steps: Steps; of a training that waits the most that it may take.
        warmup: Share of `steps` in which the rate rises.
        patience: Looks without a lower loss that make a plateau; 0 waits for none.

    Attributes:
        end: Number of steps, as far as is known.
    """

    def __init__(self, steps: int, warmup: float, patience: int = 0) -> None:
        self._rise = max(1, round(steps * warmup))
        self._patience = patience
        self._fall = max(self._rise, round(steps * (1 - FALLING))) if patience else self._rise
        self.end = steps
        self._lowest = math.inf
        self._waited = 0

    def factor(self, step: int) -> float:
        """Factor of the learning rate at a step, from 0."""
        return _factor(step, self._rise, self._fall, self.end)

    def look(self, step: int, loss: float) -> None:
        """Take note of the loss of held-out pairs after so many steps, which may be where the rate begins to fall."""
        if not self._patience or step >= self._fall:
            return
        is_lower = loss < self._lowest * (1 - LOWER)
        self._waited = 0 if is_lower else self._waited + 1
        self._lowest = loss if is_lower else self._lowest
        if self._waited == self._patience:
            self._fall, self.end = step, step + max(1, round(step * FALLING / (1 - FALLING)))

    def state_dict(self) -> dict[str, Any]:
        """What looks have changed."""
        return {"fall": self._fall, "end": self.end, "lowest": self._lowest, "waited": self._waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        self._fall, self.end, self._lowest, self._waited = (state[key] for key in ("fall", "end", "lowest", "waited"))
