"""Fusing by a network that torch compiles for its device."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from uaabench.core.errors import MethodError
from uaabench.core.interface import MethodCard

if TYPE_CHECKING:
    from torch import Tensor

FuseBatch = Callable[["Tensor", "Tensor"], "Tensor"]
# Every size of images and of batches is compiled for itself: code for all of them would sum in an order that depends on
# which size came first. After eight torch would go on without compiling, and say so in a log only.
_SIZES = 2**16


def is_compiled(card: MethodCard, *, asked: bool) -> bool:
    """Whether a method is compiled where that is asked for: networks are, rules and filters have nothing to gain."""
    return asked and card.kind == "learned"


def compiled(fuse: FuseBatch) -> FuseBatch:
    """A function of the same results but for rounding, compiled for each size when it first comes.

    What cannot be compiled, such as gradients that a method takes, runs as it is.

    Raises:
        MethodError: When it is called, if this machine has no compiler, or torch's fails.
    """
    import torch
    from torch._dynamo import config
    from torch._dynamo.exc import TorchDynamoException

    by_torch = torch.compile(fuse, dynamic=False)
    strict = config.patch(recompile_limit=_SIZES, accumulated_recompile_limit=_SIZES, suppress_errors=False)

    def call(ir: Tensor, vi: Tensor) -> Tensor:
        try:
            with strict:
                fused: Tensor = by_torch(ir, vi)
        except TorchDynamoException as error:
            reason = " ".join(str(error).split("\n\n")[0].split())
            raise MethodError(
                f"its network cannot be compiled on this machine ({reason}); install what torch.compile needs, or "
                "leave --compile out"
            ) from error
        return fused

    return call
