"""Checkpoints of PyTorch as people save them, read to one thing: tensors by name, all of them finite.

Files are unpickled without running any code of theirs (`weights_only`), which is why a whole model cannot be read.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from uaabench.core.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

# Under these names authors' files hold what belongs to the network.
WRAPPERS = ("weight", "params", "state_dict", "model")
# How a file of `numpy.save` begins, whatever it is called, and the name that its array gets.
NUMPY, ARRAY = b"\x93NUMPY", "array"


def read_checkpoint(path: Path, what: str, allowed: Sequence[Any] = ()) -> Any:
    """Read a file that `torch.save` wrote, whatever it holds, or one of `numpy.save` as a tensor called `array`.

    Args:
        path: The file.
        what: Whose checkpoint it should be, for messages: `DenseFuse`.
        allowed: Classes and functions that it may hold beside tensors and plain values.

    Raises:
        WeightsError: It cannot be read, is no such file, or holds other objects.
    """
    import torch

    try:
        with path.open("rb") as file:
            if file.read(len(NUMPY)) == NUMPY:
                return {ARRAY: torch.from_numpy(np.load(path, allow_pickle=False))}
        with torch.serialization.safe_globals([*_numbers_of_numpy(), *allowed]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"Cannot read the checkpoint {path}: {error.strerror or error}.") from error
    except pickle.UnpicklingError as error:
        if "GLOBAL" in str(error):
            raise WeightsError(
                f"{path} holds objects of classes, as of a whole model, which could run code when they are read; save "
                f"the state_dict() of the {what} network alone."
            ) from error
        raise WeightsError(f"{path} is no PyTorch checkpoint; give a file of {what}.") from error
    except Exception as error:  # the unpickler raises whatever a foreign file makes it stumble over
        raise WeightsError(f"{path} is no PyTorch checkpoint; give a file of {what}.") from error


def _numbers_of_numpy() -> list[Any]:
    """What a number of NumPy is pickled by, as training loops write their losses beside the network: no code of a file.

    NumPy 2 renamed the module, so that older files name it as it was.
    """
    scalar = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(kind)) for kind in (np.float32, np.float64, np.int32, np.int64, np.bool_)]
    places = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    return [*((scalar, place) for place in places), np.dtype, *kinds]


def tensors_of(content: Any, path: Path, what: str, parts: Sequence[str] = ()) -> dict[str, Tensor]:
    """The tensors by name in a checkpoint, found below the names that people file them under.

    Entries of other kinds, such as an epoch, are left out, and so is the `module.` that data parallel training puts
    before every name.

    Args:
        content: What `read_checkpoint` gave.
        path: Where it is from, for messages.
        what: Whose checkpoint it should be, for messages.
        parts: Names under which it may hold parts of the network, a set of tensors each; the name of a part then stands
            before those of its tensors: `Encoder.weight`.

    Raises:
        WeightsError: It lacks a part, holds no tensors by name, several sets of them, or values that are not finite.
    """
    import torch

    if not isinstance(content, Mapping):
        raise WeightsError(
            f"{path} holds a {type(content).__name__} instead of tensors by name; save the state_dict() of the {what} "
            "network."
        )
    if any(part in content for part in parts):
        return _joined(content, parts, path, what)
    held = _unwrapped(content, path)
    found = {str(name): value for name, value in held.items() if isinstance(value, torch.Tensor)}
    if not found:
        raise WeightsError(f"{path} holds no tensors; give a file of {what}.")
    named = _without_prefix(found, path)
    require_finite(named, path)
    return named


def _joined(content: Mapping[Any, Any], parts: Sequence[str], path: Path, what: str) -> dict[str, Tensor]:
    """The tensors of all parts of a network."""
    missing = [part for part in parts if part not in content]
    if missing:
        raise WeightsError(f"{path} lacks '{missing[0]}', a part of the {what} network; give the whole file.")
    sets = {part: tensors_of(content[part], path, f"{part} of {what}") for part in parts}
    return {f"{part}.{name}": value for part, tensors in sets.items() for name, value in tensors.items()}


def require_finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Refuse weights with NaN or infinity, whose images would be black or arbitrary.

    Raises:
        WeightsError: A value is not finite.
    """
    broken = [
        name
        for name, value in tensors.items()
        if (value.is_floating_point() or value.is_complex()) and not value.isfinite().all()
    ]
    if broken:
        raise WeightsError(
            f"{path} holds values that are NaN or infinite, in {broken[0]}"
            f"{f' and {len(broken) - 1} more entries' if broken[1:] else ''}; its training diverged or the file is "
            "damaged, take a sound one."
        )


def _unwrapped(content: Mapping[Any, Any], path: Path) -> Mapping[Any, Any]:
    """The mapping with the network's entries: below a usual name, or the only one that holds nothing but tensors."""
    for name in (wrapper for wrapper in WRAPPERS if isinstance(content.get(wrapper), Mapping)):
        return _unwrapped(content[name], path)
    if any(_is_tensor(value) for value in content.values()):
        return content
    sets = [name for name, value in content.items() if _is_set_of_tensors(value)]
    if len(sets) > 1:
        raise WeightsError(
            f"{path} holds several sets of tensors ({', '.join(map(str, sets))}), so that nobody knows which is the "
            "network; save the one that is meant alone."
        )
    return _unwrapped(content[sets[0]], path) if sets else content


def _is_set_of_tensors(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(map(_is_tensor, value.values()))


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _without_prefix(tensors: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    plain: dict[str, Tensor] = {}
    for name, value in tensors.items():
        short = name.removeprefix("module.")
        if short in plain:
            raise WeightsError(f"{path} holds '{short}' both with and without 'module.'; save one of the two alone.")
        plain[short] = value
    return plain
