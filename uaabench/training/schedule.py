"""How learning rates change over a training run."""

from __future__ import annotations

import math


def warm_cosine(step: int, steps: int, warmup: float) -> float:
    """Factor of a learning rate: a linear rise over a share `warmup` of the steps, then half a cosine down to zero.

    Example:
        >>> [round(warm_cosine(step, 10, 0.2), 2) for step in (0, 1, 2, 6, 10)]
        [0.5, 1.0, 1.0, 0.5, 0.0]
    """
    rise = max(1, round(steps * warmup))
    if step < rise:
        return (step + 1) / rise
    return 0.5 + 0.5 * math.cos(math.pi * (step - rise) / max(1, steps - rise))


def halving(step: int, steps: int, halvings: int) -> float:
    """Factor of a learning rate that is halved so many times at equal distances.

    Example:
        >>> [halving(step, 8, 3) for step in (0, 1, 2, 5, 7)]
        [1.0, 1.0, 0.5, 0.25, 0.125]
    """
    return 0.5 ** (step * (halvings + 1) // steps)
