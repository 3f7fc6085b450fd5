"""Checkpoints of mmsegmentation: the weights, read without running what else such a file may hold."""

from __future__ import annotations

import _codecs
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from uaabench.core.checkpoints import read_checkpoint, tensors_of

if TYPE_CHECKING:
    from torch import Tensor


def read_state(path: Path) -> dict[str, Tensor]:
    """The weights in a checkpoint of mmsegmentation.

    Raises:
        WeightsError: It is none, holds objects that could run code, or values that are not finite.
    """
    return tensors_of(read_checkpoint(path, "mmsegmentation", _beside_weights()), path, "mmsegmentation")


def _beside_weights() -> list[Any]:
    """What mmengine keeps in a checkpoint beside the weights: the history of the logged numbers, in NumPy arrays."""
    from mmengine.logging import HistoryBuffer

    numbers = [np.dtype, np.ndarray, *(type(np.dtype(kind)) for kind in (np.float64, np.float32, np.int64, np.bool_))]
    # The functions that rebuild arrays and scalars, under their names in NumPy 1 and 2.
    rebuild, scalar = (np.zeros(1).__reduce__()[0], np.float64(0).__reduce__()[0])
    named = [(rebuild, f"{module}.multiarray._reconstruct") for module in ("numpy.core", "numpy._core")]
    named += [(scalar, f"{module}.multiarray.scalar") for module in ("numpy.core", "numpy._core")]

    def method_of_history(owner: Any, name: str) -> Any:
        if owner is not HistoryBuffer or name.startswith("_"):
            raise TypeError(f"a checkpoint may not ask for '{name}' of {owner}")
        return getattr(owner, name)

    return [HistoryBuffer, *numbers, *named, _codecs.encode, (method_of_history, "builtins.getattr")]
