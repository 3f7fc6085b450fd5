"""The fuse stage: one method over one data set, to one 8-bit PNG per pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from uaabench.core import imaging, registry
from uaabench.core.errors import DataError, UaabenchError
from uaabench.core.interface import ByteImage, FusionMethod, Pair, Sources
from uaabench.core.streams import ordered_map
from uaabench.running import store
from uaabench.running.plan import MethodPlan, Unit, find_image
from uaabench.running.store import Failure

if TYPE_CHECKING:
    import torch

Result = TypeVar("Result")


@dataclass(frozen=True)
class Runtime:
    """How units are carried out: run directory, device (as torch names it), precision, seed, and number of threads."""

    run: Path
    device: str
    precision: str
    seed: int
    threads: int
    fail_fast: bool = False


Fuser = Callable[[Pair, Sources], ByteImage]


def fuse_unit(unit: Unit, runtime: Runtime, on_pair: Callable[[], None]) -> list[Failure]:
    """Fuse the pairs of a unit that have no artefact yet; one failing pair does not stop the others.

    Args:
        unit: What to fuse.
        runtime: Where and how.
        on_pair: Called after every pair, also after a failed or an already finished one.

    Returns:
        The pairs that failed, with reasons.
    """
    folder = store.begin(runtime.run, unit)
    pending = [pair for pair in unit.dataset.pairs if not store.artefact(runtime.run, unit, pair.id).is_file()]
    for _ in range(len(unit.dataset.pairs) - len(pending)):
        on_pair()
    failures: list[Failure] = []
    for pair, error in _fuse_pairs(unit, runtime, pending, folder):
        on_pair()
        if error is not None:
            failures.append(Failure("fuse", unit.method.label, unit.dataset.label, pair.id, explain(error)))
            if runtime.fail_fast:
                break
    store.finish(runtime.run, unit, failures)
    return failures


def explain(error: Exception) -> str:
    """One sentence about an error: the message of ours, type and message of any other."""
    if isinstance(error, UaabenchError):
        return str(error)
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _fuse_pairs(
    unit: Unit, runtime: Runtime, pairs: list[Pair], folder: Path
) -> Iterator[tuple[Pair, Exception | None]]:
    """Fuse pair by pair in this thread; one thread reads ahead and one writes behind."""
    if not pairs:
        return
    try:
        fuse = make_fuser(unit.method, runtime)
    except Exception as error:
        yield from ((pair, error) for pair in pairs)
        return
    dataset = registry.dataset_class(unit.dataset.adapter)(unit.dataset.root)
    sources = ordered_map(lambda pair: (pair, _attempt(dataset.read, pair)), pairs, threads=1)
    fused = ((pair, read if isinstance(read, Exception) else _attempt(fuse, pair, read)) for pair, read in sources)
    yield from ordered_map(lambda result: (result[0], _write(folder, *result)), fused, threads=1)


def _attempt(function: Callable[..., Result], *arguments: Any) -> Result | Exception:
    """Call a function and return its exception instead of raising it: one pair must not stop the others."""
    try:
        return function(*arguments)
    except Exception as error:
        return error


def _write(folder: Path, pair: Pair, fused: ByteImage | Exception) -> Exception | None:
    if isinstance(fused, Exception):
        return fused
    return _attempt(imaging.write_png, folder / f"{pair.id}.png", fused)


def make_fuser(method: MethodPlan, runtime: Runtime) -> Fuser:
    """Load a method, and return the function that turns a pair into its artefact.

    Raises:
        WeightsError: The weights are missing, changed, or do not fit.
    """
    if method.folder is not None:
        folder, label = method.folder, method.label
        return lambda pair, sources: _read_precomputed(folder, label, pair, sources)
    import torch

    device = torch.device(runtime.device)
    fusion = load_method(method, device)
    return lambda _pair, sources: _fuse_one(fusion, sources, device, runtime)


def load_method(method: MethodPlan, device: torch.device) -> FusionMethod:
    """Make a method of the registry and load its weights.

    Raises:
        WeightsError: The weights are missing, changed, or do not fit.
    """
    method.weights.verify()
    fusion = registry.method_class(method.card.name)(**method.options)
    fusion.load(method.weights.path, device)
    return fusion


def _fuse_one(fusion: FusionMethod, sources: Sources, device: torch.device, runtime: Runtime) -> ByteImage:
    import torch

    from uaabench.methods.conformance import validated

    torch.manual_seed(runtime.seed)
    np.random.seed(runtime.seed)
    ir = imaging.to_tensor(sources.ir).to(device)
    vi = imaging.to_tensor(sources.vi).to(device)
    bf16 = torch.autocast(device.type, torch.bfloat16, enabled=runtime.precision == "bf16")
    with torch.no_grad(), bf16:
        fused = fusion.fuse(ir, vi)
    # Autocast hands out bfloat16; what is kept is 8 bit anyway.
    return imaging.quantise(validated(fused.float() if runtime.precision == "bf16" else fused, ir))[0]


def _read_precomputed(folder: Path, label: str, pair: Pair, sources: Sources) -> ByteImage:
    path = find_image(folder, pair.id)
    if path is None:
        raise DataError(f"'{label}' has no image for the pair '{pair.id}' in {folder}; add {pair.id}.png there.")
    image = imaging.read_rgb(path)
    if image.shape[:2] != sources.ir.shape:
        raise DataError(
            f"{path} is {imaging.size_text(image)} but the pair '{pair.id}' is {imaging.size_text(sources.ir)}; "
            "fused images must keep the size of their sources."
        )
    is_grey = (image == image[..., :1]).all()
    return image[..., 0].copy() if is_grey else image
