"""In which arithmetic networks compute, wherever they are run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@contextmanager
def arithmetic(device: torch.device, precision: str) -> Iterator[None]:
    """Let torch compute in a precision, and a GPU give the same numbers each time.

    Left to itself, cuDNN rounds the factors of float32 convolutions to the 10 bits of TF32, and may sum gradients in
    any order: neither would be what `fp32` and one seed promise.

    Args:
        device: Where networks are run.
        precision: `fp32`, or `bf16` for what torch's autocast takes.
    """
    import torch

    bf16 = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
    if device.type != "cuda":
        with bf16:
            yield
        return
    with bf16, torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        yield
